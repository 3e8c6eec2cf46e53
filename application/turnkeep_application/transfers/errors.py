"""Errors of transfers: what a copy of a store cannot be made of, or into."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.errors import TurnkeepError


@frozen
class ImportUnfinished(TurnkeepError):
    """An import into the store was cut off: what is there is not whole, and nothing may use it."""

    code = "import_unfinished"
    sentence = (
        "an import into this store is unfinished: repeat `turnkeep import` with the same file, "
        "or clear the store with `turnkeep import --roll-back`"
    )


@frozen
class TransferRefused(TurnkeepError):
    """The export cannot be made, or cannot be brought into this store; what was there stays.

    Attributes:
        why: One sanitised clause.
    """

    code = "transfer_refused"
    sentence = "the transfer is refused: {error.why}"

    why: str = field()


@frozen
class ExportDamaged(TurnkeepError):
    """What should be an export is none, is cut off, or was changed.

    Attributes:
        line: Of which line it was noticed, from 1 on.
        why: One sanitised clause; it repeats nothing of the content.
    """

    code = "export_damaged"
    sentence = "the export is damaged at line {error.line}: {error.why}"

    line: int = field()
    why: str = field()
