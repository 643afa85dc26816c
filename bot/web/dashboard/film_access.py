"""Finding the film of a URL, and the links through which browsers load films."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from flask import abort

from bot.media.film_images import FilmImages
from bot.media.image_queue import ImageQueue
from bot.signed_links import SignedLinks
from bot.unit_of_work import UnitOfWork
from bot.web.headers import content_security_policy
from bot.web.parameters import night_argument
from handlers.permissions import Viewer
from schedules.context import Context
from schedules.patrol_night import night_of
from storage.db.models import FilmView, Submission
from storage.disk_reserve import DiskReserve
from storage.objects import ObjectStore
from storage.store import Store

# Long enough to watch a film with pauses; the player renews the URL by itself.
MEDIA_URL_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True)
class FilmAccess:
    """Where films and their images are read from."""

    objects: ObjectStore
    film_images: FilmImages
    image_queue: ImageQueue
    links: SignedLinks
    reserve: DiskReserve

    def media_url(self, film: Submission, viewer: Viewer, now: datetime) -> str:
        """The URL of a film, valid for this viewer and for MEDIA_URL_LIFETIME."""
        return self.links.media_path(film.id, viewer.person_id, now + MEDIA_URL_LIFETIME)

    def presigned_url(self, film: Submission) -> str | None:
        """A URL of the object store for the film; None where the store serves no URLs."""
        assert film.object_key is not None
        return self.objects.presigned_url(film.object_key, int(MEDIA_URL_LIFETIME.total_seconds()), download_name(film))

    def page_security_policy(self, film: Submission) -> str:
        """The Content-Security-Policy of a page that plays this film: it allows the host of the object store."""
        url = self.presigned_url(film) if film.object_key else None
        if url is None:
            return content_security_policy()
        return content_security_policy(media_src="{0.scheme}://{0.netloc}".format(urlsplit(url)))


def download_name(film: Submission) -> str:
    """The file name of a downloaded film."""
    return f"{film.receipt}{'.' + (film.object_key or '').rpartition('.')[2]}"


def film_page_url(film: Submission) -> str:
    return f"/films/{film.night}/{film.receipt}"


def get_film_or_404(store: Store, viewer: Viewer, night: date, receipt: str) -> Submission:
    """The film of a URL. 404 also for a film that the viewer may not see, so that its existence is not revealed."""
    film = store.submissions.by_receipt(receipt, night)
    if film is None or film.night != night or film.kind != "film" or not viewer.can_see(film.enterprise_id):
        abort(404)
    return film


def record_view(uow: UnitOfWork, viewer: Viewer, film: Submission, kind: str) -> FilmView:
    """Add to the view log that the viewer opens a film now. `kind` is film, sheet or download."""
    with uow.transaction() as store:
        return add_view(store, viewer, film, kind, uow.clock.now())


def add_view(store: Store, viewer: Viewer, film: Submission, kind: str, now: datetime) -> FilmView:
    """`record_view` in a transaction that has begun."""
    by_supervisor = viewer.enterprise_ids is None
    return store.view_log.add(film.id, viewer.person_id, viewer.name, kind, now, by_supervisor=by_supervisor)


def requested_night(ctx: Context) -> date:
    """The night in the query of the request, the present night where there is none; 404 where it is no night."""
    return night_argument() or night_of(ctx.now, ctx.rules)
