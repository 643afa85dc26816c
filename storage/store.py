"""`Store`: what is remembered, as handlers and jobs see it, within one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from storage.access_tokens import AccessTokenStore
from storage.alerts import AlertStore
from storage.audit_log import AuditLogStore
from storage.callback_signatures import CallbackSignatureStore
from storage.contacts import ContactStore
from storage.content import ContentStore
from storage.db.leases import LeaseStore
from storage.duty import DutyStore
from storage.enforcement import EnforcementStore
from storage.facts import FactStore
from storage.hazard_deadlines import HazardDeadlineStore
from storage.hazard_figures import HazardFigureStore
from storage.hazard_prompts import HazardPromptStore
from storage.hazards import HazardStore
from storage.inbox import InboxStore
from storage.inspections import InspectionStore
from storage.invitations import InvitationStore
from storage.issued_reports import IssuedReportStore
from storage.major_hazard_sources import MajorHazardSourceStore
from storage.notices import NoticeStore
from storage.objections import ObjectionStore
from storage.outages import OutageStore
from storage.personal_channels import PersonalChannel
from storage.poll_cursors import PollCursorStore
from storage.register import Register
from storage.review import ReviewStore
from storage.sign_in_attempts import SignInAttemptStore
from storage.sign_ins import SignInStore
from storage.submissions import SubmissionStore
from storage.uploads import UploadStore
from storage.view_log import ViewLogStore


class Store:
    """All that is remembered, over one session; committing is the caller's affair.

    `lines` are the channels that are open to single people, the preferred one first.
    """

    def __init__(self, session: Session, personal_channels: Sequence[PersonalChannel] = ()) -> None:
        self.session, self.personal_channels = session, tuple(personal_channels)
        self.register = Register(session)
        self.major_hazard_sources = MajorHazardSourceStore(session)
        self.invitations = InvitationStore(session)
        self.inbox = InboxStore(session)
        self.submissions = SubmissionStore(session)
        self.notices = NoticeStore(session)
        self.contacts = ContactStore(session)
        self.alerts = AlertStore(session)
        self.duty = DutyStore(session)
        self.content = ContentStore(session)
        self.access_tokens = AccessTokenStore(session)
        self.callback_signatures = CallbackSignatureStore(session)
        self.leases = LeaseStore(session)
        self.outages = OutageStore(session)
        self.uploads = UploadStore(session)
        self.poll_cursors = PollCursorStore(session)
        self.view_log = ViewLogStore(session)
        self.review = ReviewStore(session)
        self.hazards = HazardStore(session)
        self.hazard_prompts = HazardPromptStore(session)
        self.hazard_deadlines, self.hazard_figures = HazardDeadlineStore(session), HazardFigureStore(session)
        self.inspections, self.enforcement = InspectionStore(session), EnforcementStore(session)
        self.facts = FactStore(session)
        self.issued_reports = IssuedReportStore(session)
        self.audit_log = AuditLogStore(session)
        self.objections = ObjectionStore(session)
        self.sign_ins, self.sign_in_attempts = SignInStore(session), SignInAttemptStore(session)

    def lock_for_transaction(self, name: str) -> None:
        """Lock a name until the end of the transaction, so that no other transaction works on the same subject.

        Rows read earlier may be stale, so call this first. SQLite has only one writer anyway.
        """
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
