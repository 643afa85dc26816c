"""The tables: everything the service remembers.

Instants are kept in UTC and come back aware; a night is named by its morning date.
"""

from storage.models.access import Credential, WebSession
from storage.models.base import Base, Id, UtcDateTime
from storage.models.connections import Errand, Lease
from storage.models.contacts import Contact
from storage.models.intake import ClosedNight, Inbox, NightChoice, Submission, Word
from storage.models.notices import Alert, Attempt, ContentItem, Notice, Push
from storage.models.office import Objection
from storage.models.pulling import Source
from storage.models.records import AuditEntry, Counter, Decision, Meta, Outage, Token
from storage.models.register import (
    Binding,
    DutyShift,
    Employment,
    Enterprise,
    GroupChat,
    Invitation,
    KeyPart,
    Person,
    Rule,
)
from storage.models.review import Answer, Look, ReviewClaim, SecondLook, Urge, Verdict
from storage.models.uploads import Upload, UploadPiece

__all__ = [
    "Alert",
    "Answer",
    "Attempt",
    "AuditEntry",
    "Base",
    "Binding",
    "ClosedNight",
    "Contact",
    "ContentItem",
    "Counter",
    "Credential",
    "Decision",
    "DutyShift",
    "Employment",
    "Enterprise",
    "Errand",
    "GroupChat",
    "Id",
    "Inbox",
    "Invitation",
    "KeyPart",
    "Lease",
    "Look",
    "Meta",
    "NightChoice",
    "Notice",
    "Objection",
    "Outage",
    "Person",
    "Push",
    "ReviewClaim",
    "Rule",
    "SecondLook",
    "Source",
    "Submission",
    "Token",
    "Upload",
    "UploadPiece",
    "Urge",
    "UtcDateTime",
    "Verdict",
    "WebSession",
    "Word",
]
