"""Films for the dashboard: which one an address means, and the link by which a browser gets its bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from flask import abort

from bot.media.film_images import FilmImages
from bot.signed_links import SignedLinks
from bot.unit_of_work import UnitOfWork
from bot.web.headers import content_security_policy
from handlers.permissions import Viewer
from storage.db.models import FilmView, Submission
from storage.objects import ObjectStore
from storage.store import Store

# Long enough to watch a film with pauses; the player asks for a new one by itself.
MEDIA_URL_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class FilmAccess:
    """Where films and their pictures come from."""

    objects: ObjectStore
    film_images: FilmImages
    links: SignedLinks

    def media_url(self, film: Submission, viewer: Viewer, now: datetime) -> str:
        """An address of a film's bytes, for this viewer and for minutes."""
        return self.links.media_path(film.id, viewer.person_id, now + MEDIA_URL_LIFETIME)

    def presigned_url(self, film: Submission) -> str | None:
        """Where the object store itself hands the film out, None where it does not."""
        assert film.object_key is not None
        return self.objects.presigned_url(film.object_key, int(MEDIA_URL_LIFETIME.total_seconds()), download_name(film))

    def page_security_policy(self, film: Submission) -> str:
        """The content-security policy of a page that plays this film: widened by the store, if that hands it out."""
        address = self.presigned_url(film) if film.object_key else None
        return (
            content_security_policy()
            if address is None
            else content_security_policy(media_src="{0.scheme}://{0.netloc}".format(urlsplit(address)))
        )


def download_name(film: Submission) -> str:
    """What a film is called where it is saved."""
    return f"{film.receipt}{'.' + (film.object_key or '').rpartition('.')[2]}"


def film_page_url(film: Submission) -> str:
    """The address of a film's page."""
    return f"/films/{film.night}/{film.receipt}"


def get_film_or_404(store: Store, viewer: Viewer, night: str, receipt: str) -> Submission:
    """The film an address means. What is not there and what is not for this viewer are one and the same: 404."""
    film = store.submissions.by_receipt(receipt, parse_date_or_404(night))
    if (
        film is None
        or film.night != parse_date_or_404(night)
        or film.kind != "film"
        or not viewer.can_see(film.enterprise_id)
    ):
        abort(404)
    return film


def record_view(uow: UnitOfWork, viewer: Viewer, film: Submission, kind: str) -> FilmView:
    """Put on record that somebody looks at a film now."""
    with uow.transaction() as store:
        return store.view_log.add(
            film.id, viewer.person_id, viewer.name, kind, uow.clock.now(), by_supervisor=viewer.enterprise_ids is None
        )


def parse_date_or_404(text: str) -> date:
    """A date out of an address; 404 for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        abort(404)
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)
