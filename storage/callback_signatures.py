"""Signatures of callbacks that do not cover the body: each is good for one message, in whichever process it arrives."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from storage.db.models import CallbackSignature
from storage.db.upsert import insert_if_absent


class CallbackSignatureStore:
    def __init__(self, session: Session) -> None:
        self.session = session

    def claim(self, signature: str, message_key: str, signed_at: datetime) -> bool:
        """Whether a signature is new or came with this message before, as when the platform repeats a callback."""
        values = {"signature": signature, "message_key": message_key, "signed_at": signed_at}
        if insert_if_absent(self.session, CallbackSignature, values) is not None:
            return True
        claimed_for = select(CallbackSignature.message_key).where(CallbackSignature.signature == signature)
        return self.session.scalar(claimed_for) == message_key

    def delete_before(self, signed_before: datetime) -> None:
        """Forget the signatures that are too old to be accepted again."""
        self.session.execute(delete(CallbackSignature).where(CallbackSignature.signed_at < signed_before))
