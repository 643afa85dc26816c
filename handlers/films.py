"""A film: on record first, then fetched, then filed, then answered."""

from __future__ import annotations

from datetime import datetime

from handlers import emergency, twice
from handlers.attribution import assign_part, attribute_films
from handlers.duplicates import mark_reused_films
from handlers.message import MediaFetch, Message
from handlers.receipts import add_film_reply, film_params, send_receipt
from handlers.rectification import record_film_answer
from schedules.patrol_night import night_of, submission_window
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.store import Store
from storage.submissions import FilingResult

# Half a second of grace: a phone shows 9.6 s as 10.
_GRACE_S = 0.5


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> MediaFetch | None:
    """Put the film on record under the sender's name, and have it fetched; what is said with it may be an alarm."""
    if emergency.mentions_emergency(message.text):
        emergency.handle(message, store, rules, now)
    return create_submission(message, store, rules, now, kind="film")


def create_submission(
    message: Message, store: Store, rules: RuleBook, now: datetime, *, kind: str
) -> MediaFetch | None:
    """Put on record that something is coming, of a known person or of a stranger."""
    person = store.register.account_owner(message.realm, message.sender, message.sent_at)
    known = person is not None and bool(store.register.enterprises_of(person.id))
    submission = store.submissions.get_or_create(
        message.film_target.night if message.film_target else night_of(message.sent_at, rules),
        channel=message.channel,
        message_key=message.key,
        inbox_id=message.inbox_id,
        realm=message.realm,
        sender=message.sender,
        person_id=person.id if person else None,
        kind=kind,
        chat_id=message.chat_id or None,
        file_name=message.file_name,
        sent_at=message.sent_at,
        received_at=message.received_at,
        state="receiving",
        attribution="unattributed" if known else "quarantined",
    )
    if known and message.film_target:
        assign_part(
            submission, message.film_target.enterprise_id, message.film_target.part_id, "link", store, rules, now
        )
    if known and kind == "film":
        attribute_films(store, rules, message.realm, message.sender, submission.night, now)
    if message.media is None:
        mark_lost(submission.id, "no_media", store, rules, now)
    return MediaFetch(submission.id, message.media) if message.media and submission.state == "receiving" else None


def file_film(
    submission_id: int, filed: FilingResult, fault: str | None, store: Store, rules: RuleBook, now: datetime
) -> None:
    """The bytes are kept and looked at: file the film, or keep it as unfit, and tell its sender.

    `fault` is what the probe found wrong, None for a real film.
    """
    film = store.submissions.get(submission_id)
    assert film is not None
    fault = fault or _too_short(film, filed, rules)
    if not fault and twice.resolve_duplicate(film, filed.sha256, store):
        store.submissions.file(submission_id, _as(filed, "supporting"), [twice.DUPLICATE_MARK])
        return
    marks = [fault] if fault else _marks(film, rules)
    state = "unfit" if fault else "filed"
    if not store.submissions.file(submission_id, _as(filed, state), marks):
        return
    if not fault:
        mark_reused_films(film, store)
    if film.attribution == "quarantined":
        add_film_reply(
            film, store, now, _stranger_text(film, fault), f"stranger/{film.id}", film_params(film, store, rules)
        )
    elif fault:
        add_film_reply(film, store, now, f"unfit.{fault}", f"unfit/{film.id}", film_params(film, store, rules))
    elif film.attribution == "attributed":
        send_receipt(film, store, rules, now)
        record_film_answer(film, store, rules, now)
    attribute_films(store, rules, film.realm, film.sender, film.night, now)


def mark_lost(submission_id: int, detail: str, store: Store, rules: RuleBook, now: datetime) -> None:
    """The platform no longer has the bytes: say so, and ask for the film again."""
    film = store.submissions.get(submission_id)
    if film is not None and store.submissions.file(submission_id, FilingResult("failed", None), [detail]):
        add_film_reply(film, store, now, "unfit.lost", f"lost/{film.id}", film_params(film, store, rules))


def release_quarantined_films(store: Store, rules: RuleBook, now: datetime) -> int:
    """Place the quarantined films of people the register has come to know since; how many there were."""
    found = store.submissions.quarantined_now_bound()
    for film in found:
        person = store.register.account_owner(film.realm, film.sender, film.sent_at)
        if person and store.register.enterprises_of(person.id):
            film.person_id, film.attribution = person.id, "unattributed"
            store.session.flush()
            attribute_films(store, rules, film.realm, film.sender, film.night, now)
    return len(found)


def _as(filed: FilingResult, state: str) -> FilingResult:
    return FilingResult(**{**vars(filed), "state": state})


def _stranger_text(film: Submission, fault: str | None) -> str:
    if film.person_id is not None:
        return "stranger.no_enterprise"
    return "stranger.unfit" if fault else "stranger.film"


def _too_short(film: Submission, filed: FilingResult, rules: RuleBook) -> str | None:
    shortest = rules.for_night(film.night).shortest_film_s
    return "too_short" if (filed.duration_s or 0) < shortest - _GRACE_S else None


def _marks(film: Submission, rules: RuleBook) -> list[str]:
    lateness = submission_window(film.night, rules).lateness(film.sent_at)
    return [] if lateness == "on_time" else [lateness]
