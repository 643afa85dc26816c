"""The tables. Instants are stored in UTC and loaded as aware datetimes; a night is named by its morning date."""

from storage.db.models.alerts import Alert, AlertEntry
from storage.db.models.base import Base, Id, UtcDateTime
from storage.db.models.contacts import Contact
from storage.db.models.hazards import Hazard, HazardAttempt, HazardExtension, HazardMove
from storage.db.models.inspections import CaseHazard, DocumentHazard, EnforcementCase, EnforcementDocument, Inspection
from storage.db.models.issued_reports import IssuedReport, IssuedReportFile
from storage.db.models.leases import Lease, RpcCall
from storage.db.models.notices import ContentItem, ContentPush, DeliveryAttempt, Notice
from storage.db.models.objections import Objection
from storage.db.models.poll_cursors import PollCursor
from storage.db.models.register import (
    Binding,
    DutyShift,
    Employment,
    Enterprise,
    GroupChat,
    Invitation,
    KeyPart,
    MajorHazardSource,
    MajorHazardSourcePart,
    Person,
    Rule,
)
from storage.db.models.review import FilmView, ReviewClaim, SecondReview, Verdict
from storage.db.models.service_state import (
    AccessToken,
    AuditEntry,
    CallbackSignature,
    Counter,
    Decision,
    Fact,
    Outage,
    ReminderGrace,
)
from storage.db.models.sign_ins import Credential, SignInAttempts, WebSession
from storage.db.models.submissions import ClosedNight, InboxRow, NightEnterpriseChoice, ReceivedText, Submission
from storage.db.models.uploads import Upload, UploadChunk

__all__ = [
    "AccessToken",
    "Alert",
    "AlertEntry",
    "AuditEntry",
    "Base",
    "Binding",
    "CallbackSignature",
    "CaseHazard",
    "ClosedNight",
    "Contact",
    "ContentItem",
    "ContentPush",
    "Counter",
    "Credential",
    "Decision",
    "DeliveryAttempt",
    "DocumentHazard",
    "DutyShift",
    "Employment",
    "EnforcementCase",
    "EnforcementDocument",
    "Enterprise",
    "Fact",
    "FilmView",
    "GroupChat",
    "Hazard",
    "HazardAttempt",
    "HazardExtension",
    "HazardMove",
    "Id",
    "InboxRow",
    "Inspection",
    "Invitation",
    "IssuedReport",
    "IssuedReportFile",
    "KeyPart",
    "Lease",
    "MajorHazardSource",
    "MajorHazardSourcePart",
    "NightEnterpriseChoice",
    "Notice",
    "Objection",
    "Outage",
    "Person",
    "PollCursor",
    "ReceivedText",
    "ReminderGrace",
    "ReviewClaim",
    "RpcCall",
    "Rule",
    "SecondReview",
    "SignInAttempts",
    "Submission",
    "Upload",
    "UploadChunk",
    "UtcDateTime",
    "Verdict",
    "WebSession",
]
