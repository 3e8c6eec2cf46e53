"""A form: the file `FORMAT`, which makes a directory a store and says where its log begins."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_adapters.files.framing import Damaged, Taking, digest_of, framed, unframed
from turnkeep_adapters.files.layout import first_of
from turnkeep_adapters.memory.event_log import STORE_ID_BYTES

MAGIC: Final = b"tk-form\n"
VERSION: Final = 1


@frozen(kw_only=True)
class Form:
    """What `FORMAT` says; the same for the whole life of a store.

    Attributes:
        store_id: 16 bytes that no other store has.
        first_bucket: Where the first number lies, or has lain.
    """

    store_id: bytes
    first_bucket: str

    @property
    def digest(self) -> bytes:
        """What the first segment names as previous."""
        return digest_of(form_bytes(self))


def form_bytes(form: Form) -> bytes:
    """The file of a form."""
    bucket = form.first_bucket.encode()
    return framed(MAGIC, VERSION, [form.store_id, len(bucket).to_bytes(1, "big"), bucket])


def read_form(raw: bytes) -> Form:
    """What the bytes of a file say.

    Raises:
        Damaged: They are no form.
        SchemaTooNew: A newer release made the store.
    """
    taking = Taking(unframed(raw, magic=MAGIC, version=VERSION, what="the store's format"))
    store_id = taking.bytes(STORE_ID_BYTES)
    bucket = taking.bytes(taking.number(1)).decode("ascii", errors="replace")
    taking.end()
    if first_of(bucket) != 1:
        raise Damaged("names a first bucket that is none")
    return Form(store_id=store_id, first_bucket=bucket)
