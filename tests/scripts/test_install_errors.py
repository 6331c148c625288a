"""An installer's output is turned into a cause that the user can act on."""

from __future__ import annotations

import pytest

from scripts.install_errors import cause, is_network


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("npm error code ENOSPC", "disk is full"),
        ("SSLError(SSLCertVerificationError(1, 'certificate verify failed'))", "SSL_CERT_FILE"),
        ("invalid peer certificate: UnknownIssuer", "SSL_CERT_FILE"),
        ("Temporary failure in name resolution", "check the network"),
        ("npm error code EAI_AGAIN", "check the network"),
        ("error sending request for url", "check the network"),
        ("HTTP error 403 Forbidden while getting", "refused the request"),
        ("npm error code E401", "refused the request"),
        ("requests.exceptions.HTTPError: 401 Client Error: Unauthorized", "refused the request"),
        ("/srv/pytest-403/x: no solution found", "private index may lag"),
        ("404 Client Error: Not Found for url", "private index may lag"),
        (
            "error: command 'gcc' failed: No such file or directory",
            "apt-get install build-essential",
        ),
        ("error: command '/usr/bin/cc' failed with exit code 1", "xcode-select --install"),
        ("ERROR: No matching distribution found for django==5.2.19", "private index may lag"),
        ("npm error code ETARGET", "private index may lag"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "another file than the one"),
        ("Hash mismatch for `asgiref==3.13.0`", "another file than the one"),
    ],
)
def test_a_known_cause_says_what_to_do(said: str, word: str) -> None:
    assert word in (cause(f"some lines before\n{said}\nand after") or "")


def test_an_unknown_cause_is_not_guessed() -> None:
    assert cause("something else went wrong") is None


def test_only_after_a_network_failure_no_other_tool_is_tried() -> None:
    assert is_network("Connection refused")
    assert not is_network("No matching distribution found for uv==0.13.9")
