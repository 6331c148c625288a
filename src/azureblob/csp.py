"""The Content-Security-Policy of pages whose files are in blob storage."""

from __future__ import annotations

from urllib.parse import urlsplit

_SELF, _NONE = "'self'", "'none'"


def content_security_policy(
    *, static_url: str, media_url: str, endpoint: str
) -> dict[str, list[str]]:
    """Django 6's SECURE_CSP, or the DIRECTIVES of django-csp's CONTENT_SECURITY_POLICY.

    `static_url` and `media_url` are STATIC_URL and MEDIA_URL, absolute or relative to the site;
    `endpoint` is the account's, to which browsers upload. Scripts, styles and fonts are allowed
    from the folder of the static files rather than from its host: uploads are on the same host, and
    browsers load even an attachment as a script. Inline scripts and styles, plug-ins and frames are
    not allowed.
    """
    static = [_folder(static_url)]
    uploads = _origins(media_url, endpoint)
    return {
        "default-src": [_NONE],
        # The admin loads its translations from the site itself: /admin/jsi18n/.
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
    """The source for everything below `url`, with the separators of a policy escaped."""
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
