"""The tables: everything the service remembers.

Instants are kept in UTC and come back aware; a night is named by its morning date.
"""

from storage.db.models.base import Base, Id, UtcDateTime
from storage.db.models.contacts import Contact
from storage.db.models.leases import Errand, Lease
from storage.db.models.notices import Alert, Attempt, ContentItem, Notice, Push
from storage.db.models.objections import Objection
from storage.db.models.poll_cursors import Source
from storage.db.models.register import (
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
from storage.db.models.review import Answer, Look, ReviewClaim, SecondLook, Urge, Verdict
from storage.db.models.service_state import AuditEntry, Counter, Decision, Meta, Outage, Token
from storage.db.models.sign_ins import Credential, WebSession
from storage.db.models.submissions import ClosedNight, Inbox, NightChoice, Submission, Word
from storage.db.models.uploads import Upload, UploadPiece

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
