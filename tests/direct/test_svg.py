"""An SVG file that a browser sent to quarantine is stored sanitized."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.uploads.test_svg import HOSTILE, rules, stored


@pytest.mark.usefixtures("django_site")
def test_a_drawing_from_quarantine_is_sanitized_even_if_it_is_opened_again() -> None:
    """The blob has the bytes that were sent, so it is never copied."""
    from django.core.files.storage import default_storage

    from azureblob.direct.quarantine import site_quarantine
    from azureblob.direct.tokens import ClaimToken
    from azureblob.direct.uploadedfile import QuarantinedFile
    from azureblob.uploads.inspection import Inspection, inspect_file

    hold = site_quarantine()
    blob = hold.new_name()
    etag = hold.storage.client.get_blob_client(blob).upload_blob(HOSTILE)["etag"]
    found = ClaimToken(
        endpoint="pictures",
        owner="",
        blob=blob,
        name="a.svg",
        size=len(HOSTILE),
        etag=str(etag),
        rules=rules().digest,
        inspection=Inspection("image/svg+xml", ".svg", inline=False),
    )
    for again in (False, True):
        file = QuarantinedFile(found, hold, rules())
        inspect_file(file, "a.svg", rules())
        if again:
            file.close()
            file.open()
        headers, body = stored(default_storage.url(default_storage.save("logos/b.svg", file)))
        assert headers["Content-Type"] == "image/svg+xml"
        assert b"<circle" in body
        assert b"ran" not in body
        if not again:
            etag = hold.storage.client.get_blob_client(blob).upload_blob(HOSTILE)["etag"]
            found = replace(found, etag=str(etag))
