"""gettoken, and calls with an invalid token."""

from typing import Any

import pytest

from bot.devtools.simulator import Cloud


def test_the_token_stays_the_same_until_it_expires(api: Any, clock: Any) -> None:
    first = api.token()
    clock.advance(7199)
    again = api.token()
    assert (first["expires_in"], again["expires_in"]) == (7200, 1)
    assert again["access_token"] == first["access_token"]


def test_a_new_token_is_issued_after_expiry_and_the_old_one_is_rejected(api: Any, clock: Any) -> None:
    old = api.token()["access_token"]
    clock.advance(7200)
    assert api.token()["access_token"] != old
    assert api.get("getcallbackip", access_token=old).json()["errcode"] == 42001


def test_a_revoked_token_is_invalid_without_a_violation(api: Any, cloud: Cloud) -> None:
    old = api.token()["access_token"]
    cloud.revoke_token()
    assert api.get("getcallbackip", access_token=old).json()["errcode"] == 40014
    assert api.token()["access_token"] != old
    assert cloud.violations == []


@pytest.mark.parametrize(
    ("params", "errcode"),
    [
        ({"corpsecret": "wrong"}, 40001),
        ({"corpid": "wrong"}, 40013),
        ({"corpid": ""}, 41002),
        ({"corpsecret": ""}, 41004),
    ],
)
def test_wrong_credentials_are_rejected(api: Any, params: dict[str, str], errcode: int) -> None:
    assert api.token(**params)["errcode"] == errcode


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("invented", 40014)])
def test_a_missing_or_unknown_token_is_rejected(api: Any, cloud: Cloud, token: str, errcode: int) -> None:
    answer = api.get("media/get", access_token=token, media_id="x")
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)
    assert [violation.errcode for violation in cloud.violations] == [errcode]


def test_callback_ips_are_returned(api: Any) -> None:
    answer = api.get("getcallbackip", access_token=api.token()["access_token"]).json()
    assert "101.226.103.*" in answer["ip_list"]


@pytest.mark.parametrize(
    ("method", "path", "errcode"),
    [("GET", "message/recall", 40066), ("GET", "message/send", 43002), ("POST", "gettoken", 43001)],
)
def test_unknown_calls_are_rejected(api: Any, cloud: Cloud, method: str, path: str, errcode: int) -> None:
    answer = api.session.request(method, api.root + path, timeout=10)
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)
    assert [violation.endpoint for violation in cloud.violations] == [path]
