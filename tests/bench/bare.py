"""The baseline for the service: the same server (waitress, Flask, as many threads) with almost nothing in it.

`python -m tests.bench.bare insert DATABASE_URL PORT` puts each body into a table, durably, one transaction each.
`python -m tests.bench.bare wechatpy TOKEN KEY CORP_ID PORT` opens each callback with wechatpy and keeps nothing.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from waitress import serve

from bot.web.http_server import CALLBACK_THREADS


def _sqlite(url: str) -> Callable[[bytes], None]:
    """One connection and a lock: faster than a connection for each thread, which would wait for the file by polling."""
    import pysqlite3

    connection = pysqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("create table kept (id integer primary key, body blob)")
    lock = threading.Lock()

    def keep(body: bytes) -> None:
        with lock:
            connection.execute("insert into kept (body) values (?)", (body,))

    return keep


def _postgresql(url: str) -> Callable[[bytes], None]:
    """A connection for each thread."""
    import psycopg

    address, mine = url.replace("postgresql+psycopg", "postgresql"), threading.local()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("create table kept (id bigserial primary key, body bytea)")

    def keep(body: bytes) -> None:
        if not hasattr(mine, "connection"):
            mine.connection = psycopg.connect(address, autocommit=True)
        mine.connection.execute("insert into kept (body) values (%s)", (body,))

    return keep


def _wechatpy(token: str, key: str, corp_id: str) -> Callable[[bytes], None]:
    from wechatpy.enterprise import parse_message
    from wechatpy.enterprise.crypto import WeChatCrypto

    crypto = WeChatCrypto(token, key, corp_id)

    def read(body: bytes) -> None:
        query = request.args
        parse_message(crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"]))

    return read


def _app(take: Callable[[bytes], None]) -> Flask:
    app = Flask(__name__)

    @app.post("/callbacks/<name>")
    def receive(name: str) -> Response:
        take(request.get_data())
        return Response(status=200)

    @app.get("/health/ready")
    def ready() -> str:
        return "ok"

    return app


def main(kind: str, *told: Any) -> None:
    *about, port = told
    if kind == "insert":
        take = _sqlite(*about) if about[0].startswith("sqlite") else _postgresql(*about)
    else:
        take = _wechatpy(*about)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # as the service does
    serve(_app(take), host="127.0.0.1", port=int(port), threads=CALLBACK_THREADS, ident=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
