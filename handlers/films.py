"""A film: on record first, then fetched, then filed, then answered."""

from __future__ import annotations

from datetime import datetime

from handlers import emergency, twice
from handlers.attribution import place, settle
from handlers.duplicates import mark_replays
from handlers.message import Fetch, Message
from handlers.receipts import facts, respond, send_receipt
from handlers.rectification import take_as_answer
from schedules.patrol_night import night_of, window
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.store import Store
from storage.submissions import Filed

# Half a second of grace: a phone shows 9.6 s as 10.
_GRACE_S = 0.5


def handle(message: Message, store: Store, rules: RuleBook, now: datetime) -> Fetch | None:
    """Put the film on record under the sender's name, and have it fetched; what is said with it may be an alarm."""
    if emergency.speaks_of_danger(message.text):
        emergency.handle(message, store, rules, now)
    return announce(message, store, rules, now, kind="film")


def announce(message: Message, store: Store, rules: RuleBook, now: datetime, *, kind: str) -> Fetch | None:
    """Put on record that something is coming, of a known person or of a stranger."""
    person = store.register.account_owner(message.realm, message.sender, message.sent_at)
    known = person is not None and bool(store.register.enterprises_of(person.id))
    submission = store.submissions.announce(
        message.bound.night if message.bound else night_of(message.sent_at, rules),
        channel=message.channel,
        message_key=message.key,
        inbox_id=message.inbox_id,
        realm=message.realm,
        sender=message.sender,
        person_id=person.id if person else None,
        kind=kind,
        chat=message.chat or None,
        hint=message.file_name,
        sent_at=message.sent_at,
        received_at=message.received_at,
        state="receiving",
        place="unattributed" if known else "quarantined",
    )
    if known and message.bound:
        place(submission, message.bound.enterprise_id, message.bound.part_id, "link", store, rules, now)
    if known and kind == "film":
        settle(store, rules, message.realm, message.sender, submission.night, now)
    if message.media is None:
        lost(submission.id, "no_media", store, rules, now)
    return Fetch(submission.id, message.media) if message.media and submission.state == "receiving" else None


def file(submission_id: int, filed: Filed, fault: str | None, store: Store, rules: RuleBook, now: datetime) -> None:
    """The bytes are kept and looked at: file the film, or keep it as unfit, and tell its sender.

    `fault` is what the probe found wrong, None for a real film.
    """
    film = store.submissions.get(submission_id)
    assert film is not None
    fault = fault or _too_short(film, filed, rules)
    if not fault and twice.heard_before(film, filed.sha256, store):
        store.submissions.file(submission_id, _as(filed, "supporting"), [twice.MARK])
        return
    marks = [fault] if fault else _marks(film, rules)
    state = "unfit" if fault else "filed"
    if not store.submissions.file(submission_id, _as(filed, state), marks):
        return
    if not fault:
        mark_replays(film, store)
    if film.place == "quarantined":
        respond(film, store, now, _stranger_text(film, fault), f"stranger/{film.id}", facts(film, store, rules))
    elif fault:
        respond(film, store, now, f"unfit.{fault}", f"unfit/{film.id}", facts(film, store, rules))
    elif film.place == "attributed":
        send_receipt(film, store, rules, now)
        take_as_answer(film, store, rules, now)
    settle(store, rules, film.realm, film.sender, film.night, now)


def lost(submission_id: int, detail: str, store: Store, rules: RuleBook, now: datetime) -> None:
    """The platform no longer has the bytes: say so, and ask for the film again."""
    film = store.submissions.get(submission_id)
    if film is not None and store.submissions.file(submission_id, Filed("failed", None), [detail]):
        respond(film, store, now, "unfit.lost", f"lost/{film.id}", facts(film, store, rules))


def recognise_strangers(store: Store, rules: RuleBook, now: datetime) -> int:
    """Place the quarantined films of people the register has come to know since; how many there were."""
    found = store.submissions.strangers_now_known()
    for film in found:
        person = store.register.account_owner(film.realm, film.sender, film.sent_at)
        if person and store.register.enterprises_of(person.id):
            film.person_id, film.place = person.id, "unattributed"
            store.session.flush()
            settle(store, rules, film.realm, film.sender, film.night, now)
    return len(found)


def _as(filed: Filed, state: str) -> Filed:
    return Filed(**{**vars(filed), "state": state})


def _stranger_text(film: Submission, fault: str | None) -> str:
    if film.person_id is not None:
        return "stranger.no_enterprise"
    return "stranger.unfit" if fault else "stranger.film"


def _too_short(film: Submission, filed: Filed, rules: RuleBook) -> str | None:
    shortest = rules.on(film.night).shortest_film_s
    return "too_short" if (filed.duration_s or 0) < shortest - _GRACE_S else None


def _marks(film: Submission, rules: RuleBook) -> list[str]:
    lateness = window(film.night, rules).lateness(film.sent_at)
    return [] if lateness == "on_time" else [lateness]
