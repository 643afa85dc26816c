"""The smart bot as a way out: answers, pushes, cards and files over its one connection (protocol sheet 7.5)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.channels.errors import ChannelError, Permanent
from bot.channels.interface import ChannelLimits, FileLoader, OutboundMessage, SendResult
from bot.channels.wecom_aibot import frames
from bot.channels.wecom_aibot.media_upload import upload_media
from bot.channels.wecom_aibot.rpc import AibotRpc
from bot.channels.wecom_aibot.websocket import Json
from bot.channels.wecom_api import cards
from bot.channels.wecom_api.client import StoreFactory
from storage.personal_channels import PersonalChannel

_TITLE_CHARS = 26
# The platform knows the message no longer, or not yet: then it is said without being an answer (7.5).
_NO_ANSWER = (846605, 846608)
# What a card was sent with, where there is no click to change it by: what became of it is said in words.
_IN_WORDS = "[]"
_MARKS = str.maketrans({"[": "［", "]": "］", "<": "＜", ">": "＞", "`": "｀", "*": "＊", "\\": "＼"})


class WeComAibotChannel:
    """Markdown, cards and files into single chats and groups: at most 30 a minute and 1000 an hour in each."""

    # Only where somebody has spoken to the bot before may it speak (7.5).
    personal_channel = PersonalChannel(frames.WECOM_AIBOT, frames.REALM, requires_prior_contact=True)
    limits = ChannelLimits(
        max_messages=28,
        period=timedelta(minutes=1),
        max_text_bytes=4096,
        max_file_bytes=20 * 1024 * 1024,
        max_per_hour=950,
    )
    # Nothing here tells a repeat from a first time.
    dedupes_repeats, counts_for_outage = False, True

    def __init__(self, rpc: AibotRpc, read: StoreFactory) -> None:
        self.rpc, self._reading = rpc, read

    def send(self, address: str, body: OutboundMessage, load_file: FileLoader | None) -> SendResult:
        """See Channel. `address` is a group's chat id or a member's account."""
        if body["form"] == "card_update":
            return self._update(address, body)
        content = self._content(body, load_file)
        self._say(address, content, self._answered(body))
        return SendResult(response_code=_IN_WORDS if content["msgtype"] == "template_card" else None)

    def _content(self, body: OutboundMessage, attachment: FileLoader | None) -> Json:
        if "choices" in body:
            return {"msgtype": "template_card", "template_card": _card(body)}
        if body["form"] in ("file", "picture") and attachment is not None:
            kind, media_id = upload_media(self.rpc, body["name"], attachment(), image=body["form"] == "picture")
            return {"msgtype": kind, kind: {"media_id": media_id}}
        if body["form"] == "news":
            return _markdown(f"[{escape_markdown(body['title'])}]({body['url']})\n{escape_markdown(body['text'])}")
        return _markdown(escape_markdown(body["text"]))

    def _answered(self, body: OutboundMessage) -> tuple[str, str] | None:
        """How the message is answered that this answers, if it answers one."""
        inbox_id = body.get("answers")
        if inbox_id is None:
            return None
        with self._reading() as store:
            kept = store.inbox.get(inbox_id)
        return frames.reply_target(kept.raw) if kept is not None and kept.channel == frames.WECOM_AIBOT else None

    def _say(self, address: str, content: Json, answered: tuple[str, str] | None) -> None:
        if answered is not None:
            command, req_id = answered
            try:
                self.rpc.call(command, content, req_id)
                return
            except ChannelError as error:
                if error.code not in _NO_ANSWER:
                    raise
        self.rpc.call("aibot_send_msg", {"chatid": address, "chat_type": 0, **content})

    def _update(self, address: str, body: OutboundMessage) -> SendResult:
        """The card shows what became of it, within seconds of the click; later only words can say so."""
        click = json.loads(body["response_code"])
        if click:
            req_id, task_id, key = click
            told: Json = {"response_type": "update_template_card", "template_card": _settled(task_id, key, body)}
            try:
                self.rpc.call("aibot_respond_update_msg", told, req_id)
                return SendResult()
            except Permanent:
                pass
        self._say(address, _markdown(escape_markdown(body["text"])), None)
        return SendResult()


def _markdown(text: str) -> Json:
    return {"msgtype": "markdown", "markdown": {"content": text}}


def escape_markdown(text: str) -> str:
    """A text that markdown shows as it is: what people wrote must become neither links nor mentions."""
    return "\n".join(f"＃{line[1:]}" if line.startswith("#") else line for line in text.translate(_MARKS).split("\n"))


def _card(body: OutboundMessage) -> dict[str, Any]:
    return _with_short_title(cards.build_card(body))


def _settled(task_id: str, key: str, body: OutboundMessage) -> dict[str, Any]:
    """The same card with one button left that says what became of it; pressed again it is answered in words."""
    shown = {"form": "buttons", "task_id": task_id, "title": body["text"], "text": body["text"]}
    card = cards.build_card({**shown, "choices": [[key or "done", body["text"]]]})
    return {**_with_short_title(card), "replace_text": body["text"]}


def _with_short_title(card: dict[str, Any]) -> dict[str, Any]:
    title = card["main_title"]["title"]
    short = title if len(title) <= _TITLE_CHARS else f"{title[: _TITLE_CHARS - 1]}…"
    return {**card, "main_title": {"title": short}}
