"""Object keys of pictures of films. They have a prefix of their own, because objects of films are never changed."""

from __future__ import annotations


def picture_key(film_key: str, kind: str, at_s: float | None = None) -> str:
    """`kind` is `thumbnail`, `contact_sheet`, or `still` with `at_s` in seconds."""
    suffix = "" if at_s is None else f"-{round(at_s * 10)}"
    film = film_key.removeprefix("films/").rpartition(".")[0]
    return f"pictures/{film}/{kind}{suffix}.jpg"
