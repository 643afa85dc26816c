"""The platform calls the bot: encrypted, in time or again (protocol sheet, sections 1.1 to 1.3)."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode

import requests

from bot.devtools.simulator.core import crypto

if TYPE_CHECKING:
    from bot.devtools.simulator.cloud import Cloud

PostCallback = Callable[[str, bytes], int]
GetCallback = Callable[[str], tuple[int, bytes]]
XmlValue = str | int | Mapping[str, "XmlValue"]
NO_RESPONSE = 0


class CallbackSettings(Protocol):
    """Whose callback it is: what its console page shows."""

    @property
    def corp_id(self) -> str:
        """The corp whose id stands in every envelope."""

    @property
    def agent_id(self) -> int | None:
        """The app's number; customer service has none."""

    @property
    def token(self) -> str:
        """Goes into every signature."""

    @property
    def encoding_aes_key(self) -> str:
        """What everything is encrypted with."""

    @property
    def callback_url(self) -> str:
        """Where it is posted to."""


@dataclass
class XmlStyle:
    """How the XML looks; the platform promises none of this (1.3)."""

    cdata: bool = True
    extra_elements: bool = False
    odd_whitespace: bool = False


def direct_session() -> requests.Session:
    """A fresh connection to the bot without any proxy of the environment: it is on this machine."""
    session = requests.Session()
    session.trust_env = False
    return session


class CallbackSender:
    """Carries messages to the callback URL of an app, or to `deliver` where a test has put one."""

    def __init__(self, state: "Cloud", settings: "Callable[[], CallbackSettings]") -> None:
        self._cloud, self._app = state, settings
        self.transport: PostCallback | None = None
        self.retries = 3
        self.timeout_seconds = 5.0
        self.xml_style = XmlStyle()

    def to_xml(self, fields: Mapping[str, XmlValue]) -> str:
        """The plain XML of a message in the current style."""
        extra: dict[str, XmlValue] = {"FutureElement": {"Inner": "ignore me"}} if self.xml_style.extra_elements else {}
        return f"<xml>{self._elements({**fields, **extra})}</xml>"

    def envelope(self, xml: str) -> tuple[str, bytes]:
        """Query string and body of one POST: encrypted and signed anew each time (1.2)."""
        app = self._app()
        ciphertext = crypto.encrypt(app.encoding_aes_key, xml.encode(), app.corp_id)
        outer = {"ToUserName": app.corp_id, "Encrypt": ciphertext, "AgentID": str(app.agent_id or "")}
        return self._query(ciphertext), self.to_xml(outer).encode()

    def post(self, xml: str) -> list[int]:
        """Post until it is answered with 200, at most 1 + `retries` times; the statuses, 0 for no answer (1.2)."""
        statuses: list[int] = []
        while len(statuses) <= self.retries and 200 not in statuses:
            statuses.append(self._post_once(*self.envelope(xml)))
        if statuses[-1] != 200:
            self._cloud.record_violation("callback", 0, f"a callback was not taken: {statuses}")
        return statuses

    def verify_url(self, get: GetCallback | None = None) -> bool:
        """Save the URL in the console: it must echo the plain text, and nothing else, within a second (1.1)."""
        echo = str(secrets.randbits(63))
        app = self._app()
        echostr = crypto.encrypt(app.encoding_aes_key, echo.encode(), app.corp_id)
        query = self._query(echostr) + "&" + urlencode({"echostr": echostr})
        return (get or self._ask)(query) == (200, echo.encode())

    def _query(self, ciphertext: str) -> str:
        timestamp, nonce = str(int(self._cloud.now())), secrets.token_hex(8)
        signature = crypto.sign(self._app().token, timestamp, nonce, ciphertext)
        return urlencode({"msg_signature": signature, "timestamp": timestamp, "nonce": nonce})

    def _post_once(self, query: str, body: bytes) -> int:
        if self.transport is not None:
            return self.transport(query, body)
        url, headers = f"{self._app().callback_url}?{query}", {"Content-Type": "text/xml"}
        try:
            with direct_session() as session:
                answer = session.post(url, data=body, headers=headers, timeout=self.timeout_seconds)
        except requests.RequestException:
            return NO_RESPONSE
        if answer.status_code == 200:
            self._check_reply(answer.content)
        return answer.status_code

    def _ask(self, query: str) -> tuple[int, bytes]:
        try:
            with direct_session() as session:
                answer = session.get(f"{self._app().callback_url}?{query}", timeout=1)
        except requests.RequestException:
            return NO_RESPONSE, b""
        late = answer.elapsed.total_seconds() > 1
        return (NO_RESPONSE, b"") if late else (answer.status_code, answer.content)

    def _check_reply(self, body: bytes) -> None:
        """An answer of 200 is empty, or a passive reply that this double does not play (1.6)."""
        if body and b"<Encrypt>" not in body:
            self._cloud.record_violation("callback", 0, "the answer to a callback is neither empty nor a passive reply")

    def _elements(self, fields: Mapping[str, XmlValue]) -> str:
        gap = "\n \t" if self.xml_style.odd_whitespace else ""
        elements = (f"{gap}<{name}>{self._inner(value)}</{name}>" for name, value in fields.items())
        return "".join(elements) + gap

    def _inner(self, value: XmlValue) -> str:
        if isinstance(value, Mapping):
            return self._elements(value)
        if isinstance(value, int):
            return str(value)
        if self.xml_style.cdata:
            return f"<![CDATA[{value.replace(']]>', ']]]]><![CDATA[>')}]]>"
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
