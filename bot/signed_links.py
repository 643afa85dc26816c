"""Signed URLs that can be opened without a sign-in, such as a training film too large for the chat.

They name rows by their random `link_id`, so the key alone does not open a row whose link was never sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from itsdangerous import BadSignature, URLSafeSerializer

from storage.errors import OperationRefused


class SignedLinks:
    def __init__(self, public_url: str, secret_key: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._content = URLSafeSerializer(secret_key, salt="content")
        self._upload = URLSafeSerializer(secret_key, salt="upload")
        self._media = URLSafeSerializer(secret_key, salt="film")
        self._sheets = URLSafeSerializer(secret_key, salt="sheets")

    def content_url(self, link_id: str) -> str:
        """The page that plays a training film. Its content is public: the link holds while the item is in use."""
        return f"{self._public_url}/content/{self._content.dumps(link_id)}"

    def film_url(self, night: str, receipt: str) -> str:
        """The page of a film; requires a sign-in."""
        return f"{self._public_url}/films/{night}/{receipt}"

    def daily_report_url(self, night: str) -> str:
        """The page of a daily report; requires a sign-in."""
        return f"{self._public_url}/reports/daily/{night}"

    def media_path(self, film_id: int, person_id: int, expires_at: datetime) -> str:
        """The path on this site from which one person can load a film, until an instant of the service's clock."""
        return f"/films/media/{self._media.dumps([film_id, person_id, int(expires_at.timestamp())])}"

    def read_media_token(self, token: str, now: datetime) -> tuple[int, int]:
        """Film id and person id. Raises OperationRefused for an altered or expired token."""
        try:
            film_id, person_id, expires_at = map(int, self._media.loads(token))
        except (BadSignature, TypeError, ValueError) as error:
            raise OperationRefused("films.link_invalid") from error
        if now.timestamp() > expires_at:
            raise OperationRefused("films.link_expired")
        return film_id, person_id

    def sheets_token(self, person_id: int, night: str, film_ids: Sequence[int], opened_at: datetime) -> str:
        """What a page of contact sheets showed to one person, and when it was rendered."""
        return str(self._sheets.dumps([person_id, night, list(film_ids), opened_at.timestamp()]))

    def read_sheets_token(self, token: str, person_id: int) -> tuple[str, list[int], datetime]:
        """Night, film ids and time of rendering. Raises OperationRefused for an altered or another person's token."""
        try:
            owner_id, night, film_ids, opened_at = self._sheets.loads(token)
        except (BadSignature, TypeError, ValueError) as error:
            raise OperationRefused("films.link_invalid") from error
        if owner_id != person_id:
            raise OperationRefused("films.link_invalid")
        return night, film_ids, datetime.fromtimestamp(opened_at, UTC)

    def read_content_token(self, token: str) -> str | None:
        """The link id of the item, None for an altered token."""
        return _read(self._content, token)

    def upload_url(self, link_id: str) -> str:
        """The upload page of a link; its expiry and its browser are stored in the database."""
        return f"{self._public_url}/upload/{self._upload.dumps(link_id)}"

    def read_upload_token(self, token: str) -> str | None:
        """The link id of the upload, None for an altered token."""
        return _read(self._upload, token)


def _read(serializer: URLSafeSerializer, token: str) -> str | None:
    try:
        return str(serializer.loads(token))
    except BadSignature:
        return None
