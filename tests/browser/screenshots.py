"""Takes the pictures of docs/screenshots from a played night: `make screenshots`."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import launched
from tests.browser.ledger import fill_ledger
from tests.browser.stage import HEAD_ACCOUNT, LEADER_ACCOUNT, STAFF_ACCOUNT, Stage, played_night
from tests.browser.windows import DESK, PHONE, WALL, Window

# Name of the page, who looks, and its path. Each is taken on a phone and on a desktop.
PAGES: tuple[tuple[str, str | None, str], ...] = (
    ("login", None, "/login?by=hand"),
    ("tonight", LEADER_ACCOUNT, "/"),
    ("tonight-enterprise", LEADER_ACCOUNT, "/tonight/E001"),
    ("films", LEADER_ACCOUNT, "/films"),
    ("film", LEADER_ACCOUNT, "/films/2026-11-24/1124-0001"),
    ("unplaced-films", STAFF_ACCOUNT, "/tonight/waiting"),
    ("review", LEADER_ACCOUNT, "/review"),
    ("review-sheets", LEADER_ACCOUNT, "/review/sheets"),
    ("hazards", STAFF_ACCOUNT, "/hazards"),
    ("hazard", STAFF_ACCOUNT, "/hazards/YH-2026-0080"),
    ("hazard-week", STAFF_ACCOUNT, "/hazards/week"),
    ("hazard-statistics", STAFF_ACCOUNT, "/hazards/statistics"),
    ("hazard-import", STAFF_ACCOUNT, "/hazards/import"),
    ("history", STAFF_ACCOUNT, "/history?days=7"),
    ("enterprise", STAFF_ACCOUNT, "/enterprises/E001"),
    ("search", STAFF_ACCOUNT, "/search?q=E001"),
    ("reports", STAFF_ACCOUNT, "/reports"),
    ("report", STAFF_ACCOUNT, "/reports/daily/2026-11-24"),
    ("office", STAFF_ACCOUNT, "/office"),
    ("register", STAFF_ACCOUNT, "/register"),
    ("register-row", STAFF_ACCOUNT, "/register/企业/row"),
    ("rules", STAFF_ACCOUNT, "/register/规则"),
    ("roster", STAFF_ACCOUNT, "/register/值班表"),
    ("import", STAFF_ACCOUNT, "/import"),
    ("notices", STAFF_ACCOUNT, "/notices"),
    ("audit-log", STAFF_ACCOUNT, "/trail"),
    ("head", HEAD_ACCOUNT, "/"),
    ("account", STAFF_ACCOUNT, "/account"),
    ("error", STAFF_ACCOUNT, "/films/2026-11-24/1124-9999"),
)
FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
# Width of the stored picture, by window.
_WIDTHS = {PHONE: 390, DESK: 1080, WALL: 1280}
LARGEST, COLOURS = 150_000, 256
# Whether every picture in the window is loaded; those further down load on scrolling.
_LOADED = """[...document.images].every(each =>
    each.naturalWidth > 0 || each.getBoundingClientRect().top > innerHeight)"""


def taken(folder: Path) -> None:
    """Play the night and take every screenshot."""
    folder.mkdir(parents=True, exist_ok=True)
    for outdated in folder.glob("*.png"):
        outdated.unlink()
    with (
        tempfile.TemporaryDirectory() as place,
        sync_playwright() as playwright,
        launched(playwright) as browser,
        played_night(Path(place), crews=30) as stage,
    ):
        fill_ledger(stage.story)
        for name, account, path in PAGES:
            for window in (PHONE, DESK):
                _take(browser, stage, account, window, path, folder / f"{name}-{window.name}.png")
        _take(browser, stage, LEADER_ACCOUNT, WALL, "/?wall=1", folder / "tonight-wall.png")


def _take(browser: Browser, stage: Stage, account: str | None, window: Window, path: str, target: Path) -> None:
    settings = {"base_url": stage.url, "locale": "zh-CN", "reduced_motion": "reduce", **window.settings}
    context = browser.new_context(**settings)
    page = context.new_page()
    if account is not None:
        window.sign_in(page, account)
    page.goto(path)
    _wait_for_pictures(page)
    _keep(page.screenshot(), target, _WIDTHS[window])
    context.close()


def _wait_for_pictures(page: Page) -> None:
    """Playwright's wait_for_function needs eval, which the page's security policy forbids."""
    page.wait_for_load_state("load")
    for _ in range(100):
        if page.evaluate(_LOADED):
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(300)


def _keep(picture: bytes, target: Path, width: int) -> None:
    """Reduce size and colours so that the file is small enough for the repository."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)
    image.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(target, optimize=True)
    assert target.stat().st_size < LARGEST, f"{target} is too large"


if __name__ == "__main__":
    taken(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
