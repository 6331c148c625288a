"""The Content-Security-Policy for each way in which files may be reached."""

from __future__ import annotations

import pytest

from azureblob.csp import content_security_policy

ACCOUNT = "https://acme.blob.core.windows.net"
AZURITE = "http://127.0.0.1:10000"


@pytest.mark.parametrize(
    ("static_url", "media_url", "endpoint", "script", "img", "connect"),
    [
        # The account itself.
        (f"{ACCOUNT}/static/", f"{ACCOUNT}/media/", f"{ACCOUNT}/")
        + (f"{ACCOUNT}/static/", [ACCOUNT], ACCOUNT),
        # Azurite: the account is a part of the path.
        (f"{AZURITE}/acme/static/", f"{AZURITE}/acme/media/", f"{AZURITE}/acme/")
        + (f"{AZURITE}/acme/static/", [AZURITE], AZURITE),
        # Front Door for static files; signed URLs and uploads go to the account.
        ("https://cdn.example.com/static/", f"{ACCOUNT}/media/", f"{ACCOUNT}/")
        + ("https://cdn.example.com/static/", ["https://cdn.example.com", ACCOUNT], ACCOUNT),
        # What would end a source or a directive, in a folder's name.
        (f"{ACCOUNT}/a;b,c", f"{ACCOUNT}/media/", f"{ACCOUNT}/")
        + (f"{ACCOUNT}/a%3Bb%2Cc/", [ACCOUNT], ACCOUNT),
    ],
)
def test_the_policy_allows_the_blob_origins_and_no_other(
    static_url: str, media_url: str, endpoint: str, script: str, img: list[str], connect: str
) -> None:
    found = content_security_policy(static_url=static_url, media_url=media_url, endpoint=endpoint)
    assert found["script-src"] == ["'self'", script]
    assert found["style-src"] == found["font-src"] == [script]
    assert found["img-src"] == img
    assert found["connect-src"] == ["'self'", connect]
    assert found["media-src"] == [img[-1]]


def test_static_files_of_the_site_itself_are_self() -> None:
    found = content_security_policy(
        static_url="/static/", media_url=f"{ACCOUNT}/media/", endpoint=f"{ACCOUNT}/"
    )
    assert found["script-src"] == found["style-src"] == found["font-src"] == ["'self'"]
    assert found["img-src"] == ["'self'", ACCOUNT]


def test_nothing_is_allowed_that_lets_a_line_in_a_page_run() -> None:
    found = content_security_policy(
        static_url=f"{ACCOUNT}/static/", media_url=f"{ACCOUNT}/media/", endpoint=f"{ACCOUNT}/"
    )
    sources = {source for each in found.values() for source in each}
    assert not sources & {"'unsafe-inline'", "'unsafe-eval'", "*", "data:", "blob:", "https:"}
    for closed in ("default-src", "base-uri", "frame-ancestors"):
        assert found[closed] == ["'none'"]
