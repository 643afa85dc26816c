"""Signing in through WeCom: where to send the browser, and who it is that comes back (protocol sheet 11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.channels.wecom_api.client import WeComClient

_CODE = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True)
class WeComLogin:
    """The app's two sign-in pages; both send the browser back to `back` with a code and our `state`."""

    client: WeComClient
    corp_id: str
    agent_id: int
    oauth_url: str
    qr_url: str
    return_url: str

    def oauth_redirect(self, state: str) -> str:
        """Inside WeChat or WeCom: nobody has to press anything."""
        asked = {
            "appid": self.corp_id, "redirect_uri": self.return_url, "response_type": "code", "scope": "snsapi_base",
            "state": state, "agentid": str(self.agent_id),
        }  # fmt: skip
        return f"{self.oauth_url}?{urlencode(asked)}#wechat_redirect"

    def qr_redirect(self, state: str) -> str:
        """On a desktop: a code to be scanned with the phone."""
        asked = {
            "login_type": "CorpApp", "appid": self.corp_id, "agentid": str(self.agent_id),
            "redirect_uri": self.return_url, "state": state, "lang": "zh",
        }  # fmt: skip
        return f"{self.qr_url}?{urlencode(asked)}"

    def resolve_account(self, code: str) -> str | None:
        """The account of the member a code stands for, None for somebody who is none. Raises ChannelError."""
        if not _CODE.fullmatch(code):
            return None
        answer = self.client.get("auth/getuserinfo", code=code)
        # The older spelling is still in the field.
        account = answer.get("userid") or answer.get("UserId")
        return str(account) if account else None
