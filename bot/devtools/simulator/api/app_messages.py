"""message/send: messages from the app to members."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from bot.devtools.simulator.cloud import Cloud
from bot.devtools.simulator.core.card_rules import INTERACTIVE_CARD_TYPES, check_card
from bot.devtools.simulator.core.errors import ApiError
from bot.devtools.simulator.core.field_checks import (
    byte_length,
    limit_bytes,
    limit_characters,
    optional_choice,
    optional_text,
    require_articles,
    require_object,
    require_text,
    require_url,
    truncate_bytes,
)
from bot.devtools.simulator.core.recipients import Recipients, check_agent_id, find_recipients
from bot.devtools.simulator.core.records import Card, Delivery, Json, Member, PhoneMessage

ENDPOINT = "message/send"
TEXT_BYTES = 2048
MAX_DUPLICATE_CHECK_SECONDS = 14400


@dataclass(frozen=True)
class _Message:
    """One accepted message for several members."""

    body: Json
    text: str
    msg_id: str
    task_id: str | None

    @property
    def msgtype(self) -> str:
        return str(self.body["msgtype"])


def send_app_message(cloud: Cloud, body: Json) -> Json:
    """Check, deliver and answer one message; the caller holds the cloud's lock."""
    check_agent_id(cloud.app, body)
    reader = TEXT_READERS.get(str(body.get("msgtype")))
    if reader is None:
        raise ApiError(40008, "invalid message type")
    optional_choice(body, "safe", (0, 1, 2))
    recipients = find_recipients(cloud.members, body)
    text = reader(cloud, require_object(body, str(body["msgtype"])))
    if _is_duplicate(cloud, body):
        return _answer_duplicate(cloud, recipients, body)
    return _deliver_all(cloud, body, text, recipients)


def _is_duplicate(cloud: Cloud, body: Json) -> bool:
    if not optional_choice(body, "enable_duplicate_check", (0, 1)):
        return False
    interval = body.get("duplicate_check_interval", 1800)
    if not isinstance(interval, int) or isinstance(interval, bool) or not 0 < interval <= MAX_DUPLICATE_CHECK_SECONDS:
        raise ApiError(40058, f"duplicate_check_interval is not within 1..{MAX_DUPLICATE_CHECK_SECONDS}")
    now = cloud.now()
    return now < cloud.duplicate_until.get(_fingerprint(body), now)


def _fingerprint(body: Json) -> str:
    return json.dumps(body, sort_keys=True)


def _answer_duplicate(cloud: Cloud, recipients: Recipients, body: Json) -> Json:
    cloud.record_violation(ENDPOINT, 0, "the same message again within its duplicate_check_interval: not delivered")
    for member in recipients.members:
        _record_delivery(cloud, member, body, "duplicate")
    return _answer(recipients, secrets.token_urlsafe(32))


def _deliver_all(cloud: Cloud, body: Json, text: str, recipients: Recipients) -> Json:
    card = body.get("template_card") if body["msgtype"] == "template_card" else None
    task_id = cloud.cards.reserve_task_id(card.get("task_id")) if card else None
    if body.get("enable_duplicate_check"):
        cloud.duplicate_until[_fingerprint(body)] = cloud.now() + body.get("duplicate_check_interval", 1800)
    message = _Message(body, text, secrets.token_urlsafe(32), task_id)
    for member in recipients.members:
        _deliver(cloud, member, message)
    if recipients.invalid_user:
        cloud.record_violation(ENDPOINT, 0, f"invaliduser {recipients.invalid_user}")
    answer = _answer(recipients, message.msg_id)
    if card and task_id:
        answer["response_code"] = cloud.cards.issue_code(task_id, cloud.now())
    return answer


def _deliver(cloud: Cloud, member: Member, message: _Message) -> None:
    if not _within_rates(cloud, member):
        cloud.record_violation(ENDPOINT, 0, f"over 30 a minute or 1000 an hour to {member.userid}: silently dropped")
        _record_delivery(cloud, member, message.body, "dropped")
        return
    if message.task_id and not member.shows_cards:
        _record_delivery(cloud, member, message.body, "unseen")
        return
    card = _add_card_copy(cloud, member, message)
    media_id = message.body[message.msgtype].get("media_id")
    shown = PhoneMessage(cloud.now(), message.msgtype, message.text, message.body, message.msg_id, card, media_id)
    cloud.phone(member.userid).received.append(shown)
    _record_delivery(cloud, member, message.body, "shown")


def _within_rates(cloud: Cloud, member: Member) -> bool:
    now = cloud.now()
    return cloud.member_minute_limit.allow(member.userid, now) and cloud.member_hour_limit.allow(member.userid, now)


def _add_card_copy(cloud: Cloud, member: Member, message: _Message) -> Card | None:
    if message.task_id is None:
        return None
    return cloud.cards.add_copy(message.task_id, member.userid, message.body["template_card"])


def _record_delivery(cloud: Cloud, member: Member, body: Json, state: str) -> None:
    cloud.deliveries.append(Delivery(cloud.now(), ENDPOINT, member.userid, str(body["msgtype"]), state, body))


def _answer(recipients: Recipients, msg_id: str) -> Json:
    invalid = {
        "invaliduser": recipients.invalid_user,
        "invalidparty": recipients.invalid_party,
        "invalidtag": recipients.invalid_tag,
    }
    return {key: value for key, value in invalid.items() if value} | {"msgid": msg_id}


def _read_text(cloud: Cloud, content: Json) -> str:
    text = require_text(content, "content", 44004)
    if byte_length(text) > TEXT_BYTES:
        cloud.record_violation(ENDPOINT, 0, f"text of {byte_length(text)} bytes truncated to {TEXT_BYTES}")
    return truncate_bytes(text, TEXT_BYTES)


def _read_markdown(_cloud: Cloud, content: Json) -> str:
    return limit_bytes(require_text(content, "content", 44004), TEXT_BYTES, "markdown.content", 40058)


def _read_textcard(_cloud: Cloud, content: Json) -> str:
    title = limit_bytes(require_text(content, "title"), 128, "title")
    description = limit_bytes(require_text(content, "description"), 512, "description")
    limit_characters(optional_text(content, "btntxt"), 4, "btntxt")
    return f"{title}\n{description}\n{require_url(content, 'url')}"


def _read_news(_cloud: Cloud, content: Json) -> str:
    return "\n".join(f"{article['title']}\n{article['url']}" for article in require_articles(content))


def _read_media(cloud: Cloud, content: Json) -> str:
    return cloud.media.find(require_text(content, "media_id", 41006), cloud.now()).filename


def _read_video(cloud: Cloud, content: Json) -> str:
    title = limit_bytes(optional_text(content, "title"), 128, "title")
    limit_bytes(optional_text(content, "description"), 512, "description")
    return title or _read_media(cloud, content)


def _read_card(cloud: Cloud, content: Json) -> str:
    for warning in check_card(content):
        cloud.record_violation(ENDPOINT, 0, warning)
    if content["card_type"] in INTERACTIVE_CARD_TYPES and not cloud.app.callback_url:
        raise ApiError(40058, "an app without a callback cannot send this card")
    title, subtitle = content.get("main_title", {}), optional_text(content, "sub_title_text")
    return "\n".join(filter(None, (title.get("title"), title.get("desc"), subtitle)))


TEXT_READERS: dict[str, Callable[[Cloud, Json], str]] = {
    "text": _read_text,
    "markdown": _read_markdown,
    "textcard": _read_textcard,
    "news": _read_news,
    "file": _read_media,
    "image": _read_media,
    "voice": _read_media,
    "video": _read_video,
    "template_card": _read_card,
}
