"""Passwords and second factors: kept so that whoever reads the database cannot sign in by them."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

TOTP_ISSUER = "Night Patrol"
MIN_PASSWORD_LENGTH = 10
"""A password of fewer characters is not taken."""
# OWASP's least for argon2id: 19 MiB, so that many tries at once do not take the memory of a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Compared against where there is no such account, so that both answers take equally long.
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
_STEP_S = 30


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """Whether it is the password of which that was kept; None stands for nobody's."""
    try:
        return _HASHER.verify(password_hash or _NOBODY, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def generate_password() -> str:
    """A password that nobody guesses."""
    return secrets.token_urlsafe(12)


def generate_totp_secret() -> str:
    """A secret for an authenticator app."""
    return pyotp.random_base32()


def totp_uri(secret: str, login: str) -> str:
    """What an authenticator app reads, as an otpauth: address."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=TOTP_ISSUER)


def match_totp_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The step whose code that is, of this half minute or the ones beside it and newer than the `last` one used."""
    present = int(now.timestamp()) // _STEP_S
    for step in (present - 1, present, present + 1):
        fresh = last_step is None or step > last_step
        if fresh and secrets.compare_digest(pyotp.TOTP(secret).at(step * _STEP_S).encode(), code.strip().encode()):
            return step
    return None
