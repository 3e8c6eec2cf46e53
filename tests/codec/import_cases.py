"""The cases of import marks' golden files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from turnkeep_domain.transfers.import_mark import ImportMark, ImportStage

BEGUN: Final = ImportMark(
    export="0123456789abcdef0123456789abcdef",
    stage=ImportStage.FILLING,
    chapters=0,
    pieces=0,
    place="nothing",
    began_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
)

IMPORT_RECORDS: Final[dict[tuple[str, str], object]] = {
    ("import_mark", "begun"): BEGUN,
    ("import_mark", "halfway"): BEGUN.with_piece().with_chapter("ab" * 32).with_piece(),
    ("import_mark", "clearing"): BEGUN.clearing(),
}
