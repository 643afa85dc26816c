"""Sign-in through WeCom: where to redirect the browser, and which account comes back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.channels.wecom_api.client import WeComClient

_CODE = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True)
class WeComLogin:
    """The app's two sign-in pages; both redirect the browser to `return_url` with a code and our `state`."""

    client: WeComClient
    corp_id: str
    agent_id: int
    oauth_url: str
    qr_url: str
    return_url: str

    def oauth_redirect(self, state: str) -> str:
        """Inside WeChat or WeCom: signs in without any input."""
        query = {
            "appid": self.corp_id,
            "redirect_uri": self.return_url,
            "response_type": "code",
            "scope": "snsapi_base",
            "state": state,
            "agentid": str(self.agent_id),
        }
        return f"{self.oauth_url}?{urlencode(query)}#wechat_redirect"

    def qr_redirect(self, state: str) -> str:
        """On a desktop: shows a QR code to scan with the phone."""
        query = {
            "login_type": "CorpApp",
            "appid": self.corp_id,
            "agentid": str(self.agent_id),
            "redirect_uri": self.return_url,
            "state": state,
            "lang": "zh",
        }
        return f"{self.qr_url}?{urlencode(query)}"

    def resolve_account(self, code: str) -> str | None:
        """The member's account of a code, None for a person who is not a member. Raises ChannelError."""
        if not _CODE.fullmatch(code):
            return None
        answer = self.client.get("auth/getuserinfo", code=code)
        # Older platforms spell it UserId.
        account = answer.get("userid") or answer.get("UserId")
        return str(account) if account else None
