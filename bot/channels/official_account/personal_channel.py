"""Whom the account may speak to, and when (protocol sheet 10)."""

from __future__ import annotations

from datetime import timedelta

from storage.personal_channels import Line, Window

NAME = "official_account"
# After words of somebody's own, and after a follow, a scan or a press of the menu.
_WORDS, _TOUCH = Window(timedelta(hours=48), 5), Window(timedelta(minutes=1), 3)
LINE = Line(NAME, NAME, _WORDS, dict.fromkeys(("subscribe", "SCAN", "CLICK"), _TOUCH))
