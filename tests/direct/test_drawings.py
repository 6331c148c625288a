"""The drawings of an upload in docs/architecture.md name the modules that one passes."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.direct.conftest import Browser, picture
from tests.uploads.conftest import models  # noqa: F401  # a fixture

LIBRARY = ROOT / "src" / "azureblob"
# Used by every request, or by every call of storage, and drawn in neither.
EVERYWHERE = {
    *("middleware.py", "serving.py", "health.py", "timeouts.py", "exceptions.py", "outages.py"),
    *("container.py", "options.py", "reconstruction.py", "endpoints.py", "credentials.py"),
    *("client.py", "circuit.py", "signing.py", "delegation.py", "caching.py", "file.py"),
    *("content_types.py", "rest/models.py"),
    # Set up with each storage's connection, as its client is.
    *("single_upload.py", "rest/auth.py"),
}


def passed(work: Callable[[], object]) -> set[str]:
    """The library's modules whose functions `work` calls."""
    found: set[str] = set()

    def called(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call":
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(LIBRARY):
                found.add(path.relative_to(LIBRARY).as_posix())

    threading.setprofile(called)
    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found - EVERYWHERE


def drawn(title: str) -> set[str]:
    page = (ROOT / "docs" / "architecture.md").read_text()
    block = page.partition(f"### {title}\n")[2].partition("```")[2].partition("```")[0]
    return set(re.findall(r"[\w/]+\.py", block))


def through_django(models: Any) -> set[str]:  # noqa: F811
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.forms import modelform_factory
    from django.utils.datastructures import MultiValueDict

    def upload() -> None:
        file = SimpleUploadedFile("cat.jpg", picture("JPEG"))
        form = modelform_factory(models.photo, fields=["file"])
        bound = form(data={}, files=MultiValueDict({"file": [file]}))
        assert bound.is_valid()
        photo = bound.save(commit=False)
        photo._meta.get_field("file").pre_save(photo, add=True)

    return passed(upload)


def test_an_upload_through_django_passes_the_modules_of_its_drawing(
    models: Any,  # noqa: F811
) -> None:
    found = through_django(models)
    assert found == drawn("An upload through Django")
    assert len(found) <= 8


def test_a_direct_upload_passes_the_modules_of_its_drawing(
    browser: Browser,
    models: Any,  # noqa: F811
) -> None:
    browser.client.get("/")  # loads the URLconf

    def upload() -> None:
        token = browser.token(picture("JPEG"))
        assert browser.client.post("/", {"image-uploaded": token}).status_code == 302

    found = passed(upload) - through_django(models)
    assert found == drawn("A direct upload")
    assert len(found) <= 9


@pytest.mark.parametrize("title", ["An upload through Django", "A direct upload"])
def test_every_module_of_a_drawing_exists(title: str) -> None:
    assert drawn(title)
    assert all((LIBRARY / name).is_file() for name in drawn(title))
