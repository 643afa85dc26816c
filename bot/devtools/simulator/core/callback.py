"""Callbacks to the bot: encrypted, signed, and posted again until the bot answers in time."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from urllib.parse import urlencode

import requests

from bot.devtools.simulator.core import crypto
from bot.devtools.simulator.core.state import CloudState

PostCallback = Callable[[str, bytes], int]
GetCallback = Callable[[str], tuple[int, bytes]]
XmlValue = str | int | Mapping[str, "XmlValue"]
NO_RESPONSE = 0


class CallbackSettings(Protocol):
    """The callback settings of an app or a customer service account, as shown in the admin console."""

    @property
    def corp_id(self) -> str: ...

    @property
    def agent_id(self) -> int | None:
        """None for customer service."""

    @property
    def token(self) -> str: ...

    @property
    def encoding_aes_key(self) -> str: ...

    @property
    def callback_url(self) -> str: ...


@dataclass
class XmlStyle:
    """Variations of the XML: the platform promises neither CDATA nor order, and may add elements."""

    cdata: bool = True
    extra_elements: bool = False
    odd_whitespace: bool = False

    def write(self, fields: Mapping[str, XmlValue]) -> str:
        """An <xml> document with these elements."""
        extra: dict[str, XmlValue] = {"FutureElement": {"Inner": "ignore me"}} if self.extra_elements else {}
        return f"<xml>{self._elements({**fields, **extra})}</xml>"

    def _elements(self, fields: Mapping[str, XmlValue]) -> str:
        gap = "\n \t" if self.odd_whitespace else ""
        elements = (f"{gap}<{name}>{self._value(value)}</{name}>" for name, value in fields.items())
        return "".join(elements) + gap

    def _value(self, value: XmlValue) -> str:
        if isinstance(value, Mapping):
            return self._elements(value)
        if isinstance(value, int):
            return str(value)
        if self.cdata:
            return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class CallbackTransport(ABC):
    """Calls one callback URL over HTTP, or through `transport` where a test sets one."""

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self.transport: PostCallback | None = None
        self.retries = 3
        self.timeout_seconds = 5.0

    def _post_until_accepted(self, envelope: Callable[[], tuple[str, bytes]]) -> list[int]:
        """The statuses of up to 1 + `retries` posts, each with a new envelope; 0 stands for no response."""
        statuses: list[int] = []
        while len(statuses) <= self.retries and 200 not in statuses:
            statuses.append(self._post(*envelope()))
        return statuses

    def _post(self, query: str, body: bytes) -> int:
        if self.transport is not None:
            return self.transport(query, body)
        headers = {"Content-Type": "text/xml"}
        try:
            with direct_session() as session:
                response = session.post(
                    f"{self._url()}?{query}", data=body, headers=headers, timeout=self.timeout_seconds
                )
        except requests.RequestException:
            return NO_RESPONSE
        if response.status_code == 200:
            self._check_reply(response.content)
        return response.status_code

    def _get(self, query: str, timeout: float) -> tuple[int, bytes]:
        try:
            with direct_session() as session:
                response = session.get(f"{self._url()}?{query}", timeout=timeout)
        except requests.RequestException:
            return NO_RESPONSE, b""
        # requests limits each wait by itself, not their sum.
        late = response.elapsed.total_seconds() > timeout
        return (NO_RESPONSE, b"") if late else (response.status_code, response.content)

    @abstractmethod
    def _check_reply(self, body: bytes) -> None:
        """Record a violation if this body is not allowed in a 200 response."""


class CallbackSender(CallbackTransport):
    """Sends the callbacks of an app or of customer service."""

    def __init__(self, state: CloudState, settings: Callable[[], CallbackSettings]) -> None:
        super().__init__(lambda: settings().callback_url)
        self._state, self._settings = state, settings
        self.xml_style = XmlStyle()

    def to_xml(self, fields: Mapping[str, XmlValue]) -> str:
        """The plain XML of a message in the current style."""
        return self.xml_style.write(fields)

    def envelope(self, xml: str) -> tuple[str, bytes]:
        """Query string and body of one POST, with a new nonce, ciphertext and signature each time."""
        settings = self._settings()
        ciphertext = crypto.encrypt(settings.encoding_aes_key, xml.encode(), settings.corp_id)
        outer = {"ToUserName": settings.corp_id, "Encrypt": ciphertext, "AgentID": str(settings.agent_id or "")}
        return self._query(ciphertext), self.to_xml(outer).encode()

    def post(self, xml: str) -> list[int]:
        """Post until the bot answers 200 within 5 seconds, with up to 3 retries; the statuses, 0 for no response."""
        statuses = self._post_until_accepted(lambda: self.envelope(xml))
        if statuses[-1] != 200:
            self._state.record_violation("callback", 0, f"a callback was not accepted: {statuses}")
        return statuses

    def verify_url(self, get: GetCallback | None = None) -> bool:
        """Check the URL as the admin console does: the response must be the decrypted echo alone, within a second."""
        echo = str(secrets.randbits(63))
        settings = self._settings()
        echostr = crypto.encrypt(settings.encoding_aes_key, echo.encode(), settings.corp_id)
        query = self._query(echostr) + "&" + urlencode({"echostr": echostr})
        return (get or partial(self._get, timeout=1))(query) == (200, echo.encode())

    def _query(self, ciphertext: str) -> str:
        timestamp, nonce = str(int(self._state.now())), secrets.token_hex(8)
        signature = crypto.sign(self._settings().token, timestamp, nonce, ciphertext)
        return urlencode({"msg_signature": signature, "timestamp": timestamp, "nonce": nonce})

    def _check_reply(self, body: bytes) -> None:
        # A passive reply (an <Encrypt> envelope) is allowed, but the simulator does not display it.
        if body and b"<Encrypt>" not in body:
            self._state.record_violation("callback", 0, "the response to a callback is neither empty nor encrypted")


def direct_session() -> requests.Session:
    """A session that ignores proxy settings of the environment: the bot runs on this machine."""
    session = requests.Session()
    session.trust_env = False
    return session
