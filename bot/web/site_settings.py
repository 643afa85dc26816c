"""What the web side knows of the place it is served at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SiteSettings:
    """The address people's phones reach, and the key that signs what browsers hold for us."""

    public_url: str
    secret_key: str
    readiness_timeout_s: float = 3.0
    startup_grace_s: float = 15.0

    @property
    def is_secure(self) -> bool:
        """Whether people reach it over TLS: then nothing of it may travel without."""
        return self.public_url.startswith("https://")
