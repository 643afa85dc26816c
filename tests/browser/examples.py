"""Writes docs/examples, a filled example of each table, from a played night: `make examples`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bot.reports.kinds import REPORTS
from bot.workbooks.hazards.export import export_hazards
from bot.workbooks.reports.report_workbook import report_workbook
from storage.hazards import HazardFilter
from tests.browser.ledger import fill_ledger
from tests.browser.stage import played_night
from tests.harness import NIGHT

FOLDER = Path(__file__).parents[2] / "docs" / "examples"
LEDGER = "hazards"


def written(folder: Path) -> None:
    """Play the night until its report is issued, and write each report and the hazard ledger."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, played_night(Path(place), until="03:20", crews=30) as stage:
        fill_ledger(stage.story)
        stage.story.time("08:00")
        with stage.story.bot.uow.read() as store:
            ctx = stage.story.bot.uow.context(store)
            for which, kind in REPORTS.items():
                tables = kind.tables(kind.make(ctx, NIGHT), ctx.rules)
                (folder / f"{which}.xlsx").write_bytes(report_workbook(tables))
            (folder / f"{LEDGER}.xlsx").write_bytes(export_hazards(ctx, HazardFilter()))


if __name__ == "__main__":
    written(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
