"""The sign-in pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bot.devtools.simulator import Cloud, serve

REDIRECT_URI = "https://patrol.example.org/login/wecom"


@pytest.fixture
def token(cloud: Cloud, url: str) -> str:
    params = {"corpid": cloud.app.corp_id, "corpsecret": cloud.app.secret}
    return str(requests.get(f"{url}/cgi-bin/gettoken", params=params, timeout=5).json()["access_token"])


@pytest.fixture
def url(cloud: Cloud) -> str:
    return serve(cloud)


def parameters(cloud: Cloud, **other: str) -> dict[str, str]:
    usual = {"appid": cloud.app.corp_id, "redirect_uri": REDIRECT_URI, "response_type": "code", "scope": "snsapi_base"}
    return {**usual, "state": "abc123", "as": "zhangsan", **other}


def redirected(cloud: Cloud, url: str, **other: str) -> dict[str, str]:
    """The query with which the browser is redirected back."""
    answer = requests.get(
        f"{url}/connect/oauth2/authorize", params=parameters(cloud, **other), allow_redirects=False, timeout=5
    )
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def get_user_info(url: str, token: str, code: str) -> dict[str, Any]:
    params = {"access_token": token, "code": code}
    identity: dict[str, Any] = requests.get(f"{url}/cgi-bin/auth/getuserinfo", params=params, timeout=5).json()
    return identity


def test_a_code_returns_the_userid_once(cloud: Cloud, url: str, token: str) -> None:
    query = redirected(cloud, url)
    assert query["state"] == "abc123"
    assert get_user_info(url, token, query["code"])["userid"] == "zhangsan"
    assert get_user_info(url, token, query["code"])["errcode"] == 40029


def test_a_person_who_is_not_a_member_has_only_an_openid(cloud: Cloud, url: str, token: str) -> None:
    identity = get_user_info(url, token, redirected(cloud, url, **{"as": "openid:o1"})["code"])
    assert identity["openid"] == "o1"
    assert "userid" not in identity


def test_a_code_expires_after_five_minutes(url: str, token: str, cloud: Cloud) -> None:
    code = cloud.sign_in_codes.issue("zhangsan", cloud.now() - 301)
    assert get_user_info(url, token, code)["errcode"] == 40029


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
def test_invalid_parameters_are_rejected(cloud: Cloud, url: str, other: dict[str, str], errcode: int) -> None:
    cloud.configure(trusted_domain="patrol.example.org")
    answer = requests.get(f"{url}/connect/oauth2/authorize", params=parameters(cloud, **other), timeout=5)
    assert answer.json()["errcode"] == errcode


def test_the_page_offers_the_choice_of_an_identity(cloud: Cloud, url: str) -> None:
    params = parameters(cloud)
    del params["as"]
    page = requests.get(f"{url}/connect/oauth2/authorize", params=params, timeout=5).text
    assert "as=zhangsan" in page
    assert "as=openid:stranger" in page
