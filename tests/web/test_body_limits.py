"""Bodies that the server refuses when it has their headers, before anything of them is stored."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.web.http_server import start_web_server
from tests.bot.processes import free_port
from tests.web.parts import Dashboard

MEGABYTE = 1024 * 1024


@contextmanager
def serving(dashboard: Dashboard) -> Iterator[int]:
    """The real server; its port."""
    port = free_port()
    config = dashboard.story.bot.config.model_copy(update={"HOST": "127.0.0.1", "PORT": port})
    close = start_web_server(dashboard.story.bot.web, config)
    try:
        yield port
    finally:
        close()


@pytest.fixture
def port(dashboard: Dashboard) -> Iterator[int]:
    with serving(dashboard) as found:
        yield found


def answer(port: int, path: str, *headers: str, method: str = "POST", body: bytes = b"") -> int:
    """The status of the answer to some headers, of which the body has not been sent, or only a part of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        head = [f"{method} {path} HTTP/1.1", "Host: patrol.example.org", *headers, "", ""]
        connection.sendall("\r\n".join(head).encode() + body)
        return int(connection.recv(100).split()[1])


@pytest.mark.parametrize(
    "path", ["/callbacks/wecom_app", "/callbacks/nobody", "/import", "/login", "/upload/x/1", "/nowhere", "/"]
)
def test_a_large_body_of_a_stranger_is_refused_before_it_arrives(port: int, path: str) -> None:
    assert answer(port, path, f"Content-Length: {20 * MEGABYTE}") == 413


def test_a_body_of_unknown_length_ends_at_the_limit(port: int) -> None:
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    assert answer(port, "/import", "Transfer-Encoding: chunked", body=piece * 6) == 413


def test_a_forged_session_is_that_of_a_stranger(port: int, dashboard: Dashboard) -> None:
    name, _, value = dashboard.signed_in("admin").cookie.partition("=")
    forged = f"Cookie: {name}={value[:-3]}AAA"
    assert answer(port, "/import", forged, f"Content-Length: {2 * MEGABYTE}") == 413
    visitor = dashboard.browser()
    visitor.get("/login?by=hand")
    assert answer(port, "/import", f"Cookie: {visitor.cookie}", f"Content-Length: {2 * MEGABYTE}") == 413


def test_the_office_may_send_a_workbook_and_nothing_else_that_is_large(port: int, dashboard: Dashboard) -> None:
    cookie = f"Cookie: {dashboard.signed_in('admin').cookie}"
    body = bytes(2 * MEGABYTE)
    assert answer(port, "/import", cookie, f"Content-Length: {len(body)}", body=body) == 400  # no CSRF token
    assert answer(port, "/import", cookie, f"Content-Length: {5 * MEGABYTE}") == 413
    assert answer(port, "/account/leave", cookie, f"Content-Length: {len(body)}") == 413
