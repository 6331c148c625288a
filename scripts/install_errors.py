"""Why an installer failed, read from its output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from scripts.console import Problem
from scripts.paths import shown
from scripts.process import ProcessFailed

_NETWORK = (
    "it could not be reached: check the network and the proxy (HTTPS_PROXY), then run it again"
)
# The first rule that matches is used, so the narrow ones come first.
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
        _NETWORK,
    ),
    (
        # Not a bare number, which may also be part of a path.
        r"HTTP error 40[137]|40[137] client error|forbidden|unauthorized|\bE40[137]\b|"
        r"proxy authentication",
        "it refused the request: check the index's address and its login in the configuration of "
        "pip (PIP_INDEX_URL) or npm (npm config get registry)",
    ),
    (
        r"hash mismatch|do not match the hashes|hashes are required",
        "it has another file than the one that is locked here, by its hash: a private index must "
        "mirror the files unchanged. If a pin was changed on purpose: sh scripts/lock.sh",
    ),
    (
        r"command '?\S*(gcc|g\+\+|clang|cc)'? failed|unable to execute|"
        r"no such file or directory: '(gcc|cc|clang)'|rust (compiler|toolchain)|cargo",
        "a package has no ready-made build for this machine and needs a compiler: install one "
        "(Debian and Ubuntu: apt-get install build-essential python3-dev; macOS: "
        "xcode-select --install), or use a Python from 3.11 to 3.14",
    ),
    (
        r"no matching distribution|resolutionimpossible|no solution found|"
        r"ETARGET|notarget|\bE404\b|HTTP error 404|404 (client error|not found)",
        "it does not have a version that is pinned here: a private index may lag behind",
    ),
)


def cause(output: str) -> str | None:
    """The cause and what to do about it, or None if the output is not recognised."""
    for pattern, sentence in _RULES:
        if re.search(pattern, output, re.IGNORECASE):
            return sentence
    return None


def is_network(output: str) -> bool:
    """Whether another tool would fail to reach the same server."""
    return cause(output) == _NETWORK


@contextmanager
def explained(what: str, server: str, line: int = -1) -> Iterator[None]:
    """Turn a ProcessFailed into a Problem with its cause and one line of the tool's output."""
    try:
        yield
    except ProcessFailed as failure:
        known = cause(failure.output)
        if known is None or failure.log is None:
            raise failure.problem(what) from None
        subject = f"{server}: " if known.startswith("it ") else ""
        raise Problem(
            f"{what} failed. {subject}{known}.\n"
            f"    {failure.command} said: {failure.line(line)}\n"
            f"    The whole log is {shown(failure.log)}"
        ) from None
