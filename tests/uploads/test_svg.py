"""SVG files from strangers: what sanitizing leaves, and what it costs."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from azureblob.exceptions import FileRefused
from azureblob.uploads.svg import MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, might_be, sanitized

OPEN = b'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'


def drawing(inside: bytes) -> bytes:
    return OPEN + inside + b"</svg>"


def test_a_drawing_stays_a_drawing() -> None:
    found = sanitized(drawing(b'<g fill="red"><path d="M0 0h9v9z"/><text>\xc3\xa9</text></g>'))
    assert b'<path d="M0 0h9v9z"' in found
    assert b'fill="red"' in found
    assert "é".encode() in found


@pytest.mark.parametrize(
    "inside",
    [
        b"<script>alert(1)</script>",
        b'<script href="https://evil.example/x.js"/>',
        b'<x:script xmlns:x="http://www.w3.org/2000/svg">alert(1)</x:script>',
        b'<rect onload="alert(1)" onclick="alert(1)"/>',
        b'<a href="javascript:alert(1)"><rect/></a>',
        b'<a xlink:href="jAvAsCrIpT&#58;alert(1)"><rect/></a>',
        b'<set attributeName="href" to="javascript:alert(1)"/>',
        b'<foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="//evil.example"/>'
        b"</foreignObject>",
        b'<image href="https://evil.example/track.png"/>',
        b'<use href="https://evil.example/x.svg#a"/>',
        b'<style>@import url("https://evil.example/x.css");</style>',
        b'<rect style="fill:url(https://evil.example/#p)"/>',
        b'<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        b'<image href="data:text/html,%3Cscript%3Ealert(1)%3C/script%3E"/>',
        b"<?xml-stylesheet href='https://evil.example/x.css'?>",
        b"<![CDATA[</svg><script>alert(1)</script>]]>",
    ],
)
def test_what_could_run_or_call_home_is_removed(inside: bytes) -> None:
    found = sanitized(drawing(inside + b"<circle r='3'/>"))
    assert b"<circle" in found
    assert not re.search(rb"<(\w+:)?(script|iframe|foreignObject)", found, re.IGNORECASE)
    assert not re.search(rb"\son\w+=", found)
    assert not re.search(rb'attributeName="[^"]*href"', found)
    for attribute in re.findall(rb'(?:href|style)="([^"]*)"', found):
        assert b"script" not in attribute.lower()
        assert b"evil.example" not in attribute
    assert not re.search(rb"url\(\W*https?:", found)
    assert b"data:image/svg" not in found
    assert b"data:text" not in found


@pytest.mark.usefixtures("django_site")  # for the language of the message
@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "damaged"),
        (b"<svg", "damaged"),
        (b"<html><body/></html>", "begins with something else"),
        (b"<svg><rect/></svg>", "begins with something else"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + drawing(b"<text>&a;</text>"), "declares entities"),
        (
            b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + drawing(b"&a;"),
            "declares entities",
        ),
        (drawing(b"<g>" * MAX_DEPTH + b"</g>" * MAX_DEPTH), "nests more than 100"),
        (drawing(b"<g/>" * MAX_ELEMENTS), "more than 50,000 elements"),
        (drawing(b" " * MAX_BYTES), "more than 2,097,152"),
        (b'<?xml version="1.0" encoding="x-unknown"?>' + drawing(b""), "damaged"),
    ],
)
def test_a_file_that_is_not_a_drawing_or_is_too_complex_is_refused_with_the_reason(
    data: bytes, why: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        sanitized(data)
    assert why in refused.value.sentence
    assert refused.value.code == "broken"


def test_a_doctype_without_entities_is_accepted() -> None:
    doctype = (
        b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
        b'"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    )
    assert b"<circle" in sanitized(doctype + drawing(b"<circle r='3'/>"))


WORST = f"""
import resource, sys
# Without the limits the machine's memory is exhausted: 100,000 nested groups took 20 GB.
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
sys.path.insert(0, "app")
from azureblob.exceptions import FileRefused
from azureblob.uploads.svg import sanitized
OPEN = b'<svg xmlns="http://www.w3.org/2000/svg">'
wide = b"<a/>" * {MAX_ELEMENTS - MAX_DEPTH - 1}
for data in (
    OPEN + b"<g>" * {MAX_DEPTH - 2} + wide + b"</g>" * {MAX_DEPTH - 2} + b"</svg>",
    OPEN + b"<g>" * 500_000,
    OPEN + b"<style>" + b"a{{" * 1_000_000 + b"</style></svg>",
    OPEN + b"<text>" + b"&lt;" * 500_000 + b"</text></svg>",
    OPEN[:-1] + b"".join(b' a%d="x"' % n for n in range(100_000)) + b"/>",
):
    try:
        sanitized(data)
    except FileRefused:
        pass
