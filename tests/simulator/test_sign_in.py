"""The pretend platform's sign-in pages (protocol sheet, 11)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bot.devtools.simulator import Cloud, serve

BACK = "https://patrol.example.org/login/wecom"


@pytest.fixture
def token(cloud: Cloud, url: str) -> str:
    asked = {"corpid": cloud.app.corp_id, "corpsecret": cloud.app.secret}
    return str(requests.get(f"{url}/cgi-bin/gettoken", params=asked, timeout=5).json()["access_token"])


@pytest.fixture
def url(cloud: Cloud) -> str:
    return serve(cloud)


def asked(cloud: Cloud, **other: str) -> dict[str, str]:
    wanted = {"appid": cloud.app.corp_id, "redirect_uri": BACK, "response_type": "code", "scope": "snsapi_base"}
    return {**wanted, "state": "abc123", "as": "zhangsan", **other}


def sent_back(cloud: Cloud, url: str, **other: str) -> dict[str, str]:
    """What the browser is sent back with."""
    answer = requests.get(
        f"{url}/connect/oauth2/authorize", params=asked(cloud, **other), allow_redirects=False, timeout=5
    )
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def who(url: str, token: str, code: str) -> dict[str, Any]:
    params = {"access_token": token, "code": code}
    found: dict[str, Any] = requests.get(f"{url}/cgi-bin/auth/getuserinfo", params=params, timeout=5).json()
    return found


def test_a_code_tells_once_who_came(cloud: Cloud, url: str, token: str) -> None:
    back = sent_back(cloud, url)
    assert back["state"] == "abc123"
    assert who(url, token, back["code"])["userid"] == "zhangsan"
    assert who(url, token, back["code"])["errcode"] == 40029


def test_who_is_no_member_has_only_an_openid(cloud: Cloud, url: str, token: str) -> None:
    found = who(url, token, sent_back(cloud, url, **{"as": "openid:o1"})["code"])
    assert found["openid"] == "o1"
    assert "userid" not in found


def test_a_code_lives_five_minutes(url: str, token: str, cloud: Cloud) -> None:
    code = cloud.sign_in_codes.issue("zhangsan", cloud.now() - 301)
    assert who(url, token, code)["errcode"] == 40029


@pytest.mark.parametrize(
    ("other", "errcode"),
    [
        ({"appid": "another"}, 40058),
        ({"response_type": "token"}, 40058),
        ({"scope": "everything"}, 40058),
        ({"state": "not letters!"}, 40058),
        ({"redirect_uri": "https://elsewhere.example/"}, 50001),
        ({"as": "nobody"}, 60111),
    ],
)
def test_the_page_takes_nothing_else(cloud: Cloud, url: str, other: dict[str, str], errcode: int) -> None:
    cloud.configure(trusted_domain="patrol.example.org")
    answer = requests.get(f"{url}/connect/oauth2/authorize", params=asked(cloud, **other), timeout=5)
    assert answer.json()["errcode"] == errcode


def test_whoever_looks_at_the_page_chooses(cloud: Cloud, url: str) -> None:
    asking = asked(cloud)
    del asking["as"]
    page = requests.get(f"{url}/connect/oauth2/authorize", params=asking, timeout=5).text
    assert "as=zhangsan" in page
    assert "as=openid:stranger" in page
