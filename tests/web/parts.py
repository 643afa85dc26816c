"""The dashboard of a small county, and test clients of people who signed in through WeCom."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from handlers.permissions import ADMIN, AUDITOR, HEAD, LEADER, PATROLLER, STAFF
from tests.harness import County, Story, story

HERE = "https://patrol.example.org"
PHONE = "Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0.50 wxwork/4.1.30"
# Who of the county's fixed cast has which role.
CAST = {PATROLLER: "p1", HEAD: "h1", LEADER: "leader", STAFF: "staff", AUDITOR: "auditor", ADMIN: "admin"}
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"|X-CSRFToken": "([^"]+)"')


class _CompiledTemplates(BytecodeCache):
    """The templates, compiled once for the applications of all tests."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED_TEMPLATES = _CompiledTemplates()


class Browser(FlaskClient):
    """A test client at the public URL, over TLS, that can submit the forms of pages."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if args and isinstance(args[0], str):
            kwargs.setdefault("base_url", HERE)
        return super().open(*args, **kwargs)

    def act(self, path: str, data: dict[str, Any] | None = None, page: str = "/account", **how: Any) -> TestResponse:
        """Submit a form with the CSRF token of a page."""
        how.setdefault("headers", {"Referer": f"{HERE}{page}"})
        return self.post(path, data={**(data or {}), "csrf_token": self.csrf(page)}, **how)

    def csrf(self, page: str = "/account") -> str:
        """The CSRF token in a page."""
        found = _TOKEN.search(self.get(page).text)
        assert found is not None, page
        return found[1] or found[2]

    def image(self, path: str) -> TestResponse:
        """The response to an image of a film, asked for until it has been drawn."""
        answer = self.get(path)
        deadline = time.monotonic() + 30
        while answer.status_code == 202 and time.monotonic() < deadline:
            time.sleep(0.05)
            answer = self.get(path)
        return answer

    @property
    def cookie(self) -> str:
        """Its session cookie, as the value of a Cookie header."""
        cookie = self.get_cookie("patrol", domain="patrol.example.org")
        assert cookie is not None
        return f"patrol={cookie.value}"


@dataclass
class Dashboard:
    """A story, and the browsers of the people who use its dashboard."""

    story: Story
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        """A browser that is not signed in."""
        self.story.bot.web.test_client_class = Browser
        self.story.bot.web.jinja_env.bytecode_cache = _COMPILED_TEMPLATES
        made: Browser = self.story.bot.web.test_client()  # type: ignore[assignment]
        self.browsers.append(made)
        return made

    def signed_in(self, role: str) -> Browser:
        """The browser of the person with that role in CAST."""
        return self.signed_in_as(CAST[role])

    def signed_in_as(self, account: str) -> Browser:
        """The browser of a member, signed in through WeCom."""
        browser = self.browser()
        answer = browser.get(self.code_for(browser, account))
        assert answer.status_code == 302, answer.text
        return browser

    def code_for(self, browser: Browser, who: str, agent: str = PHONE, next_url: str = "/") -> str:
        """The path to which WeCom redirects the browser of a member."""
        start = browser.get(f"/login/wecom/start?next={next_url}", headers={"User-Agent": agent})
        url = start.headers["Location"].split("#")[0]
        back = requests.get(f"{url}&as={who}", allow_redirects=False, timeout=5).headers["Location"]
        return urlsplit(back)._replace(scheme="", netloc="").geturl()


@contextmanager
def open_dashboard(folder: Path, **how: Any) -> Iterator[Dashboard]:
    """The county with an auditor and an administrator. An unexpected message fails the test."""
    with story(folder, **how) as played:
        with played.office() as store:
            county = County(store, played.cloud)
            county.person("审计员甲", ["审计员"], "auditor")
            county.person("管理员甲", ["管理员"], "admin")
        yield Dashboard(played)


def query_of(address: str) -> dict[str, str]:
    """The query of a URL, the first value of each name."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
