"""A simulated cloud in this process and the service in its own, on one clock: that of the rehearsal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from bot.background import BackgroundLoop
from bot.bootstrap import open_database
from bot.clock import Clock, RealClock, load_clock, start_clock, sync_rehearsal_clock
from bot.devtools.rehearsal.accounts import add_accounts
from bot.devtools.rehearsal.folder import DashboardLogin, RehearsalFolder
from bot.devtools.rehearsal.service import ServiceProcess
from bot.devtools.simulator import Cloud, serve
from storage.db.process_locks import process_lock
from storage.errors import OperationRefused
from storage.store import Store

# Until the service beats, this keeps the clock from counting as stopped.
_CLOCK_SYNC = timedelta(seconds=1)
# The service follows a clock that was set anew within this real time; so much is skipped, lest its clock go back.
_HANDOVER = timedelta(seconds=0.5)
# The shift of the night before is over in the morning; two more days show a history of the roster.
_ROSTER_BEFORE = timedelta(days=2)


class Stage:
    """What both sides need; `start` runs the clock and the service until the block of `open_stage` ends."""

    def __init__(self, folder: RehearsalFolder, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.clock: Clock = RealClock()
        port, cloud_port = folder.ports()
        self.url = f"http://127.0.0.1:{port}"
        self.cloud = stack.enter_context(Cloud(lambda: self.clock.now().timestamp()))
        self.cloud.configure(callback_url=f"{self.url}/callbacks/wecom_app")
        serve(self.cloud, cloud_port)
        folder.write_settings(self.cloud.settings, port)
        self.zone = folder.config().TIMEZONE
        self.database = open_database(folder.config(), migrate=True)
        stack.callback(self.database.close)
        self.login = DashboardLogin("", "")
        self._service: ServiceProcess | None = None

    @contextmanager
    def transaction(self) -> Iterator[Store]:
        with self.database.transaction() as session:
            yield Store(session)

    @contextmanager
    def read(self) -> Iterator[Store]:
        with self.database.read() as session:
            yield Store(session)

    def take_over(self) -> None:
        """Raises OperationRefused while another rehearsal runs in this folder."""
        lock = process_lock(self.database.url, "rehearsal")
        if not lock.acquire():
            raise OperationRefused("rehearsal.in_use", folder=str(self.folder.path))
        self._stack.callback(lock.release)

    def set_up(
        self, now: datetime, role: str, rules: Mapping[str, str] = MappingProxyType({}), dead_link: str = ""
    ) -> None:
        """At the first run import the sample register and create a login with this role; give everybody a phone.

        The content of the register is a page of the simulated cloud, and `dead_link` if given.
        """
        page = f"{self.cloud.url}/sim/state"
        first_day = now.astimezone(self.zone).date() - _ROSTER_BEFORE
        with self.transaction() as store:
            self.folder.import_sample(store, first_day, (page, dead_link or page), rules, now)
            self.login = self.folder.dashboard_login(role, store, now)
        with self.read() as store:
            add_accounts(self.cloud, store)

    def reached(self) -> datetime | None:
        """Where the rehearsal of this folder has come to; None before its first start."""
        with self.read() as store:
            clock = load_clock(store)
        return clock.now() if clock.is_rehearsal else None

    def start(self, start: datetime | None, speed: float) -> None:
        """Run the clock from `start`, or from where it has come to, and wait until the service is ready.

        Raises OperationRefused for an instant before that, OSError when the service does not start.
        """
        with self.transaction() as store:
            self.clock = start_clock(store, start or load_clock(store).now(), speed)
        sync = BackgroundLoop("rehearsal clock", _CLOCK_SYNC, self._sync)
        sync.start()
        self._service = ServiceProcess(self.folder.path, self.url)
        self._stack.callback(self._service.stop)
        self._stack.callback(sync.stop)
        self._service.wait_until_ready()

    def set_speed(self, speed: float) -> None:
        """Go on faster or slower."""
        with self.transaction() as store:
            self.clock = start_clock(store, self.clock.now() + _HANDOVER * self.clock.speed, speed)

    def _sync(self) -> None:
        with self.transaction() as store:
            sync_rehearsal_clock(self.clock, store)

    @property
    def service_has_ended(self) -> bool:
        return self._service is not None and self._service.has_ended


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """A stage in the folder; its end stops the service, then the cloud.

    Raises OSError for a folder that is not a rehearsal's, OperationRefused for one in use.
    """
    with ExitStack() as stack:
        stage = Stage(RehearsalFolder(folder), stack)
        stage.take_over()
        yield stage
