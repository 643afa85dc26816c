"""The folder of a rehearsal: its settings, register and dashboard login, kept from one run to the next."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot.bootstrap import build_object_store
from bot.config import Config, load_config
from bot.devtools.sample_register import write_sample_register
from bot.devtools.simulator.films import make_film
from bot.passwords import generate_password, hash_password
from bot.texts import say
from bot.workbooks.register.apply import apply_register
from bot.workbooks.register.parse import parse_register
from handlers.users import add_user
from storage.store import Store

MARKER = ".rehearsal"
_LOCAL, _LOGIN = "127.0.0.1", "demo"


@dataclass(frozen=True)
class DashboardLogin:
    name: str
    password: str


class RehearsalFolder:
    """`path` is empty or was made here before. Raises OSError for a folder with other things in it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True)
        if any(self.path.iterdir()) and not (self.path / MARKER).exists():
            raise OSError(say("rehearsal.not_ours", folder=str(path)))
        (self.path / MARKER).touch()

    @property
    def workbook(self) -> Path:
        return self.path / "登记册.xlsx"

    def config(self) -> Config:
        """The settings, whose paths are relative to the folder, for use in this process."""
        config = load_config({}, self.path / ".env")
        places = {"DATABASE_URL": f"sqlite:///{self.path}/patrol.db", "OBJECT_STORE_URL": f"file:{self.path}/objects"}
        return config.model_copy(update=places)

    def ports(self) -> tuple[int, int]:
        """Ports for the service and the simulated cloud: those of the last run if they are free."""
        last = load_config({}, self.path / ".env") if (self.path / ".env").exists() else None
        wanted = (last.PORT, urlsplit(last.WECOM_API_URL).port or 0) if last else (0, 0)
        with socket.socket() as one, socket.socket() as other:
            return _bind(one, wanted[0]), _bind(other, wanted[1])

    def write_settings(self, cloud_settings: Mapping[str, str], port: int) -> None:
        """Write .env. The SECRET_KEY is kept, so sessions stay valid."""
        path = self.path / ".env"
        kept = load_config({}, path).SECRET_KEY.get_secret_value() if path.exists() else ""
        lines = {
            **cloud_settings,
            "SECRET_KEY": kept or os.urandom(24).hex(),
            "DATABASE_URL": "sqlite:///patrol.db",
            "OBJECT_STORE_URL": "file:objects",
            "PORT": str(port),
            "PUBLIC_URL": f"http://{_LOCAL}:{port}",
        }
        _write_private(path, "".join(f"{name}={value}\n" for name, value in lines.items()))

    def import_sample(
        self, store: Store, first_day: date, links: tuple[str, str], rules: Mapping[str, str], now: datetime
    ) -> None:
        """Import the sample register, unless there are enterprises already."""
        if store.register.enterprise_names():
            return
        (self.path / "lesson.mp4").write_bytes(make_film(seconds=30, tag="lesson"))
        write_sample_register(self.workbook, first_day, links=links, film_path="lesson.mp4", rules=rules)
        result = apply_register(parse_register(self.workbook), store, build_object_store(self.config()), now)
        if not result.applied:
            raise OSError("\n".join(result.text_lines()))

    def dashboard_login(self, role: str, store: Store, now: datetime) -> DashboardLogin:
        """The login of the dashboard, created at the first run."""
        path = self.path / "login.json"
        if not path.exists():
            password = generate_password()
            credential = add_user(_LOGIN, [role], None, hash_password(password), None, store, now)
            _write_private(path, json.dumps({"name": credential.login, "password": password}))
        return DashboardLogin(**json.loads(path.read_text("utf-8")))


def _bind(one: socket.socket, wanted: int) -> int:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((_LOCAL, wanted))
    except OSError:
        one.bind((_LOCAL, 0))
    return int(one.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
