"""The Official Account (公众号): people who follow it in WeChat, in and out (protocol sheet 10)."""

from __future__ import annotations

from bot.channels.interface import Means, Opened
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.inbound import OfficialAccountDoor
from bot.channels.official_account.outbound import OfficialAccountChannel
from bot.channels.official_account.personal_channel import NAME
from bot.channels.official_account.templates import Templates
from bot.channels.wecom_api.crypto import Envelope


def opened(means: Means) -> Opened | None:
    """The account, when it is configured."""
    config = means.config
    if not config.is_on(NAME):
        return None
    app_id, secret = config.OFFICIAL_ACCOUNT_APP_ID, config.OFFICIAL_ACCOUNT_APP_SECRET.get_secret_value()
    url, token = config.OFFICIAL_ACCOUNT_API_URL, config.OFFICIAL_ACCOUNT_TOKEN.get_secret_value()
    client = OfficialAccountClient(url, app_id, secret, means.clock, means.transaction, means.guard)
    keys = (config.OFFICIAL_ACCOUNT_ENCODING_AES_KEY, config.OFFICIAL_ACCOUNT_PREVIOUS_AES_KEY)
    envelopes = [Envelope(token, key.get_secret_value(), {app_id}) for key in keys if key.get_secret_value()]
    template = config.OFFICIAL_ACCOUNT_TEMPLATE_ID
    templates = Templates(client, template, means.clock, config.TIMEZONE) if template else None
    channel = OfficialAccountChannel(client, templates)
    return Opened(channel, OfficialAccountDoor(token, envelopes, client), platform=url)


__all__ = ["OfficialAccountChannel", "OfficialAccountDoor", "opened"]
