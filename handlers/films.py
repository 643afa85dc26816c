"""A film: recorded first, then fetched, then filed, then answered."""

from __future__ import annotations

from dataclasses import replace

from handlers.attribution import assign_part, attribute_films
from handlers.duplicates import DUPLICATE_MARK, mark_reused_films, resolve_duplicate
from handlers.emergency import doubts, reports, updates
from handlers.emergency.recognition import Certainty
from handlers.hazards.material import is_of_office, take_filed
from handlers.message import Message
from handlers.receipts import add_film_reply, film_params, send_receipt
from handlers.replies import sender_and_enterprises
from schedules.context import Context
from schedules.late_reminders import film_lateness
from schedules.patrol_night import night_of
from schedules.rules import RuleBook
from storage.audit_log import FILM_FILED, SERVICE_ACTOR
from storage.db.models import Submission
from storage.submissions import FilingResult

# Phones round the length they show: 9.6 s appears as 10.
_ROUNDING_S = 0.5


def handle(message: Message, ctx: Context) -> Submission | None:
    """Record a film, or a file that may be one, under its sender and have it fetched; the probe decides."""
    return create_submission(message, ctx, kind="film")


def create_submission(message: Message, ctx: Context, *, kind: str) -> Submission | None:
    """Record what is about to be fetched, of a known person or of a stranger; None if it needs no fetch."""
    _handle_words(message, ctx)
    person, enterprises = sender_and_enterprises(message, ctx)
    target = message.film_target
    submission = ctx.store.submissions.get_or_create(
        target.night if target else night_of(message.sent_at, ctx.rules),
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
        attribution="unattributed" if enterprises else "quarantined",
    )
    if enterprises and target:
        assign_part(submission, target.enterprise_id, target.part_id, "upload_link", ctx)
    if enterprises and kind == "film":
        attribute_films(ctx, message.realm, message.sender, submission.night)
    if message.media is None:
        mark_lost(submission.id, "no_media", ctx)
    return submission if message.media and submission.state == "receiving" else None


def _handle_words(message: Message, ctx: Context) -> None:
    """What is said with a film or photo may report an emergency; once one is open, the words are passed on with it."""
    if not message.text or updates.open_report(message, ctx) is not None:
        return
    certainty = reports.recognize(message, ctx)
    if certainty is Certainty.SURE:
        reports.handle(message, ctx)
    elif certainty is Certainty.UNSURE:
        doubts.ask(message, ctx)


def file_film(submission_id: int, result: FilingResult, fault: str | None, ctx: Context) -> None:
    """File the stored and probed film, or mark it as unfit, and tell its sender.

    `fault` is what the probe found wrong, None for a real film.
    """
    film = ctx.store.submissions.get(submission_id)
    assert film is not None
    fault = fault or _too_short(film, result, ctx.rules)
    if not fault and resolve_duplicate(film, result.sha256, ctx.store):
        file_submission(film, replace(result, state="supporting"), [DUPLICATE_MARK], ctx)
        return
    marks = [fault] if fault else _lateness_marks(film, ctx)
    if not file_submission(film, replace(result, state="unfit" if fault else "filed"), marks, ctx):
        return
    if not fault:
        mark_reused_films(film, ctx.store)
        take_filed(film, ctx)
    if film.attribution == "quarantined":
        text_key = _quarantine_text_key(film, fault, ctx)
        add_film_reply(film, ctx, text_key, f"stranger/{film.id}", film_params(film, ctx))
    elif fault and not updates.on_record(film, ctx):  # in an emergency, ask no patroller to stay and film again
        add_film_reply(film, ctx, f"unfit.{fault}", f"unfit/{film.id}", film_params(film, ctx))
    elif film.attribution == "attributed" and film.state == "filed":
        send_receipt(film, ctx)
    attribute_films(ctx, film.realm, film.sender, film.night)


def file_submission(film: Submission, result: FilingResult, marks: list[str], ctx: Context) -> bool:
    """File it, with its digest in the audit log: a film that is swapped together with its row is noticed."""
    if not ctx.store.submissions.file(film.id, result, marks):
        return False
    if result.object_key is not None:
        digest = {"sha256": result.sha256, "bytes": result.bytes, "object_key": result.object_key}
        ctx.store.audit_log.record(ctx.now, SERVICE_ACTOR, FILM_FILED, subject=film.audit_subject, **digest)
        updates.forward_filed(film, ctx)
    return True


def mark_lost(submission_id: int, detail: str, ctx: Context) -> None:
    """The platform no longer has the bytes: ask the sender for the film again."""
    film = ctx.store.submissions.get(submission_id)
    if film is not None and ctx.store.submissions.file(submission_id, FilingResult("failed", None), [detail]):
        add_film_reply(film, ctx, "unfit.lost", f"film-lost/{film.id}", film_params(film, ctx))


def release_quarantined_films(ctx: Context) -> int:
    """Attribute the quarantined films of people who have been registered since; returns how many there were."""
    quarantined = ctx.store.submissions.quarantined_now_bound()
    for film in quarantined:
        person = ctx.store.register.account_owner(film.realm, film.sender, film.sent_at)
        if person and ctx.store.register.enterprises_of(person.id):
            film.person_id, film.attribution = person.id, "unattributed"
            ctx.store.session.flush()
            attribute_films(ctx, film.realm, film.sender, film.night)
    return len(quarantined)


def _quarantine_text_key(film: Submission, fault: str | None, ctx: Context) -> str:
    if not fault and is_of_office(film, ctx):
        return "hazard_chat.kept"
    if film.person_id is not None:
        return "stranger.no_enterprise"
    return "stranger.unfit" if fault else "stranger.film"


def _too_short(film: Submission, result: FilingResult, rules: RuleBook) -> str | None:
    shortest_s = rules.for_night(film.night).shortest_film_s
    return "too_short" if (result.duration_s or 0) < shortest_s - _ROUNDING_S else None


def _lateness_marks(film: Submission, ctx: Context) -> list[str]:
    lateness = film_lateness(film, ctx)
    return [] if lateness == "on_time" else [lateness]
