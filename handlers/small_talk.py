"""Greetings, thanks and confirmations: answered in a few words, never with the manual."""

from __future__ import annotations

import re

from handlers import status
from handlers.message import Message
from handlers.part_names import normalize_text
from handlers.replies import add_rate_limited_reply, sender_and_enterprises
from schedules.context import Context

_IGNORED = re.compile(r"[\W_]+|[啊呀哈呢吧哦噢喔啦嘞了的]")
_GREETING = r"你好|您好|在吗|在不在|早上好?|上午好|下午好|晚上好|晚安|早|hi|hello"
_THANKS = r"谢谢?你?您?|多谢|感谢|辛苦|麻烦你?您?"
_CONFIRMATION = r"收到|好|行|可以|嗯+|是|对|ok|okay|明白|知道|清楚|没问题|没事"
_LATER = r"(?:我?们?这就|马上|立刻|立即|现在就?|一会儿?|等会儿?|稍后|等下|待会儿?|正在)"
_SOON = rf"{_LATER}(?:就?去?重?新?再?补?(?:拍|发|报|传|巡检|巡|弄|来))?"
_EVERYWHERE = r"(?:今晚|今夜|现场|各部位|全厂|厂里|罐区|一切|都|全部|巡检完毕)*"
_ALL_WELL = rf"{_EVERYWHERE}(?:一切)?(?:正常|平安|无异常|没有?异常|没有?问题|安全)"

_PATTERNS = {
    "small_talk.all_well": re.compile(_ALL_WELL),
    "small_talk.greeting": re.compile(f"(?:{_GREETING})+"),
    "small_talk.soon": re.compile(f"(?:{_CONFIRMATION}|{_THANKS}|{_GREETING})*{_SOON}(?:{_CONFIRMATION}|{_THANKS})*"),
    "small_talk.thanks": re.compile(f"(?:{_CONFIRMATION}|{_GREETING})*(?:{_THANKS})+(?:{_CONFIRMATION})*"),
    "small_talk.confirmation": re.compile(f"(?:{_CONFIRMATION})+"),
}


def recognize_small_talk(text: str) -> str | None:
    """The key of the text that answers it; None if it says anything else."""
    words = _IGNORED.sub("", normalize_text(text))
    return next((text_key for text_key, pattern in _PATTERNS.items() if words and pattern.fullmatch(words)), None)


def handle(message: Message, ctx: Context) -> bool:
    """Whether the text was small talk; if so it is answered."""
    text_key = recognize_small_talk(message.text)
    if text_key is None:
        return False
    _, enterprises = sender_and_enterprises(message, ctx)
    if text_key == "small_talk.all_well" and enterprises:
        # Words replace no film: say what is still missing.
        status.handle_status_query(message, ctx)
    else:
        add_rate_limited_reply(message, ctx, text_key)
    return True
