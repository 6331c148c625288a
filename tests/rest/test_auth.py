"""Signing requests: with the account's key exactly as the SDK signs, with a token only over TLS."""

from __future__ import annotations

import base64
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from hypothesis import given
from hypothesis import strategies as st

from azureblob.explanations import explain
from azureblob.rest.auth import Bearer, SharedKey
from azureblob.rest.errors import InvalidKeyError, SignInError

ACCOUNT, KEY = "signer", base64.b64encode(b"any key will do for a signature").decode()
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
WORD = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)
STANDARD = st.dictionaries(
    st.sampled_from(["Content-MD5", "Content-Type", "If-Match", "If-None-Match"]), TEXT
)


@given(
    st.sampled_from(["GET", "PUT", "DELETE"]),
    NAMES,
    st.dictionaries(WORD, TEXT, max_size=4),
    STANDARD,
    st.dictionaries(WORD.map("x-ms-meta-{}".format), TEXT, max_size=4),
    st.integers(0, 10_000),
)
def test_the_signature_is_the_sdks(
    method: str,
    name: str,
    query: dict[str, str],
    standard: dict[str, str],
    special: dict[str, str],
    length: int,
) -> None:
    path = "/" + quote(f"{ACCOUNT}/static/{name}", safe="/~")
    ours = SharedKey(ACCOUNT, KEY).headers(method, path, query, {**standard, **special}, length)
    assert ours.pop("Authorization") == _of_the_sdk(method, path, query, ours, length)


def _of_the_sdk(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], length: int
) -> str:
    url = f"http://127.0.0.1{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
    request = HttpRequest(method, url, headers={**headers, "Content-Length": str(length)})
    context = PipelineContext(SimpleNamespace())  # type: ignore[arg-type]
    policy: Any = SharedKeyCredentialPolicy(ACCOUNT, KEY)  # type: ignore[no-untyped-call]
    policy.on_request(PipelineRequest(request, context))
    return str(request.headers["Authorization"])


class Identity:
    """Counts how often it is asked; `lifetime` in seconds from now."""

    def __init__(self, lifetime: float, error: str = "") -> None:
        self.asked = 0
        self._lifetime, self._error = lifetime, error

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://storage.azure.com/.default",)
        self.asked += 1
        if self._error:
            raise ClientAuthenticationError(self._error)
        return AccessToken(f"token-{self.asked}", int(time.time() + self._lifetime))


def test_a_token_is_asked_for_once_for_many_files() -> None:
    identity = Identity(3600)
    bearer = Bearer(identity)
    sent = [bearer.headers("PUT", "/a/b", {}, {}, 1) for _ in range(100)]
    assert identity.asked == 1
    assert {headers["Authorization"] for headers in sent} == {"Bearer token-1"}


def test_a_token_is_renewed_before_it_ends() -> None:
    identity = Identity(299)
    bearer = Bearer(identity)
    bearer.headers("PUT", "/a/b", {}, {}, 1)
    assert bearer.headers("PUT", "/a/b", {}, {}, 1)["Authorization"] == "Bearer token-2"


def test_an_identity_that_does_not_sign_in_is_reported_in_a_sentence() -> None:
    bearer = Bearer(Identity(0, "EnvironmentCredential: nothing is set\nand twenty lines more"))
    with pytest.raises(SignInError) as caught:
        bearer.headers("PUT", "/a/b", {}, {}, 1)
    said = explain(caught.value)
    assert "No identity signs in: EnvironmentCredential: nothing is set" in said
    assert "az login" in said
    assert "twenty lines" not in said


def test_a_malformed_key_is_reported_and_not_shown() -> None:
    with pytest.raises(InvalidKeyError, match="is not base64") as caught:
        SharedKey(ACCOUNT, "half a key, cut")
    assert "half a key" not in str(caught.value)
    assert caught.value.__cause__ is None
