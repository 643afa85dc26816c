"""The Official Account (公众号): people who follow it in WeChat, in and out."""

from __future__ import annotations

from bot.channels.interface import ChannelContext, ChannelParts
from bot.channels.official_account.client import OfficialAccountClient
from bot.channels.official_account.inbound import OfficialAccountReceiver
from bot.channels.official_account.outbound import OfficialAccountChannel
from bot.channels.official_account.personal_channel import OFFICIAL_ACCOUNT
from bot.channels.official_account.templates import TemplateSender
from bot.channels.wecom_api.crypto import CallbackCrypto


def build(context: ChannelContext) -> ChannelParts | None:
    """None unless its settings are complete."""
    config = context.config
    if not config.is_configured(OFFICIAL_ACCOUNT):
        return None
    app_id, secret = config.OFFICIAL_ACCOUNT_APP_ID, config.OFFICIAL_ACCOUNT_APP_SECRET.get_secret_value()
    url, token = config.OFFICIAL_ACCOUNT_API_URL, config.OFFICIAL_ACCOUNT_TOKEN.get_secret_value()
    client = OfficialAccountClient(url, app_id, secret, context.clock, context.transaction, context.ssrf_guard)
    keys = (config.OFFICIAL_ACCOUNT_ENCODING_AES_KEY, config.OFFICIAL_ACCOUNT_PREVIOUS_AES_KEY)
    cryptos = [CallbackCrypto(token, key.get_secret_value(), {app_id}) for key in keys if key.get_secret_value()]
    template = config.OFFICIAL_ACCOUNT_TEMPLATE_ID
    template_sender = TemplateSender(client, template, context.clock, config.TIMEZONE) if template else None
    channel = OfficialAccountChannel(client, template_sender)
    receiver = OfficialAccountReceiver(token, cryptos, client, context.clock, context.transaction)
    return ChannelParts(channel, receiver, api_url=url)
