"""No hostile file is ever served as something that runs, whatever way it was uploaded."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

import pytest
from django.utils.datastructures import MultiValueDict
from playwright.sync_api import Error, Page

from tests.uploads import hostile
from tests.uploads.conftest import Beacon

WAYS = ("image field", "attachment field", "plain save")
# Listed independently of the code under test.
SHOWN = {
    *("image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"),
    *("audio/mpeg", "video/mp4"),
}


@dataclass(frozen=True)
class Stored:
    """A file that was accepted, and what the blob service serves to anyone."""

    key: str
    way: str
    name: str
    url: str
    headers: Message
    body: bytes


def metadata(stored: Stored) -> dict[str, str]:
    prefix = "x-ms-meta-"
    headers = stored.headers.items()
    return {name.removeprefix(prefix): value for name, value in headers if prefix in name}


@dataclass(frozen=True)
class Outcome:
    stored: list[Stored]
    # By key and way: the code of the refusal.
    refused: dict[tuple[str, str], str]

    def of(self, way: str) -> dict[str, Stored]:
        return {each.key: each for each in self.stored if each.way == way}


@pytest.fixture(scope="module")
def outcome(models: Any, beacon: Beacon) -> Outcome:
    """Each file, sent in all three ways."""
    from django.core.exceptions import SuspiciousFileOperation
    from django.core.files.storage import default_storage
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.forms import modelform_factory

    forms = {
        "image field": modelform_factory(models.photo, fields=["file"]),
        "attachment field": modelform_factory(models.paper, fields=["file"]),
    }
    made = Outcome([], {})
    for each in hostile.files(beacon.url):
        for way in WAYS:
            upload = SimpleUploadedFile(each.name, each.content, content_type=each.claimed)
            if way in forms:
                form = forms[way](data={}, files=MultiValueDict({"file": [upload]}))
                if not form.is_valid():
                    made.refused[each.key, way] = str(form.errors.as_data()["file"][0].code)
                    continue
                instance = form.save(commit=False)
                name = str(instance._meta.get_field("file").pre_save(instance, add=True).name)
            else:
                try:
                    name = default_storage.save(f"plain/{each.name}", upload)
                except SuspiciousFileOperation:
                    made.refused[each.key, way] = "blob name"
                    name = default_storage.save(f"plain/{each.key}.html", upload)
            url = default_storage.url(name)
            with urllib.request.urlopen(url, timeout=10) as response:
                made.stored.append(
                    Stored(each.key, way, name, url, response.headers, response.read())
                )
    return made


def test_there_are_at_least_40_files_and_each_was_sent_all_three_ways(outcome: Outcome) -> None:
    keys = {each.key for each in hostile.files("")}
    assert len(keys) >= 40
    for way in WAYS:
        refused = {key for key, by in outcome.refused if by == way}
        assert keys == refused | set(outcome.of(way))
    # A file whose name no blob can have is saved under another one, so that it is tested as well.
    assert keys == set(outcome.of("plain save"))


def test_every_stored_file_is_an_image_audio_video_or_an_attachment(outcome: Outcome) -> None:
    for each in outcome.stored:
        kind = each.headers["Content-Type"]
        disposition = each.headers.get("Content-Disposition", "")
        if kind in SHOWN:
            assert disposition == "", each
        else:
            assert kind == "application/octet-stream", each
            assert disposition.startswith("attachment; "), each
        assert "Content-Encoding" not in each.headers, each


def test_an_image_field_stores_images_only_under_generated_names(outcome: Outcome) -> None:
    stored = outcome.of("image field")
    assert set(stored) == {
        *("gif-js", "gif-html", "gif-comment", "png-html", "png-text", "webp-exif"),
        *("jpeg-comment", "jpeg-html", "jpeg-zip", "name-double-turned"),
    }
    for each in stored.values():
        kind = each.headers["Content-Type"].removeprefix("image/")
        assert each.name.startswith("photos/")
        assert each.name.endswith({"jpeg": ".jpg"}.get(kind, f".{kind}"))
        assert "cat" not in each.url


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("bomb-png", "pixels"),
        ("bomb-png-huge", "pixels"),
        ("bomb-gif", "pixels"),
        ("bomb-gif-frames", "pixels"),
        ("bomb-apng-frames", "pixels"),
        ("bomb-webp", "pixels"),
        ("bomb-webp-frames", "pixels"),
        ("cut-jpeg", "broken"),
        ("png-head-html", "broken"),
        ("html-as-png", "type"),
        ("svg-as-png", "type"),
        ("empty", "empty"),
        ("name-long", "name"),
    ],
)
def test_a_refusal_says_what_is_wrong(outcome: Outcome, key: str, code: str) -> None:
    assert outcome.refused[key, "image field"] == code


def test_an_attachment_has_its_original_name_made_harmless(outcome: Outcome) -> None:
    stored = outcome.of("attachment field")

    def name(key: str) -> str:
        return stored[key].headers["Content-Disposition"].partition("filename*=UTF-8''")[2]

    assert name("html-plain") == "cat.html"
    assert name("name-right-to-left") == "catgnp.html"
    assert name("name-controls") == "cat%20.html"
    assert name("name-device") == "_CON.html"
    assert name("name-dots") == "cat.html"
    assert name("name-path") == "cat.html"
    assert "%0" not in name("name-line-breaks")
    assert name("name-quotes").count('"') == 0
    for each in stored.values():
        assert each.headers.get("Content-Disposition", "").count('"') in {0, 2}


def test_the_original_name_is_stored_as_metadata(outcome: Outcome) -> None:
    from azureblob.uploads.filenames import original_name

    for way in WAYS:
        by_key = outcome.of(way)
        assert original_name(metadata(by_key["jpeg-html"])) == "cat.jpg"
    invisible = outcome.of("attachment field")["name-right-to-left"]
    assert original_name(metadata(invisible)) == "cat\u202egnp.html"


def test_no_file_is_changed(outcome: Outcome, beacon: Beacon) -> None:
    sent = {each.key: each.content for each in hostile.files(beacon.url)}
    for each in outcome.stored:
        assert each.body == sent[each.key], each.key


def test_no_script_of_theirs_runs_in_a_browser(
    outcome: Outcome, beacon: Beacon, page: Page, control: str
) -> None:
    """Opened as a page, and embedded in one in every way except as a script, which the pages'
    policy forbids. The last page is a hostile file whose script can run: its report arrives after
    all others."""
    served = {(each.key, each.headers["Content-Type"]): each for each in outcome.stored}.values()
    for each in served:
        try:
            page.goto(each.url, wait_until="commit")
        except Error as error:  # a download that is not accepted
            assert "Download is starting" in error.message or "ERR_ABORTED" in error.message, each
            assert each.headers["Content-Disposition"], each
        assert page.title() != "ran", each
    page.goto(f"{beacon.url}/blank")
    page.set_content(
        "<!doctype html>"
        + "".join(
            f'<img src="{each.url}"><object data="{each.url}"></object><iframe src="{each.url}">'
            f'</iframe><link rel="stylesheet" href="{each.url}">'
            for each in served
        ),
        wait_until="commit",
    )
    page.wait_for_function("document.readyState === 'complete'")
    shown = page.evaluate("[...document.images].filter(each => each.naturalWidth).length")
    assert shown >= len(outcome.of("image field"))
    assert beacon.heard == set()
    page.goto(control)
    page.wait_for_function("document.title === 'ran'")
    assert beacon.heard == {"control"}


@pytest.fixture(scope="module")
def control(outcome: Outcome, beacon: Beacon) -> str:
    """The URL of a hostile file in a storage that trusts names."""
    from django.core.files.base import ContentFile

    from backend.custom_azure import AzureMediaStorage

    storage = AzureMediaStorage(check_content=False)
    name = storage.save("control.html", ContentFile(hostile.page(beacon.url, "control")))
    return storage.url(name)
