"""What every answer says to the browser about itself, and answers made small for slow lines."""

from __future__ import annotations

import gzip
import secrets

from flask import Flask, Response, request

from bot.web.site_settings import SiteSettings

# Scripts, styles, pictures and films come from us alone, and nothing that stands in a page is run. Pictures within
# the style sheets are data: addresses. `media-src` is widened by pages that play from the object store.
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
_PACKED = ("text/html", "text/css", "application/javascript", "text/javascript", "application/json", "image/svg+xml")
_WORTH_IT = 1400
_YEAR_S = 365 * 24 * 3600


def content_security_policy(**extra_sources: str) -> str:
    """The content-security policy, with some directives widened: `policy(media_src="https://store.example")`."""
    more = {name.replace("_", "-"): value for name, value in extra_sources.items()}
    return "; ".join(f"{name} {value} {more.get(name, '')}".strip() for name, value in CSP_DIRECTIVES.items())


def register_response_headers(app: Flask, site: SiteSettings) -> None:
    """Put the headers on every answer of an application, and pack what is worth it."""
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
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return _packed(response)


def _packed(response: Response) -> Response:
    wanted = "gzip" in request.headers.get("Accept-Encoding", "") and response.mimetype in _PACKED
    if not wanted or response.direct_passthrough or response.is_streamed or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) >= _WORTH_IT:
        response.set_data(_pack(body))
        response.headers["Content-Encoding"] = "gzip"
        response.vary.add("Accept-Encoding")
    return response


def _pack(body: bytes) -> bytes:
    """Packed, with a file name of random length in its head: the length of a page tells nothing of what stands beside
    its CSRF token (the BREACH attack)."""
    packed = gzip.compress(body, 5, mtime=0)
    name = secrets.token_hex(secrets.randbelow(48)).encode() + b"\0"
    return packed[:3] + b"\x08" + packed[4:10] + name + packed[10:]
