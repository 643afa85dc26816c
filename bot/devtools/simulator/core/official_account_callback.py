"""The account calls the bot: plain, compatible or safe, within five seconds or again (protocol sheet, section 10)."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import requests

from bot.devtools.simulator.core import crypto
from bot.devtools.simulator.core.callback import NO_RESPONSE, GetCallback, PostCallback, direct_session
from bot.devtools.simulator.core.official_account_records import COMPATIBLE, PLAIN

if TYPE_CHECKING:
    from bot.devtools.simulator.core.official_account import OfficialAccount

RETRIES, TIMEOUT_SECONDS = 3, 5.0


class AccountCallbackSender:
    """Carries messages to the account's callback URL, or to `deliver` where a test has put one."""

    def __init__(self, state: "OfficialAccount") -> None:
        self._desk = state
        self.transport: PostCallback | None = None
        self.retries = RETRIES

    def envelope(self, fields: Mapping[str, str | int]) -> tuple[str, bytes]:
        """Query string and body of one POST in the account's present mode."""
        account, plain = self._desk.profile, to_xml(fields)
        query = self._signed()
        if account.mode == PLAIN:
            return urlencode(query), plain.encode()
        ciphertext = crypto.encrypt(account.encoding_aes_key, plain.encode(), account.app_id)
        signature = crypto.sign(account.token, query["timestamp"], query["nonce"], ciphertext)
        query |= {"openid": str(fields["FromUserName"]), "encrypt_type": "aes", "msg_signature": signature}
        shown = dict(fields) if account.mode == COMPATIBLE else {"ToUserName": account.original_id}
        return urlencode(query), to_xml({**shown, "Encrypt": ciphertext}).encode()

    def post(self, fields: Mapping[str, str | int]) -> list[int]:
        """Post until it is answered, at most 1 + `retries` times; the statuses, 0 for no answer."""
        statuses: list[int] = []
        while len(statuses) <= self.retries and 200 not in statuses:
            statuses.append(self._post_once(*self.envelope(fields)))
        if statuses[-1] != 200:
            self._desk.record_violation("callback", 0, f"the person reads that the service is out of order: {statuses}")
        return statuses

    def verify_url(self, get: GetCallback | None = None) -> bool:
        """Save the URL in the console: it must echo `echostr` as it came."""
        echo = str(secrets.randbits(63))
        query = urlencode({**self._signed(), "echostr": echo})
        return (get or self._ask)(query) == (200, echo.encode())

    def _signed(self) -> dict[str, str]:
        """The check that stands on every call, in every mode."""
        timestamp, nonce = str(int(self._desk.now())), secrets.token_hex(5)
        pieces = sorted([self._desk.profile.token, timestamp, nonce])
        signature = hashlib.sha1("".join(pieces).encode()).hexdigest()
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce}

    def _post_once(self, query: str, body: bytes) -> int:
        if self.transport is not None:
            return self.transport(query, body)
        url = f"{self._desk.profile.callback_url}?{query}"
        try:
            with direct_session() as session:
                answer = session.post(url, data=body, headers={"Content-Type": "text/xml"}, timeout=TIMEOUT_SECONDS)
        except requests.RequestException:
            return NO_RESPONSE
        if answer.status_code == 200 and answer.content not in (b"", b"success"):
            self._desk.record_violation("callback", 0, "the answer to a callback is neither empty nor `success`")
        return answer.status_code

    def _ask(self, query: str) -> tuple[int, bytes]:
        try:
            with direct_session() as session:
                answer = session.get(f"{self._desk.profile.callback_url}?{query}", timeout=TIMEOUT_SECONDS)
        except requests.RequestException:
            return NO_RESPONSE, b""
        return answer.status_code, answer.content


def to_xml(fields: Mapping[str, str | int]) -> str:
    """A message as XML."""
    inner = (
        f"<{name}>{value}</{name}>"
        if isinstance(value, int)
        else f"<{name}><![CDATA[{value}]]></{name}>"
        if "]]>" not in value
        else f"<{name}>{escape(value)}</{name}>"
        for name, value in fields.items()
    )
    return f"<xml>{''.join(inner)}</xml>"
