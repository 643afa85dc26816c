"""Callbacks of the Official Account to the bot, in plain, compatible or safe mode."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlencode

from bot.devtools.simulator.core import crypto
from bot.devtools.simulator.core.callback import CallbackTransport, GetCallback, XmlStyle
from bot.devtools.simulator.core.official_account_records import COMPATIBLE, PLAIN, AccountProfile
from bot.devtools.simulator.core.state import CloudState

ENDPOINT = "official_account/callback"


class AccountCallbackSender(CallbackTransport):
    """Sends the account's callbacks."""

    def __init__(self, state: CloudState, profile: Callable[[], AccountProfile]) -> None:
        super().__init__(lambda: profile().callback_url)
        self._state, self._profile = state, profile
        self._write = XmlStyle().write

    def envelope(self, fields: Mapping[str, str | int]) -> tuple[str, bytes]:
        """Query string and body of one POST in the account's current mode."""
        profile, plain = self._profile(), self._write(fields)
        query = self._signed_query()
        if profile.mode == PLAIN:
            return urlencode(query), plain.encode()
        ciphertext = crypto.encrypt(profile.encoding_aes_key, plain.encode(), profile.app_id)
        signature = crypto.sign(profile.token, query["timestamp"], query["nonce"], ciphertext)
        query |= {"openid": str(fields["FromUserName"]), "encrypt_type": "aes", "msg_signature": signature}
        readable = dict(fields) if profile.mode == COMPATIBLE else {"ToUserName": profile.original_id}
        return urlencode(query), self._write({**readable, "Encrypt": ciphertext}).encode()

    def post(self, fields: Mapping[str, str | int]) -> list[int]:
        """Post until the bot answers 200 within 5 seconds, with up to 3 retries; the statuses, 0 for no response."""
        statuses = self._post_until_accepted(lambda: self.envelope(fields))
        if statuses[-1] != 200:
            self._state.record_violation(ENDPOINT, 0, f"the person sees that the service is out of order: {statuses}")
        return statuses

    def verify_url(self, get: GetCallback | None = None) -> bool:
        """Check the URL as the admin console does: the response must be `echostr` unchanged, in every mode."""
        echo = str(secrets.randbits(63))
        query = urlencode({**self._signed_query(), "echostr": echo})
        return (get or partial(self._get, timeout=self.timeout_seconds))(query) == (200, echo.encode())

    def _signed_query(self) -> dict[str, str]:
        """The signature over token, timestamp and nonce, which every call carries in every mode."""
        timestamp, nonce = str(int(self._state.now())), secrets.token_hex(5)
        parts = sorted([self._profile().token, timestamp, nonce])
        signature = hashlib.sha1("".join(parts).encode()).hexdigest()
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce}

    def _check_reply(self, body: bytes) -> None:
        if body not in (b"", b"success"):
            self._state.record_violation(ENDPOINT, 0, "the response to a callback is neither empty nor `success`")
