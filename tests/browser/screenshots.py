"""Takes the pictures of docs/screenshots from a played night: `make screenshots`."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.chromium import launched
from tests.browser.stage import HEAD_ACCOUNT, LEADER_ACCOUNT, STAFF_ACCOUNT, played_night
from tests.browser.windows import DESK, PHONE, WALL, Window

# Name of the picture, who looks, through which window, at which page.
PICTURES: tuple[tuple[str, str | None, Window, str], ...] = (
    ("login-desk", None, DESK, "/login"),
    ("tonight-phone", LEADER_ACCOUNT, PHONE, "/"),
    ("tonight-desk", STAFF_ACCOUNT, DESK, "/"),
    ("tonight-wall", LEADER_ACCOUNT, WALL, "/?wall=1"),
    ("review-desk", LEADER_ACCOUNT, DESK, "/review"),
    ("films-phone", LEADER_ACCOUNT, PHONE, "/films"),
    ("history-desk", STAFF_ACCOUNT, DESK, "/history?days=7"),
    ("office-desk", STAFF_ACCOUNT, DESK, "/office"),
    ("register-desk", STAFF_ACCOUNT, DESK, "/register"),
    ("enterprise-phone", HEAD_ACCOUNT, PHONE, "/tonight/E001"),
)
FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LARGEST, COLOURS = 150_000, 128
# Whether every picture in the window is loaded; those further down load on scrolling.
_SEEN = """() => [...document.images].every(each =>
    each.naturalWidth > 0 || each.getBoundingClientRect().top > innerHeight)"""


def taken(folder: Path) -> None:
    """Play the night and take every screenshot."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as place,
        sync_playwright() as playwright,
        launched(playwright) as browser,
        played_night(Path(place), crews=58) as stage,
    ):
        for name, account, window, path in PICTURES:
            context = browser.new_context(
                base_url=stage.url, locale="zh-CN", reduced_motion="reduce", **window.settings
            )
            page = context.new_page()
            if account is not None:
                window.sign_in(page, account)
            page.goto(path)
            page.wait_for_load_state("load")
            page.wait_for_function(_SEEN)
            _keep(page.screenshot(), folder / f"{name}.png")
            context.close()


def _keep(picture: bytes, target: Path) -> None:
    """Reduce the colours so that the file is small enough for the repository."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > 1440:  # a wall
        image = image.resize((1120, image.height * 1120 // image.width), Image.Resampling.LANCZOS)
    image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(target, optimize=True)
    assert target.stat().st_size < LARGEST, f"{target} is too large"


if __name__ == "__main__":
    taken(Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
