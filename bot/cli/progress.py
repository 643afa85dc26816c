"""Progress on stderr while a command works; nothing where stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Track = Callable[[Iterable[Any]], Iterable[Any]]


def track(label: str, console: Console | None = None, total: int | None = None) -> Track:
    """A function that hands items through and draws a bar of how many are done; `total`: of items without a length."""
    from rich.progress import track as draw

    console = console or _stderr()
    if not console.is_terminal:
        return iter
    return lambda items: draw(items, label, total, console=console, transient=True)


@contextmanager
def busy(label: str, console: Console | None = None) -> Iterator[None]:
    """Show that a step of unknown length is under way."""
    console = console or _stderr()
    if not console.is_terminal:
        yield
        return
    with console.status(label):
        yield


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)
