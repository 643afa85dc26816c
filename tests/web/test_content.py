"""The link of a safety film: it opens for every person it was sent to."""

from __future__ import annotations

from bot.signed_links import SignedLinks
from storage.content import VIDEO
from storage.db.models import ContentItem
from tests.harness import at
from tests.web.parts import Browser, Dashboard


def add_film(dashboard: Dashboard) -> tuple[int, str]:
    """A safety film of the register; its id and its link."""
    objects = dashboard.story.bot.objects
    with objects.spool() as spool:
        spool.write(b"film")
        objects.save(spool, "content/film.mp4")
    with dashboard.story.office() as store:
        film = ContentItem(title="防火", kind=VIDEO, object_key="content/film.mp4", tags=[], added_at=at("00:00"))
        store.session.add(film)
        store.session.flush()
        return film.id, links(dashboard).content_url(film.link_id)


def links(dashboard: Dashboard) -> SignedLinks:
    return SignedLinks("", dashboard.story.bot.config.SECRET_KEY.get_secret_value())


def status(browser: Browser, path: str) -> int:
    with browser.get(path) as answer:
        return answer.status_code


def test_a_link_opens_until_the_film_is_retired(dashboard: Dashboard) -> None:
    film_id, link = add_film(dashboard)
    visitor = dashboard.browser()
    assert status(visitor, link) in (200, 302)
    with dashboard.story.office() as store:
        film = store.content.get(film_id)
        assert film is not None
        film.in_use = False
        store.session.flush()
        assert store.content.active_items() == []
    assert status(visitor, link) == 404


def test_a_link_names_nothing_that_can_be_guessed(dashboard: Dashboard) -> None:
    """Even a person who knows the key cannot enumerate the films."""
    film_id, _ = add_film(dashboard)
    assert status(dashboard.browser(), links(dashboard).content_url(str(film_id))) == 404
