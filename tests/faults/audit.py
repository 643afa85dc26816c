"""The audit: compares what the simulated cloud saw with what the service reports.

It does not depend on how the service works. A message that was answered with 200 must be filed or visibly waiting,
once. A notice in state sent must have been delivered, once. A notice whose outcome cannot be known must be in state
unknown. `night --json`, the rows and the metrics must agree.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from bot.devtools.simulator import Cloud
from bot.devtools.simulator.core.phone import SentMessage
from storage.db.models import InboxRow, Notice, Submission
from storage.inbox import UNFINISHED
from storage.outbound import CardPayload, CardUpdatePayload, FilePayload, LinkPayload, MessageForm, OutboundMessage

COUNTED = ("on_time", "late", "partial", "missing", "exempt", "unjudged")
# States of a notice after which it may have been heard, but need not.
OPEN = ("sending", "unknown")
ARRIVED = ("shown", "unseen")


@dataclass
class Said:
    """One thing a person sent: under which key it must be kept, and which film it announced."""

    sender: str
    key: str
    sent: SentMessage
    sha256: str | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether the platform was told that it is kept."""
        return 200 in self.sent.statuses


def said(sent: SentMessage, sha256: str | None = None) -> Said:
    """A message of a phone with its key in the protocol: sender, time, message id."""
    sender, at = (_element(sent.xml, name) for name in ("FromUserName", "CreateTime"))
    return Said(sender, f"{sender}/{at}/{sent.msg_id}", sent, sha256)


def _element(xml: str, name: str) -> str:
    found = re.search(rf"<{name}>(?:<!\[CDATA\[)?([^<\]]*)", xml)
    assert found is not None
    return found[1]


@dataclass
class Evidence:
    """The state that the service reports."""

    inbox: Sequence[InboxRow]
    submissions: Sequence[Submission]
    notices: Sequence[Notice]
    nights: Mapping[date, dict[str, Any]]
    verified: Mapping[str, Any]
    metrics: str
    now: datetime


@dataclass
class Findings:
    """The result of the audit; `problems` must be empty."""

    messages: int = 0
    acknowledged: int = 0
    films: int = 0
    filed: int = 0
    waiting: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    sums: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        """Everything that breaks a guarantee, in words."""
        return [f"{kind}: {each}" for kind in ("lost", "doubled", "sums") for each in getattr(self, kind)]


def audit(sent: Sequence[Said], cloud: Cloud, evidence: Evidence) -> Findings:
    """Compare everything that was sent and delivered with what the service reports."""
    found = Findings(messages=len(sent), states=Counter(each.state for each in evidence.notices))
    kept = _messages(sent, evidence, found)
    _films(sent, kept, evidence, found)
    _heard(cloud, evidence, found)
    _nights(evidence, found)
    _metrics(evidence, found)
    return found


def _messages(sent: Sequence[Said], evidence: Evidence, found: Findings) -> dict[str, InboxRow]:
    """Every acknowledged message has its one row, which is done or waits."""
    rows = {row.message_key: row for row in evidence.inbox}
    found.doubled += [
        f"message {key}" for key, times in Counter(row.message_key for row in evidence.inbox).items() if times > 1
    ]
    acknowledged = [each for each in sent if each.acknowledged]
    found.acknowledged = len(acknowledged)
    found.lost += [f"message {each.key}" for each in acknowledged if each.key not in rows]
    found.lost += [
        f"message {row.message_key} is {row.state}" for row in evidence.inbox if row.state not in ("done", *UNFINISHED)
    ]
    found.waiting = sum(row.state in UNFINISHED for row in evidence.inbox)
    return rows


def _films(sent: Sequence[Said], kept: Mapping[str, InboxRow], evidence: Evidence, found: Findings) -> None:
    """Every acknowledged film is filed once with its own bytes, or its message waits."""
    by_key: dict[str, list[Submission]] = {}
    for row in evidence.submissions:
        by_key.setdefault(row.message_key, []).append(row)
    for each in sent:
        if each.sha256 is None or not each.acknowledged or each.key not in kept:
            continue
        found.films += 1
        rows, waits = by_key.get(each.key, []), kept[each.key].state in UNFINISHED
        if len(rows) > 1:
            found.doubled.append(f"film {each.key}")
        elif not waits and (not rows or rows[0].state != "filed" or rows[0].sha256 != each.sha256):
            found.lost.append(f"film {each.key}: {[(row.state, row.marks) for row in rows]}")
        found.filed += bool(rows and rows[0].state == "filed")
    receipts = Counter(row.receipt for row in evidence.submissions)
    found.doubled += [f"receipt {receipt}" for receipt, times in receipts.items() if times > 1]


