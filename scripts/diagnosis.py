"""Why an installer failed, read from what it said."""

from __future__ import annotations

import re

# The first rule that matches wins, so the narrow ones come first.
_RULES = (
    (
        r"no space left on device|os error 28|ENOSPC",
        "the disk is full: free some space (about 1.5 GB are needed)",
    ),
    (
        r"certificate|self[- ]signed|UnknownIssuer|SSLError",
        "the server's certificate is not trusted here: behind a proxy that opens TLS, name its "
        "certificate in SSL_CERT_FILE (Python) and NODE_EXTRA_CA_CERTS (npm)",
    ),
    (
        r"temporary failure in name resolution|name or service not known|nodename nor servname|"
        r"failed to establish a new connection|connection refused|connection reset|"
        r"network is unreachable|timed out|dns error|error sending request|"
        r"ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|proxy error",
        "it could not be reached: check the network and the proxy (HTTPS_PROXY), then run it again",
    ),
    (
        r"\b(401|403|407)\b|forbidden|unauthorized|\bE401\b|\bE403\b",
        "it refused the request: check the index's address and its login in the configuration of "
        "pip (PIP_INDEX_URL) or npm (npm config get registry)",
    ),
    (
        r"command '?\S*(gcc|g\+\+|clang|cc)'? failed|unable to execute|"
        r"no such file or directory: '(gcc|cc|clang)'|rust (compiler|toolchain)|cargo",
        "a package has no ready-made build for this machine and needs a compiler: install one "
        "(Debian and Ubuntu: apt-get install build-essential python3-dev; macOS: "
        "xcode-select --install), or use a Python from 3.11 to 3.13",
    ),
    (
        r"no matching distribution|resolutionimpossible|no solution found|"
        r"ETARGET|notarget|\bE404\b|\b404\b",
        "it does not have a version that is pinned here: a private index may lag behind",
    ),
)


def cause(output: str) -> str | None:
    """A sentence's second half that says why and what to do; None if nothing is recognised."""
    for pattern, sentence in _RULES:
        if re.search(pattern, output, re.IGNORECASE):
            return sentence
    return None


def is_network(output: str) -> bool:
    """Whether trying the same server with another tool would be in vain."""
    found = cause(output)
    return found is not None and found.startswith("it could not be reached")
