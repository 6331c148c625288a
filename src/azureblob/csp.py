"""The Content-Security-Policy of pages whose files lie in blob storage."""

from __future__ import annotations

from urllib.parse import urlsplit

_SELF, _NONE = "'self'", "'none'"


def content_security_policy(
    *, static_url: str, media_url: str, endpoint: str
) -> dict[str, list[str]]:
    """Directives for django-csp's CONTENT_SECURITY_POLICY, or Django 6's SECURE_CSP.

    `static_url` and `media_url` are STATIC_URL and MEDIA_URL, absolute or of this site; `endpoint`
    is the account's, to which browsers upload. Scripts, styles and fonts come from the folder of
    the static files and not from all of its host: uploads are on the same one, and a page that
    allows it can load even an attachment as a script. No inline script or style is allowed, no
    plug-in, no frame on either side.
    """
    static = [_folder(static_url)]
    uploads = _origins(media_url, endpoint)
    return {
        "default-src": [_NONE],
        # From the site itself the admin loads its translations, /admin/jsi18n/.
        "script-src": _unique([_SELF, *static]),
        "style-src": static,
        "font-src": static,
        "img-src": _unique([*_origins(static_url), *uploads]),
        "media-src": uploads,
        "connect-src": _unique([_SELF, *_origins(endpoint)]),
        "form-action": [_SELF],
        "base-uri": [_NONE],
        "frame-ancestors": [_NONE],
    }


def _folder(url: str) -> str:
    """A source that holds for all below `url`. What separates sources is escaped in it."""
    parts = urlsplit(url)
    if not parts.netloc:
        return _SELF
    path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
    return f"{_origin(url)}{path.replace(';', '%3B').replace(',', '%2C')}"


def _origin(url: str) -> str:
    """Scheme, host and port."""
    parts = urlsplit(url)
    return f"{parts.scheme or 'https'}://{parts.netloc}" if parts.netloc else _SELF


def _origins(*urls: str) -> list[str]:
    return _unique([_origin(url) for url in urls if url])


def _unique(sources: list[str]) -> list[str]:
    return list(dict.fromkeys(sources))
