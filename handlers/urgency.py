"""The priority of a message, decided from the message alone before it is stored."""

from __future__ import annotations

from handlers.emergency.recognition import Certainty, recognize_emergency
from storage.priority import Priority

# To be fetched from the platform; what consists of words only is answered before them.
_MEDIA_KINDS = ("film", "photo", "file", "voice")


def message_priority(kind: str, text: str = "", *, media_expire: bool = False) -> Priority:
    """The priority of a message of this kind (see Message); `media_expire`: within minutes rather than days."""
    if recognize_emergency(text) is not Certainty.NONE:
        return Priority.EMERGENCY
    return Priority.ORDINARY if kind in _MEDIA_KINDS and not media_expire else Priority.PROMPT
