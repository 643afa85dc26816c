"""Sending through the smart bot: replies, pushes, cards and files over its one connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, assert_never

from bot.channels.errors import ChannelError, Permanent
from bot.channels.interface import ChannelLimits, SendResult
from bot.channels.wecom_aibot import frames
from bot.channels.wecom_aibot.media_upload import upload_media
from bot.channels.wecom_aibot.rpc import AibotRpc
from bot.channels.wecom_api.cards import build_card
from bot.channels.wecom_api.client import StoreFactory
from storage.outbound import (
    CardPayload,
    CardUpdatePayload,
    Choice,
    FileLoader,
    FilePayload,
    LinkPayload,
    MessageForm,
    OutboundMessage,
    Payload,
    TextPayload,
    WelcomePayload,
)
from storage.personal_channels import PersonalChannel

Json = dict[str, Any]

_MAX_TITLE_CHARS = 26
# The platform does not know the message that is replied to, any more or yet: then it is sent without being a reply.
_NO_SUCH_MESSAGE = (846605, 846608)
# What would end a link in markdown; the addresses of content items come from the register.
_URL_ESCAPES = str.maketrans({each: f"%{ord(each):02X}" for each in "()<>[] \\\"'"})


class WeComAibotChannel:
    """Markdown, cards and files into single chats and groups; 30 a minute and 1000 an hour are allowed in each."""

    # The bot may message only those who have messaged it before.
    personal_channel = PersonalChannel(frames.WECOM_AIBOT, frames.REALM, requires_prior_contact=True)
    limits = ChannelLimits(
        max_messages=29,
        kept_for_emergencies=3,
        period=timedelta(minutes=1),
        max_text_bytes=4096,
        max_file_bytes=20 * 1024 * 1024,
        max_per_hour=950,
        markdown=True,
    )
    dedupes_repeats, counts_for_outage = False, True

    def __init__(self, rpc: AibotRpc, read: StoreFactory) -> None:
        self.rpc, self._read = rpc, read

    def send(self, address: str, message: OutboundMessage, load_file: FileLoader) -> SendResult:
        """See Channel. `address` is a group's chat id or a member's account."""
        payload = message.payload
        if isinstance(payload, CardUpdatePayload):
            return self._update(address, payload)
        self._send(address, self._content(payload, load_file), self._reply_target(message))
        return SendResult(response_code=frames.NO_CLICK if isinstance(payload, CardPayload) else None)

    def _content(self, payload: Payload, load_file: FileLoader) -> Json:
        match payload:
            case CardPayload():
                return {"msgtype": "template_card", "template_card": build_card(payload, _MAX_TITLE_CHARS)}
            case FilePayload():
                is_image = payload.form is MessageForm.IMAGE
                kind, media_id = upload_media(self.rpc, payload.name, load_file(payload.source), image=is_image)
                return {"msgtype": kind, kind: {"media_id": media_id}}
            case LinkPayload():
                return _markdown(f"[{payload.title}]({payload.url.translate(_URL_ESCAPES)})\n{payload.text}")
            case TextPayload() | CardUpdatePayload() | WelcomePayload():
                return _markdown(payload.text)
            case _:
                assert_never(payload)

    def _reply_target(self, message: OutboundMessage) -> tuple[str, str] | None:
        """The command and request id with which a message is sent as a reply, if it is one."""
        if message.reply_to_inbox_id is None:
            return None
        with self._read() as store:
            row = store.inbox.get(message.reply_to_inbox_id)
        return frames.reply_target(row.raw) if row is not None and row.channel == frames.WECOM_AIBOT else None

    def _send(self, address: str, content: Json, reply_target: tuple[str, str] | None) -> None:
        if reply_target is not None:
            command, req_id = reply_target
            try:
                self.rpc.call(command, content, req_id)
                return
            except ChannelError as error:
                if error.code not in _NO_SUCH_MESSAGE:
                    raise
        self.rpc.call("aibot_send_msg", {"chatid": address, "chat_type": 0, **content})

    def _update(self, address: str, update: CardUpdatePayload) -> SendResult:
        """A card can be changed within seconds after the click; later its text is sent as a message."""
        click = frames.CardClick.decode(update.response_code)
        if click is not None:
            call: Json = {"response_type": "update_template_card", "template_card": _settled_card(click, update.text)}
            try:
                self.rpc.call("aibot_respond_update_msg", call, click.req_id)
                return SendResult()
            except Permanent:
                pass
        self._send(address, _markdown(update.text), None)
        return SendResult()


def _markdown(text: str) -> Json:
    return {"msgtype": "markdown", "markdown": {"content": text}}


def _settled_card(click: frames.CardClick, text: str) -> Json:
    """The same card with one button, which shows the text."""
    choices = (Choice(click.key or "done", text),)
    card = CardPayload(task_id=click.task_id, title=text, text=text, choices=choices)
    return {**build_card(card, _MAX_TITLE_CHARS), "replace_text": text}