def _heard(cloud: Cloud, evidence: Evidence, found: Findings) -> None:
    """Sent notices were delivered once; others were not delivered, unless their outcome is unknown."""
    heard = Counter((each.to.lower(), _words(cloud, each.raw)) for each in cloud.deliveries if each.state in ARRIVED)
    told: dict[tuple[str, str], Counter[str]] = {}
    for notice in evidence.notices:
        words = _words_of_message(notice.message)
        if words is not None and notice.channel.startswith("wecom"):
            told.setdefault((notice.address.lower(), words), Counter())[notice.state] += 1
    for place in heard.keys() | told.keys():
        states, times = told.get(place, Counter()), heard[place]
        most = states["sent"] + sum(states[state] for state in OPEN)
        if times < states["sent"]:
            found.lost.append(f"{states['sent'] - times} notices called sent: {place}")
        if times > most:
            found.doubled.append(f"heard {times} times, told {dict(states)}: {place}")
    found.lost += [f"dropped by the platform: {each.to}" for each in cloud.deliveries if each.state == "dropped"]


def _words(cloud: Cloud, raw: Mapping[str, Any]) -> str:
    """The text that distinguishes one message from another."""
    kind = str(raw["msgtype"])
    content = raw[kind]
    if kind == "template_card":
        return str(content["task_id"])
    if kind == "news":
        return str(content["articles"][0]["title"])
    if kind == "file":
        return cloud.media._items[content["media_id"]].filename
    return str(content["content"])


def _words_of_message(message: OutboundMessage | None) -> str | None:
    """The same of a notice; None if nothing of it may have been sent, or it only changes a card."""
    match message.payload if message else None:
        case None | CardUpdatePayload():
            return None
        case CardPayload() as card:
            return card.task_id
        case LinkPayload() as link:
            return link.title
        case FilePayload(form=MessageForm.FILE) as file:
            return file.name
        case payload:
            return payload.text


def _nights(evidence: Evidence, found: Findings) -> None:
    """The counts add up, every film is shown in its night once, and its object is as it was received."""
    for night, view in evidence.nights.items():
        counts = view["counts"]
        if counts["expected"] != sum(counts[name] for name in COUNTED):
            found.sums.append(f"{night}: {counts}")
        shown = Counter(each["receipt"] for each in _shown(view))
        kept = Counter(row.receipt for row in evidence.submissions if row.night == night)
        if shown != kept:
            found.sums.append(
                f"{night} shows {sorted((shown - kept).elements())} too many, "
                f"{sorted((kept - shown).elements())} too few"
            )
    if evidence.verified["ok"] != evidence.verified["checked"]:
        found.lost.append(f"objects: {evidence.verified}")


def _shown(view: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from view["unattributed"]
    yield from view["quarantined"]
    for enterprise in view["enterprises"]:
        for part in enterprise["parts"]:
            yield from part["submissions"]


def _metrics(evidence: Evidence, found: Findings) -> None:
    told = dict(_gauges(evidence.metrics.splitlines()))
    if told.get("patrol_messages_waiting") != found.waiting:
        found.sums.append(f"{found.waiting} messages wait, the metrics say {told.get('patrol_messages_waiting')}")
    for state, number in found.states.items():
        if told.get(f'patrol_notices{{state="{state}"}}') != number:
            found.sums.append(f"{number} notices are {state}, the metrics say otherwise")


def _gauges(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    for line in lines:
        name, _, value = line.rpartition(" ")
        if name and not line.startswith("#"):
            yield name, float(value)


def digest(film: bytes) -> str:
    """The digest a film must be filed under."""
    return hashlib.sha256(film).hexdigest()


def as_night(printed: str) -> dict[str, Any]:
    """The output of `night --json`."""
    return dict(json.loads(printed))
