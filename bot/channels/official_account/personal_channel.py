"""Whom the account may message, and when."""

from __future__ import annotations

from datetime import timedelta

from storage.personal_channels import PersonalChannel, ReplyWindow

OFFICIAL_ACCOUNT = "official_account"
# After a message, and after a follow, a scan or a menu click.
_AFTER_MESSAGE, _AFTER_EVENT = ReplyWindow(timedelta(hours=48), 5), ReplyWindow(timedelta(minutes=1), 3)
PERSONAL_CHANNEL = PersonalChannel(
    OFFICIAL_ACCOUNT, OFFICIAL_ACCOUNT, _AFTER_MESSAGE, dict.fromkeys(("subscribe", "SCAN", "CLICK"), _AFTER_EVENT)
)
