"""Password hashes (argon2id) and second factors (TOTP)."""

from __future__ import annotations

import secrets
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

TOTP_ISSUER = "Night Patrol"
MIN_PASSWORD_LENGTH = 10
# The minimum OWASP recommends for argon2id: 19 MiB, so that concurrent attempts do not exhaust a small machine.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified for unknown accounts, so that both failures take equally long.
_DUMMY_HASH = _HASHER.hash(secrets.token_urlsafe())
_STEP_S = 30


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def verify_password(password_hash: str | None, password: str) -> bool:
    """False if `password_hash` is None, after the same time as for a wrong password."""
    try:
        return _HASHER.verify(password_hash or _DUMMY_HASH, password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def generate_password() -> str:
    return secrets.token_urlsafe(12)


def generate_totp_secret() -> str:
    return pyotp.random_base32()


def totp_uri(secret: str, login: str) -> str:
    """The otpauth: URI for an authenticator app."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=TOTP_ISSUER)


def match_totp_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step of a valid code: the current one or a neighbour, later than `last_step`; None for no match."""
    current = int(now.timestamp()) // _STEP_S
    for step in (current - 1, current, current + 1):
        is_unused = last_step is None or step > last_step
        if is_unused and secrets.compare_digest(pyotp.TOTP(secret).at(step * _STEP_S).encode(), code.strip().encode()):
            return step
    return None
