"""Logs contain no tokens, secrets or robot keys, at any level."""

from __future__ import annotations

import logging
import threading
import traceback
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from bot.channels.errors import ChannelError
from bot.channels.wecom_api.client import ClientTimeouts
from bot.devtools.simulator.films import make_film
from storage.db.models import AccessToken, GroupChat
from storage.errors import DatabaseUnavailable
from tests.bot.parts import Edge, group_of


@pytest.fixture
def talk(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def secrets_of(edge: Edge) -> list[str]:
    app = edge.cloud.app
    with edge.bot.uow.read() as store:
        tokens = [value for value in store.session.query(AccessToken.value).all() if value[0]]
    assert tokens
    return [app.secret, app.token, app.encoding_aes_key, "ROBOT-KEY-0815", *(str(token[0]) for token in tokens)]


def test_a_night_with_many_errors_logs_no_secret(edge: Edge, talk: pytest.LogCaptureFixture) -> None:
    app = edge.bot.channels.receivers["wecom_app"]
    app._client.timeouts = ClientTimeouts(request=(5, 0.2), wrong_secret_pause_s=0)  # type: ignore[attr-defined]
    release = threading.Event()
    edge.cloud.add_robot("ROBOT-KEY-0815", "群")
    for name in ("gettoken", "message/send", "webhook/send", "media/get"):
        edge.cloud.faults.inject(name, drop=True)
        edge.cloud.faults.inject(name, http_status=502)
        edge.cloud.faults.inject(name, errcode=40014)
        edge.cloud.faults.inject(name, errcode=60020)
    edge.cloud.faults.inject("message/send", hold=release)
    edge.cloud.phone("zhangsan").sends_film(make_film(seconds=10, size=(64, 48), fps=1))
    for _ in range(8):
        edge.say("zhangsan")
        edge.say("ROBOT-KEY-0815", channel="wecom_robot")
        edge.settle(90)
    release.set()
    away(edge)
    assert "was not sent" in talk.text
    shown = talk.text + "".join(record.exc_text or "" for record in talk.records)
    assert [secret for secret in secrets_of(edge) if secret in shown] == []


def away(edge: Edge) -> None:
    """The platform cannot be reached, nor any name be resolved."""
    for url in ("http://127.0.0.1:9", "http://no-such-host.invalid"):
        edge.bot.channels.senders["wecom_robot"]._url = f"{url}/cgi-bin/webhook"  # type: ignore[attr-defined]
        edge.say("ROBOT-KEY-0815", channel="wecom_robot")
        edge.settle(90)


def _fail_while_failing(client: Any) -> None:
    try:
        client.get("getcallbackip")
    except ChannelError as error:
        raise DatabaseUnavailable("gone as well") from error


def test_a_chained_exception_shows_no_token(edge: Edge) -> None:
    """The library's own errors contain the whole address, and a traceback prints it."""
    client = edge.bot.channels.receivers["wecom_app"]._client  # type: ignore[attr-defined]
    token, client._url = client.token(), "http://127.0.0.1:9"
    with pytest.raises(DatabaseUnavailable) as found:
        _fail_while_failing(client)
    assert token not in "".join(traceback.format_exception(found.value))


def _add_a_group_twice(edge: Edge) -> None:
    with edge.bot.uow.transaction() as store:
        group = group_of(store, "ROBOT-KEY-0815")
        store.session.add(GroupChat(name=group.name, robot_key="ROBOT-KEY-0815"))


def test_database_errors_show_no_values(edge: Edge) -> None:
    with pytest.raises(IntegrityError) as found:
        _add_a_group_twice(edge)
    assert "ROBOT-KEY-0815" not in "".join(traceback.format_exception(found.value))
