"""A film of 200 MB taken in, beside the bare fetch, digest and put into the same kind of store.

`python -m tests.bench.films API_URL TOKEN MEDIA_ID FOLDER [ENDPOINT BUCKET KEY]` is that bare way, as a process of its
own; it prints its seconds.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from bot.devtools.simulator.films import make_big_film, make_film
from tests.bench.load import ROOT
from tests.bench.rig import BUCKET, Row, Service, folder, s3, service, spread, wait_until

_MB = 200
_RANGE, _PIECE = 8 * 1024 * 1024, 256 * 1024


def big_films(quick: bool) -> Iterator[Row]:
    """Speed and memory, for both kinds of store."""
    for kind in ("directory", "s3"):
        with folder() as place, service(objects=kind) as found:
            found.cloud.phone(found.accounts[1]).sends_film(make_film())
            wait_until(lambda: found.count("submission", "state = 'filed'") == 1)
            idle = found.rss_mb()
            runs = [_run(found, place, kind, number) for number in range(1 if quick else 3)]
        ratio = spread([bare / took for took, bare, _ in runs])
        speeds = f"{_MB / runs[-1][0]:.0f} MB/s against {_MB / runs[-1][1]:.0f} MB/s"
        yield Row(
            f"a film of {_MB} MB, {kind}: of the speed of bare fetch + sha256 + put", f"**{ratio}**, {speeds}", "≥ 0.7"
        )
        peak = max(most for _, _, most in runs)
        yield Row(f"… memory above idle, {kind}", f"**{peak - idle:.0f} MB** (idle {idle:.0f} MB)", "≤ 100 MB")


def _run(found: Service, place: Path, kind: str, number: int) -> tuple[float, float, float]:
    """Seconds it took, seconds of the bare way, and the most memory meanwhile."""
    path = place / f"{number}.mp4"
    make_big_film(path, _MB, tag=f"{kind}/{number}")
    before, peaks, stop = found.count("submission", "state = 'filed'"), [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peaks.append(found.rss_mb())

    watching = threading.Thread(target=watch)
    watching.start()
    sent = found.cloud.phone(found.accounts[0]).sends_film(path)
    took = wait_until(lambda: found.count("submission", "state = 'filed'") > before)
    stop.set()
    watching.join()
    return took, _bare(found, str(sent.media_id), place, kind), max(peaks)


def _bare(found: Service, media_id: str, place: Path, kind: str) -> float:
    app, api = found.cloud.app, found.cloud.url
    asked = {"corpid": app.corp_id, "corpsecret": app.secret}
    token = requests.get(f"{api}/cgi-bin/gettoken", params=asked, timeout=10).json()["access_token"]
    store = [s3().endpoint_url, BUCKET, f"bare/{media_id}"] if kind == "s3" else []
    command = [sys.executable, "-m", "tests.bench.films", api, token, media_id, str(place), *store]
    more = {"AWS_ACCESS_KEY_ID": s3().access_key_id, "AWS_SECRET_ACCESS_KEY": s3().secret_access_key} if store else {}
    done = subprocess.run(command, env={**os.environ, **more}, stdout=subprocess.PIPE, cwd=ROOT, check=True)
    return float(json.loads(done.stdout))


def _fetch(api: str, token: str, media_id: str, target: Path) -> None:
    """The ranges one after the other, past the digest into a file."""
    digest, done, total = hashlib.sha256(), 0, 1
    with requests.Session() as http, target.open("wb") as file:
        while done < total:
            answer = http.get(
                f"{api}/cgi-bin/media/get",
                params={"access_token": token, "media_id": media_id},
                headers={"Range": f"bytes={done}-{done + _RANGE - 1}"},
                stream=True,
                timeout=30,
            )
            total = int(answer.headers["Content-Range"].rpartition("/")[2])
            for piece in answer.iter_content(_PIECE):
                digest.update(piece)
                file.write(piece)
                done += len(piece)
        file.flush()
        os.fsync(file.fileno())
    digest.hexdigest()


def main(api: str, token: str, media_id: str, place: str, *store: str) -> None:
    """Fetch, digest and put one film; what is loaded and opened before counts for neither side."""
    client = None
    if store:
        import boto3

        client = boto3.client("s3", endpoint_url=store[0], region_name="us-east-1")
        client.list_buckets()
    began, target = time.perf_counter(), Path(place) / "bare.mp4"
    _fetch(api, token, media_id, target)
    if client is not None:
        client.upload_file(str(target), store[1], store[2])
    else:
        target.rename(target.with_suffix(".kept"))
    print(json.dumps(time.perf_counter() - began))


if __name__ == "__main__":
    main(*sys.argv[1:])
