"""Security headers and gzip for every response, and the settings of the site they depend on."""

from __future__ import annotations

import gzip
import secrets
from dataclasses import dataclass

from flask import Flask, Response, request

# Scripts, styles, images and films come from this site only, and inline scripts do not run. The style sheets embed
# images as data: URLs. Pages that play films from the object store add it to `media-src`.
CSP_DIRECTIVES = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self' data:",
    "media-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "manifest-src": "'self'",
}
_COMPRESSED_TYPES = (
    "text/html",
    "text/css",
    "application/javascript",
    "text/javascript",
    "application/json",
    "image/svg+xml",
)
_MIN_COMPRESSED_BYTES = 1400
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True)
class SiteSettings:
    """The URL at which people reach the site, and the key that signs cookies and links."""

    public_url: str
    secret_key: str
    readiness_timeout_s: float = 3.0
    startup_grace_s: float = 15.0

    @property
    def is_secure(self) -> bool:
        """Whether the site is served over TLS. Cookies are then sent over TLS only."""
        return self.public_url.startswith("https://")


def content_security_policy(**extra_sources: str) -> str:
    """The Content-Security-Policy, with sources added to directives: `media_src="https://store.example"`."""
    more = {name.replace("_", "-"): value for name, value in extra_sources.items()}
    return "; ".join(f"{name} {value} {more.get(name, '')}".strip() for name, value in CSP_DIRECTIVES.items())


def register_response_headers(app: Flask, site: SiteSettings) -> None:
    """Set the headers on every response of an application, and compress it."""
    fixed = {
        "Content-Security-Policy": content_security_policy(),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    if site.is_secure:
        fixed["Strict-Transport-Security"] = f"max-age={_YEAR_S}"

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in fixed.items():
            response.headers.setdefault(name, value)
        # Only what a page explicitly allows is stored: pages and workbooks hold telephone numbers.
        if not response.headers.get("Cache-Control", "").startswith(("public", "private")):
            response.headers["Cache-Control"] = "no-store"
        return _compress(response)


def _compress(response: Response) -> Response:
    accepted = "gzip" in request.headers.get("Accept-Encoding", "") and response.mimetype in _COMPRESSED_TYPES
    if not accepted or response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) >= _MIN_COMPRESSED_BYTES:
        response.set_data(_gzip_with_random_length(body))
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
    return response


def _gzip_with_random_length(body: bytes) -> bytes:
    """Gzip with a file name of random length in its header, so that the length of a page does not reveal its content.

    Without it a page that repeats a query parameter leaks its CSRF token through its length (the BREACH attack).
    """
    compressed = gzip.compress(body, 5, mtime=0)
    name = secrets.token_hex(secrets.randbelow(48)).encode() + b"\0"
    return compressed[:3] + b"\x08" + compressed[4:10] + name + compressed[10:]
