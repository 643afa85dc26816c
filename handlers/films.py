"""A film: on record first, then fetched, then filed, then answered."""

from __future__ import annotations

from handlers import emergency, twice
from handlers.attribution import assign_part, attribute_films
from handlers.duplicates import mark_reused_films
from handlers.message import MediaFetch, Message
from handlers.receipts import add_film_reply, film_params, send_receipt
from handlers.rectification import record_film_answer
from schedules.context import Context
from schedules.patrol_night import night_of, submission_window
from schedules.rules import RuleBook
from storage.db.models import Submission
from storage.submissions import FilingResult

# Half a second of grace: a phone shows 9.6 s as 10.
_GRACE_S = 0.5


def handle(message: Message, ctx: Context) -> MediaFetch | None:
    """Put the film on record under the sender's name, and have it fetched; what is said with it may be an alarm."""
    if emergency.mentions_emergency(message.text):
        emergency.handle(message, ctx)
    return create_submission(message, ctx, kind="film")


def create_submission(message: Message, ctx: Context, *, kind: str) -> MediaFetch | None:
    """Put on record that something is coming, of a known person or of a stranger."""
    person = ctx.store.register.account_owner(message.realm, message.sender, message.sent_at)
    known = person is not None and bool(ctx.store.register.enterprises_of(person.id))
    submission = ctx.store.submissions.get_or_create(
        message.film_target.night if message.film_target else night_of(message.sent_at, ctx.rules),
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
        assign_part(submission, message.film_target.enterprise_id, message.film_target.part_id, "upload_link", ctx)
    if known and kind == "film":
        attribute_films(ctx, message.realm, message.sender, submission.night)
    if message.media is None:
        mark_lost(submission.id, "no_media", ctx)
    return MediaFetch(submission.id, message.media) if message.media and submission.state == "receiving" else None


def file_film(submission_id: int, filed: FilingResult, fault: str | None, ctx: Context) -> None:
    """The bytes are kept and looked at: file the film, or keep it as unfit, and tell its sender.

    `fault` is what the probe found wrong, None for a real film.
    """
    film = ctx.store.submissions.get(submission_id)
    assert film is not None
    fault = fault or _too_short(film, filed, ctx.rules)
    if not fault and twice.resolve_duplicate(film, filed.sha256, ctx.store):
        ctx.store.submissions.file(submission_id, _as(filed, "supporting"), [twice.DUPLICATE_MARK])
        return
    marks = [fault] if fault else _marks(film, ctx.rules)
    state = "unfit" if fault else "filed"
    if not ctx.store.submissions.file(submission_id, _as(filed, state), marks):
        return
    if not fault:
        mark_reused_films(film, ctx.store)
    if film.attribution == "quarantined":
        add_film_reply(
            film,
            ctx.store,
            ctx.now,
            _stranger_text(film, fault),
            f"stranger/{film.id}",
            film_params(film, ctx.store, ctx.rules),
        )
    elif fault:
        add_film_reply(
            film, ctx.store, ctx.now, f"unfit.{fault}", f"unfit/{film.id}", film_params(film, ctx.store, ctx.rules)
        )
    elif film.attribution == "attributed":
        send_receipt(film, ctx)
        record_film_answer(film, ctx)
    attribute_films(ctx, film.realm, film.sender, film.night)


def mark_lost(submission_id: int, detail: str, ctx: Context) -> None:
    """The platform no longer has the bytes: say so, and ask for the film again."""
    film = ctx.store.submissions.get(submission_id)
    if film is not None and ctx.store.submissions.file(submission_id, FilingResult("failed", None), [detail]):
        add_film_reply(
            film, ctx.store, ctx.now, "unfit.lost", f"film-lost/{film.id}", film_params(film, ctx.store, ctx.rules)
        )


def release_quarantined_films(ctx: Context) -> int:
    """Place the quarantined films of people the register has come to know since; how many there were."""
    found = ctx.store.submissions.quarantined_now_bound()
    for film in found:
        person = ctx.store.register.account_owner(film.realm, film.sender, film.sent_at)
        if person and ctx.store.register.enterprises_of(person.id):
            film.person_id, film.attribution = person.id, "unattributed"
            ctx.store.session.flush()
            attribute_films(ctx, film.realm, film.sender, film.night)
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
