"""Material: the bytes of a secret in memory, which are overwritten when they have served.

It is a context manager: whoever has it last closes it, by leaving the block. What a host copies
out of it, and what the interpreter, a swap file or a core dump copies, is beyond its reach.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.secrets.limits import MATERIAL_BYTES_MAX
from turnkeep_domain.secrets.redaction import Undisclosed


class Material(Undisclosed):
    """Secret bytes, 1 byte to 64 KiB; wiped on exit, on error and on cancellation alike.

    Attributes are none: `size` tells how many bytes there are, `view` and `reveal` give them.

    Raises:
        InvalidValue: They are no bytes, too few or too many.
    """

    __slots__ = ("_buffer", "_wiped")

    def __init__(self, buffer: bytearray) -> None:
        """Takes over a buffer, which nobody else may use from now on."""
        require_kind("material", buffer, bytearray)
        self._buffer = buffer
        self._wiped = False
        if not 1 <= len(buffer) <= MATERIAL_BYTES_MAX:
            raise InvalidValue("material", f"must have 1 to {MATERIAL_BYTES_MAX} bytes")

    @classmethod
    def of(cls, source: bytes | bytearray | memoryview | str) -> Self:
        """A copy of a host's bytes, or of a text's UTF-8; the source is the host's to forget."""
        require_kind("material", source, bytes, bytearray, memoryview, str)
        return cls(bytearray(source.encode() if isinstance(source, str) else source))

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self._buffer)

    @property
    def wiped(self) -> bool:
        """Whether they were overwritten."""
        return self._wiped

    def view(self) -> memoryview:
        """The bytes themselves; they become zeros when the material is wiped.

        Raises:
            ValueError: They were wiped.
        """
        if self._wiped:
            raise ValueError("the material was wiped")
        return memoryview(self._buffer).toreadonly()

    @contextmanager
    def filled(self) -> Iterator[memoryview]:
        """The bytes, to be written by whoever decrypts into them."""
        with memoryview(self._buffer) as buffer:
            yield buffer

    def reveal(self) -> bytes:
        """A copy of the bytes, which nobody can wipe.

        Raises:
            ValueError: They were wiped.
        """
        return bytes(self.view())

    def wipe(self) -> None:
        """Overwrites the bytes with zeros; may be repeated."""
        self._wiped = True
        self._buffer[:] = bytes(len(self._buffer))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        self.wipe()
