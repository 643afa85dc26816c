"""The load, as a process of its own: ready-made requests over so many connections, at a rate or as many as go.

`python -m tests.bench.load PORT CLIENTS RATE < requests.pickle` prints what it saw as JSON. Bare sockets: what the
generator costs is taken from the same two cores as what is measured.
"""

from __future__ import annotations

import json
import pickle
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Seen:
    """The result of a load: requests answered a second, times in ms, and how many were not answered 200."""

    rate: float
    p50: float
    p99: float
    refused: int


def load(port: int, requests: Sequence[bytes], clients: int = 8, rate: float = 0) -> Seen:
    """Send all requests from another process; with `rate` so many a second, else as many as go."""
    command = [sys.executable, "-m", "tests.bench.load", str(port), str(clients), str(rate)]
    done = subprocess.run(command, input=pickle.dumps(requests), stdout=subprocess.PIPE, cwd=ROOT, check=True)
    return Seen(**json.loads(done.stdout))


def post(path: str, body: bytes) -> bytes:
    """A whole POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _send(port: int, requests: Sequence[bytes], clients: int, rate: float) -> Seen:
    times: list[float] = []
    refused: list[bytes] = []
    began = time.perf_counter()

    def client(first: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(first, len(requests), clients):
                if rate:
                    time.sleep(max(0.0, began + number / rate - time.perf_counter()))
                start = time.perf_counter()
                connection.sendall(requests[number])
                status = _status(connection)
                times.append((time.perf_counter() - start) * 1000)
                if status != b"200":
                    refused.append(status)

    threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cuts = statistics.quantiles(times, n=1000)
    return Seen(len(times) / (time.perf_counter() - began), cuts[499], cuts[989], len(refused))


def _status(connection: socket.socket) -> bytes:
    """The status of an answer without a body worth waiting for; bodies here fit into one piece."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError("the server hung up")
        answer += piece
    return answer[9:12]


if __name__ == "__main__":
    told = pickle.load(sys.stdin.buffer)
    print(json.dumps(vars(_send(int(sys.argv[1]), told, int(sys.argv[2]), float(sys.argv[3])))))
