"""Under which keys the pictures of a film are kept: apart from the films, whose objects are never touched."""

from __future__ import annotations


def picture_key(film_key: str, kind: str, at_s: float | None = None) -> str:
    """The key of a film's `thumbnail`, `contact_sheet`, or `still` at an instant."""
    moment = "" if at_s is None else f"-{round(at_s * 10)}"
    film = film_key.removeprefix("films/").rpartition(".")[0]
    return f"pictures/{film}/{kind}{moment}.jpg"
