"""The dashboard in the small county, and browsers of people who are signed in as anybody is: through WeCom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from handlers.permissions import ADMIN, AUDITOR, HEAD, LEADER, PATROLLER, STAFF
from tests.harness import County, Story, story

HERE = "https://patrol.example.org"
PHONE = "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 wxwork/4.1.30"
# Who of the county's fixed cast has which role.
CAST = {PATROLLER: "p1", HEAD: "h1", LEADER: "leader", STAFF: "staff", AUDITOR: "auditor", ADMIN: "admin"}
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"|X-CSRFToken": "([^"]+)"')


class Browser(FlaskClient):
    """A test client at the public address, over TLS, that can press buttons of pages."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if args and isinstance(args[0], str):
            kwargs.setdefault("base_url", HERE)
        return super().open(*args, **kwargs)

    def act(self, path: str, data: dict[str, Any] | None = None, page: str = "/account", **how: Any) -> TestResponse:
        """Press a button: the token comes from a page, as in a real browser."""
        how.setdefault("headers", {"Referer": f"{HERE}{page}"})
        return self.post(path, data={**(data or {}), "csrf_token": self.csrf(page)}, **how)

    def csrf(self, page: str = "/account") -> str:
        """The token that stands in a page."""
        found = _TOKEN.search(self.get(page).text)
        assert found is not None, page
        return found[1] or found[2]

    @property
    def cookie(self) -> str:
        """What it sends along, as a header."""
        kept = self.get_cookie("patrol", domain="patrol.example.org")
        assert kept is not None
        return f"patrol={kept.value}"


@dataclass
class Room:
    """A story, and the browsers of those who watch it."""

    story: Story
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        """A browser of nobody yet."""
        self.story.bot.web.test_client_class = Browser
        made: Browser = self.story.bot.web.test_client()  # type: ignore[assignment]
        self.browsers.append(made)
        return made

    def signed_in(self, role: str) -> Browser:
        """The browser of the county's person of that role (see CAST)."""
        return self.signed_in_as(CAST[role])

    def signed_in_as(self, account: str) -> Browser:
        """The browser of a member, who came in by WeCom."""
        browser = self.browser()
        answer = browser.get(self.code_for(browser, account))
        assert answer.status_code == 302, answer.text
        return browser

    def code_for(self, browser: Browser, who: str, agent: str = PHONE) -> str:
        """Where the platform sends a browser back to, once it knows who holds the phone."""
        asked = browser.get("/login/wecom/start", headers={"User-Agent": agent}).headers["Location"]
        address = asked.split("#")[0]
        back = requests.get(f"{address}&as={who}", allow_redirects=False, timeout=5).headers["Location"]
        return urlsplit(back)._replace(scheme="", netloc="").geturl()


@contextmanager
def room(folder: Path, **how: Any) -> Iterator[Room]:
    """The county with an auditor and an administrator in it too; nothing unexpected may be said."""
    with story(folder, **how) as played:
        with played.office() as store:
            county = County(store, played.cloud)
            county.person("审计员甲", ["审计员"], "auditor")
            county.person("管理员甲", ["管理员"], "admin")
        yield Room(played)


def query_of(address: str) -> dict[str, str]:
    """The query of an address, each name once."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
