"""Connections that stay open after their request was answered, without a thread each (server-sent events).

waitress gives every request a thread until its answer has ended. An answer that never ends would take it for ever:
here its end is left out, the thread goes on to other requests, and the connection lives on in waitress's own loop,
to be written to by whoever took it over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.task import WSGITask

from bot.web.live import STREAM_KEY, EventStream

# Whoever takes nothing off for so long is not looking; he comes again by himself.
_BACKLOG = 64 * 1024


class _Connection:
    """One kept open: what is written goes out as a piece of the answer that was begun."""

    def __init__(self, channel: HTTPChannel, *, chunked: bool) -> None:
        self._channel, self._chunked = channel, chunked

    def send(self, data: bytes) -> bool:
        """See Pipe."""
        channel = self._channel
        if not channel.connected or channel.will_close:
            return False
        if channel.total_outbufs_len > _BACKLOG:
            self.close()
            return False
        try:
            channel.write_soon(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
        except ClientDisconnected:
            return False
        channel.server.pull_trigger()
        return True

    def close(self) -> None:
        """See Pipe."""
        if self._channel.connected and self._chunked and self._channel.total_outbufs_len <= _BACKLOG:
            self._channel.write_soon(b"0\r\n\r\n")
        self._channel.close_when_flushed = True
        self._channel.server.pull_trigger()


class _Task(WSGITask):  # type: ignore[misc]
    """A request whose answer may be left open."""

    def finish(self) -> None:
        """Hand the connection over, if the application asked for it."""
        take: Callable[[EventStream], Any] | None = (self.environ or {}).get(STREAM_KEY)
        if take is None or not self.wrote_header or self.status != "200 OK":
            super().finish()
            return
        self.close_on_finish = False
        take(_Connection(self.channel, chunked=self.chunked_response))


class StreamingChannel(HTTPChannel):  # type: ignore[misc]
    """waitress's connection, with requests of that kind."""

    task_class = _Task

    def _flush_some(self, do_close: bool = True) -> bool:
        """Under the lock: waitress does without it where no request is under way, for then nobody else would write."""
        with self.outbuf_lock:
            return bool(super()._flush_some(do_close=do_close))
