"""Whom the account may speak to, and when (protocol sheet 10)."""

from __future__ import annotations

from datetime import timedelta

from storage.personal_channels import PersonalChannel, ReplyWindow

OFFICIAL_ACCOUNT = "official_account"
# After words of somebody's own, and after a follow, a scan or a press of the menu.
_WORDS, _TOUCH = ReplyWindow(timedelta(hours=48), 5), ReplyWindow(timedelta(minutes=1), 3)
PERSONAL_CHANNEL = PersonalChannel(
    OFFICIAL_ACCOUNT, OFFICIAL_ACCOUNT, _WORDS, dict.fromkeys(("subscribe", "SCAN", "CLICK"), _TOUCH)
)
