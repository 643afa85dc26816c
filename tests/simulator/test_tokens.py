"""gettoken and what a bad token brings (protocol sheet, sections 2.1 and 14)."""

from typing import Any

import pytest

from bot.devtools.simulator import Cloud


def test_the_token_stays_the_same_inside_its_life(api: Any, clock: Any) -> None:
    first = api.token()
    clock.turn(7199)
    again = api.token()
    assert (first["expires_in"], again["expires_in"]) == (7200, 1)
    assert again["access_token"] == first["access_token"]


def test_a_new_token_comes_after_its_life_and_the_old_one_is_expired(api: Any, clock: Any) -> None:
    old = api.token()["access_token"]
    clock.turn(7200)
    assert api.token()["access_token"] != old
    assert api.get("getcallbackip", access_token=old).json()["errcode"] == 42001


def test_a_killed_token_is_invalid_and_nobody_is_blamed(api: Any, cloud: Cloud) -> None:
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
def test_wrong_credentials_are_refused(api: Any, params: dict[str, str], errcode: int) -> None:
    assert api.token(**params)["errcode"] == errcode


@pytest.mark.parametrize(("token", "errcode"), [("", 41001), ("invented", 40014)])
def test_a_missing_or_invented_token_is_refused(api: Any, cloud: Cloud, token: str, errcode: int) -> None:
    answer = api.get("media/get", access_token=token, media_id="x")
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)
    assert [complaint.errcode for complaint in cloud.violations] == [errcode]


def test_callback_addresses_are_told(api: Any) -> None:
    answer = api.get("getcallbackip", access_token=api.token()["access_token"]).json()
    assert "101.226.103.*" in answer["ip_list"]


@pytest.mark.parametrize(
    ("method", "path", "errcode"),
    [("GET", "message/recall", 40066), ("GET", "message/send", 43002), ("POST", "gettoken", 43001)],
)
def test_unknown_calls_are_refused(api: Any, cloud: Cloud, method: str, path: str, errcode: int) -> None:
    answer = api.session.request(method, api.root + path, timeout=10)
    assert (answer.status_code, answer.json()["errcode"]) == (200, errcode)
    assert [complaint.endpoint for complaint in cloud.violations] == [path]
