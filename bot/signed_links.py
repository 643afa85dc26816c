"""Signed addresses that may be opened without a sign-in, such as a safety film too large for the chat."""

from __future__ import annotations

from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer

from storage.errors import OperationRefused


class SignedLinks:
    """Makes and reads links of this service; altering one makes it worthless."""

    def __init__(self, public_url: str, secret_key: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._content = URLSafeSerializer(secret_key, salt="content")
        self._upload = URLSafeSerializer(secret_key, salt="upload")
        self._media = URLSafeSerializer(secret_key, salt="film")

    def content_url(self, item_id: int) -> str:
        """Where a safety film is played. Safety knowledge is public, so the link has no end."""
        return f"{self._public_url}/content/{self._content.dumps(item_id)}"

    def film_url(self, night: str, receipt: str) -> str:
        """The page of a film, for whoever is signed in and may see it."""
        return f"{self._public_url}/films/{night}/{receipt}"

    def media_path(self, film_id: int, person_id: int, expires_at: datetime) -> str:
        """Where one person gets the bytes of a film, until an instant of the service's clock; a path on this site."""
        return f"/films/media/{self._media.dumps([film_id, person_id, int(expires_at.timestamp())])}"

    def read_media_token(self, token: str, now: datetime) -> tuple[int, int]:
        """The film and the person a link is for. Raises Refused when it was altered, or is too old."""
        try:
            film_id, person_id, until = map(int, self._media.loads(token))
        except (BadSignature, TypeError, ValueError) as error:
            raise OperationRefused("films.link_invalid") from error
        if now.timestamp() > until:
            raise OperationRefused("films.link_expired")
        return film_id, person_id

    def read_content_token(self, token: str) -> int | None:
        """The item a link stands for, None when it was altered."""
        return _read(self._content, token)

    def upload_url(self, upload_id: int) -> str:
        """Where somebody uploads a film; when it ends, and who goes on with it, stands in the database."""
        return f"{self._public_url}/upload/{self._upload.dumps(upload_id)}"

    def read_upload_token(self, token: str) -> int | None:
        """The link it is, None when it was altered."""
        return _read(self._upload, token)


def _read(serializer: URLSafeSerializer, token: str) -> int | None:
    try:
        return int(serializer.loads(token))
    except (BadSignature, TypeError, ValueError):
        return None
