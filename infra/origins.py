"""Origins and hosts: what browsers send, what Azure compares it with, and what is too wide."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# Hosts that give a subdomain to everyone who signs up, most of them from the private part of the
# Public Suffix List (publicsuffix.org).
SHARED_HOSTS = """
    azurecontainerapps.io azurestaticapps.net azurewebsites.net cloudapp.azure.com
    cloudfront.net fly.dev github.dev github.io gitlab.io herokuapp.com netlify.app ngrok.app
    ngrok-free.app onrender.com pages.dev railway.app run.app vercel.app web.core.windows.net
    workers.dev
""".split()  # noqa: SIM905
# "Set Blob Service Properties": a rule names 64 origins at the most.
MOST_ORIGINS = 64


def problem(value: str) -> str:
    """Why a value is no origin that a browser sends, or ''.

    "Cross-Origin Resource Sharing (CORS) support for Azure Storage": the comparison is exact.

    The page's example allows a domain's subdomains with an origin such as `http://*.contoso.com`.
    """
    form = "an origin is a scheme, a host and, if it is not the usual one, a port: nothing after it"
    if not re.fullmatch(r"[\x21-\x7e]{1,256}", value):
        return f"{form}; plain ASCII without spaces, at most 256 characters"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return form
    shown = host
    if wildcard := host.startswith("*."):
        host = host[2:]
    if parts.scheme not in ("http", "https") or not is_host(host) or port == 0:
        return form
    if wildcard and host != "localhost" and (re.fullmatch(r"[\d.:]+", host) or "." not in host):
        return f"{form}; '*.' must precede a domain of yours, such as https://*.example.com"
    if ":" in host:
        shown = f"[{ipaddress.ip_address(host).compressed}]"
    if value != f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else ""):
        return f"{form}; and all in lower case, as browsers send it"
    if port == {"http": 80, "https": 443}[parts.scheme]:
        return f"browsers omit the scheme's default port, so :{port} would never match"
    if parts.scheme == "http" and host not in LOCAL_HOSTS:
        return "plain http can be changed in transit, so it is allowed for this machine only"
    return ""


def wide(origin: str) -> str:
    """Why an origin with a wildcard admits more pages than its owner may expect, or ''."""
    _, wildcard, rest = origin.partition("://*.")
    host = rest.partition(":")[0]
    if not wildcard or host == "localhost":
        return ""
    shared = next((name for name in SHARED_HOSTS if f".{host}".endswith(f".{name}")), "")
    if shared:
        return f"anyone can have a page under {shared}"
    if host.count(".") == 1:
        return f"every subdomain of {host} is admitted, including abandoned ones and other people's"
    return ""


def is_domain(value: str) -> bool:
    return is_host(value) and "." in value and not re.fullmatch(r"[\d.]+", value)


def is_host(host: str) -> bool:
    if ":" in host or re.fullmatch(r"[\d.]+", host):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True
    labels = host.split(".")
    return len(host) <= 253 and all(
        re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in labels
    )
