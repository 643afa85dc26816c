"""Message content as the app and customer service both take it: an uploaded file or image, otherwise a text."""

from __future__ import annotations

from typing import Any, assert_never

from bot.channels.wecom_api.client import WeComClient
from storage.outbound import (
    CardPayload,
    CardUpdatePayload,
    FileLoader,
    FilePayload,
    LinkPayload,
    MessageForm,
    Payload,
    TextPayload,
    WelcomePayload,
)


def cut(text: str, max_bytes: int) -> str:
    """As much of a text as fits into so many bytes of UTF-8."""
    return text.encode()[:max_bytes].decode(errors="ignore")


def build_content(client: WeComClient, payload: Payload, load_file: FileLoader) -> dict[str, Any]:
    """`msgtype` and its object; uploads the file of a FilePayload. Raises ChannelError."""
    match payload:
        case FilePayload():
            kind = "image" if payload.form is MessageForm.IMAGE else "file"
            media_id = client.upload(kind, payload.name, load_file(payload.source))
            return {"msgtype": kind, kind: {"media_id": media_id}}
        case TextPayload() | CardPayload() | CardUpdatePayload() | WelcomePayload() | LinkPayload():
            return {"msgtype": "text", "text": {"content": payload.text}}
        case _:
            assert_never(payload)
