"""Films for the dashboard: which one an address means, and the link by which a browser gets its bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from flask import abort

from bot.media.film_images import Pictures
from bot.signed_links import Links
from bot.unit_of_work import Memory
from bot.web.headers import policy
from handlers.permissions import Viewer
from storage.db.models import Look, Submission
from storage.objects import ObjectStore
from storage.store import Store

# Long enough to watch a film with pauses; the player asks for a new one by itself.
LINK_LIFE = timedelta(minutes=10)


@dataclass(frozen=True)
class Gallery:
    """Where films and their pictures come from."""

    objects: ObjectStore
    pictures: Pictures
    links: Links

    def link(self, film: Submission, viewer: Viewer, now: datetime) -> str:
        """An address of a film's bytes, for this viewer and for minutes."""
        return self.links.media(film.id, viewer.person_id, now + LINK_LIFE)

    def elsewhere(self, film: Submission) -> str | None:
        """Where the object store itself hands the film out, None where it does not."""
        assert film.object_key is not None
        return self.objects.sign(film.object_key, int(LINK_LIFE.total_seconds()), file_name(film))

    def policy_for(self, film: Submission) -> str:
        """The content-security policy of a page that plays this film: widened by the store, if that hands it out."""
        address = self.elsewhere(film) if film.object_key else None
        return policy() if address is None else policy(media_src="{0.scheme}://{0.netloc}".format(urlsplit(address)))


def file_name(film: Submission) -> str:
    """What a film is called where it is saved."""
    return f"{film.receipt}{'.' + (film.object_key or '').rpartition('.')[2]}"


def page_of(film: Submission) -> str:
    """The address of a film's page."""
    return f"/films/{film.night}/{film.receipt}"


def found_film(store: Store, viewer: Viewer, night: str, receipt: str) -> Submission:
    """The film an address means. What is not there and what is not for this viewer are one and the same: 404."""
    film = store.submissions.by_receipt(receipt, day(night))
    if film is None or film.night != day(night) or film.kind != "film" or not viewer.sees(film.enterprise_id):
        abort(404)
    return film


def note_look(memory: Memory, viewer: Viewer, film: Submission, what: str) -> Look:
    """Put on record that somebody looks at a film now."""
    with memory.transaction() as store:
        return store.looks.open(
            film.id, viewer.person_id, viewer.name, what, memory.clock.now(), by_county=viewer.enterprises is None
        )


def day(text: str) -> date:
    """A date out of an address; 404 for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        abort(404)
    try:
        return date.fromisoformat(text)
    except ValueError:
        abort(404)
