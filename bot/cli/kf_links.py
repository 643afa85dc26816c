"""Where a person with nothing but WeChat opens the chat; the link brings his binding code along."""

from __future__ import annotations

from urllib.parse import urlencode

from bot.channels import WeComClient, WeComKfChannel
from bot.config import Config
from bot.unit_of_work import UnitOfWork

# Under which the platform counts those who came by an invitation.
_SCENE = "invite"


def kf_invitation_link(config: Config, uow: UnitOfWork, code: str) -> str | None:
    """The link for one code, None when customer service is off. Raises ChannelError."""
    if not config.is_configured("wecom_kf"):
        return None
    secret = config.WECOM_KF_SECRET.get_secret_value()
    client = WeComClient(config.WECOM_API_URL, config.WECOM_CORP_ID, secret, uow.clock, uow.transaction, "kf")
    url = WeComKfChannel(client, config.WECOM_KF_OPEN_KFID).contact_url(_SCENE)
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'scene_param': code})}" if url else None
