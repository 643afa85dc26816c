"""Failed sign-ins by password, counted for all processes together. Instants are of the wall clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from storage.db.models import SignInAttempts

# After this many failed attempts, one is allowed per pause.
FREE_ATTEMPTS, PAUSE = 5, timedelta(minutes=1)
_FORGOTTEN_AFTER = timedelta(hours=1)
# Made-up logins must not fill the database; the oldest counts go first.
_MAX_ROWS = 10_000


class SignInAttemptStore:
    """`key` is a digest of the login and of where the attempt comes from, whether or not the login exists."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def count(self, key: str, now: datetime) -> bool:
        """Count an attempt as failed; False, and not counted, if it has to wait."""
        self._delete_old(now)
        attempts = self.session.get(SignInAttempts, key)
        if attempts is None:
            self.session.add(SignInAttempts(key=key, failures=1, last_failed_at=now))
            return True
        if attempts.failures >= FREE_ATTEMPTS and now - attempts.last_failed_at < PAUSE:
            return False
        attempts.failures, attempts.last_failed_at = attempts.failures + 1, now
        return True

    def reset(self, key: str) -> None:
        """Forget the failed attempts, after one that succeeded."""
        self.session.execute(delete(SignInAttempts).where(SignInAttempts.key == key))

    def _delete_old(self, now: datetime) -> None:
        self.session.execute(delete(SignInAttempts).where(SignInAttempts.last_failed_at < now - _FORGOTTEN_AFTER))
        excess = (self.session.scalar(select(func.count()).select_from(SignInAttempts)) or 0) - _MAX_ROWS + 1
        if excess > 0:
            oldest = select(SignInAttempts.key).order_by(SignInAttempts.last_failed_at).limit(excess)
            self.session.execute(delete(SignInAttempts).where(SignInAttempts.key.in_(oldest)))