print("done")
"""


def test_the_worst_drawings_take_less_than_a_gigabyte() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORST], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr[-2000:]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (drawing(b""), True),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", True),
        ("<svg/>".encode("utf-16"), True),
        (b"hello", False),
        (b"<html>", False),
    ],
)
def test_a_file_that_may_be_a_drawing_is_recognised_by_its_beginning(
    head: bytes, expected: bool
) -> None:
    assert might_be(head) is expected


# --- In a field, and as stored --------------------------------------------------------------------

HOSTILE = drawing(
    b"<script>document.title = 'ran'</script><circle r='30' cx='40' cy='40'/>"
).replace(b"<svg ", b'<svg width="80" height="80" onload="document.title = \'ran\'" ', 1)


def rules() -> Any:
    from azureblob.uploads.rules import UploadRules

    return UploadRules(types=("image/png", "image/svg+xml"))


def stored(url: str) -> tuple[Any, bytes]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers, answer.read()


def test_rules_without_svg_refuse_it() -> None:
    from django.core.files.base import ContentFile

    from azureblob.uploads.inspection import inspect_file
    from azureblob.uploads.rules import UploadRules

    with pytest.raises(FileRefused) as refused:
        inspect_file(ContentFile(HOSTILE, "a.svg"), "a.svg", UploadRules())
    assert refused.value.code == "type"


def test_rules_with_svg_need_the_package_and_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.exceptions import ImproperlyConfigured

    monkeypatch.setattr("azureblob.extras.find_spec", lambda _: None)
    with pytest.raises(ImproperlyConfigured, match=re.escape("'django-azure-blob[svg]'")):
        rules()


def test_a_file_without_a_drawing_is_refused_or_an_attachment() -> None:
    from django.core.files.base import ContentFile

    from azureblob.uploads.inspection import inspect_file

    broken = b"<svg><script>"
    with pytest.raises(FileRefused, match="begins with something else"):
        inspect_file(ContentFile(broken), "a.svg", rules())
    file = ContentFile(broken)
    known = inspect_file(file, "a.svg", replace(rules(), others="attachment"))
    assert known.inspection.content_type == "application/octet-stream"
    assert file.read() == broken


@pytest.mark.usefixtures("django_site")
def test_a_checked_field_stores_the_sanitized_bytes_as_an_attachment(page: Page) -> None:
    from django.core.files.storage import default_storage
    from django.core.files.uploadedfile import SimpleUploadedFile

    from azureblob.uploads.forms import CheckedFileField

    sent = SimpleUploadedFile("my logo.svg", HOSTILE, content_type="text/html")
    clean = CheckedFileField(rules=rules()).clean(sent)
    url = default_storage.url(default_storage.save("logos/a.svg", clean))
    headers, body = stored(url)
    assert headers["Content-Type"] == "image/svg+xml"
    assert headers["Content-Disposition"].startswith('attachment; filename="my logo.svg"')
    assert b"<circle" in body
    assert b"ran" not in body
    assert clean.size == len(body)
    page.set_content(f'<img id="logo" src="{url}">')
    page.wait_for_function("document.getElementById('logo').naturalWidth === 80")
    with page.expect_download():
        page.evaluate(f"location.href = '{url}'")
    assert page.title() != "ran"
