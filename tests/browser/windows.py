"""The screens on which the dashboard is tested, and the sign-in on each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

_WECHAT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.50 wxwork/4.1.30"
)


@dataclass(frozen=True)
class Window:
    """A screen size and the settings of the browser."""

    name: str
    settings: dict[str, Any] = field(hash=False)

    def sign_in(self, page: Page, account: str) -> None:
        """Sign in through WeCom: automatic on the phone, by QR code on the desktop."""
        page.goto("/")
        if self.name != "phone":
            page.get_by_role("link", name="企业微信登录").click()
        page.locator("a", has_text=f"（{account}）").click()
        page.wait_for_url("**/")


PHONE = Window(
    "phone",
    {
        "viewport": {"width": 390, "height": 844},
        "user_agent": _WECHAT,
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
        "color_scheme": "dark",
    },
)
DESK = Window("desk", {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"})
WALL = Window("wall", {"viewport": {"width": 1920, "height": 1080}, "color_scheme": "dark"})


def watched(page: Page, url: str, troubles: list[str]) -> Page:
    """Collect the console errors and warnings of our own pages in `troubles`."""

    def note(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning") and said.location["url"].startswith(url):
            troubles.append(f"{said.location['url']}: {said.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    return page
