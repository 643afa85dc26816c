"""What a message said that did not arrive."""

from __future__ import annotations

from datetime import timedelta

from bot.channels.interface import ChannelLimits
from bot.delivery.rendering import Renderer
from bot.delivery.send_checks import SEND_CHECKS
from bot.texts import say
from bot.web.dashboard.notice_view_models import notice_text
from schedules.context import Context
from storage.db.models import Notice

# What a page has room for: everything but a list of very many enterprises.
_PAGE = ChannelLimits(max_messages=1, period=timedelta(0), max_text_bytes=2000, max_file_bytes=0)


def undelivered_text(notice: Notice, ctx: Context, *, rehearsal: bool) -> str:
    """The message as it was sent last; what was never rendered, as it would be sent now."""
    if text := notice_text(notice):
        return text
    check = SEND_CHECKS.get(notice.check_name or "")
    params = check(notice, ctx) if check else notice.params
    if params is None:
        return say("undelivered.no_longer_true")
    try:
        return Renderer(rehearsal).render(notice, params, _PAGE).payload.text
    except KeyError:  # a notice of another version of this program, whose text needs more
        return say("undelivered.no_text")
