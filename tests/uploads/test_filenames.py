"""File names: how they are shown, and how they are stored."""

from __future__ import annotations

import re
import unicodedata
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from azureblob.uploads.filenames import (
    MAX_LENGTH,
    content_disposition,
    original_name,
    original_name_metadata,
    random_name,
    shown_name,
)
from azureblob.uploads.inspection import ATTACHMENT

# Without a glyph, in categories of letters, marks and symbols.
INVISIBLE = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u2800\u3164\ufe00\ufe0f\uffa0") | set(
    "\U000e0001\U000e0041\U000e0100\U000e01ef\U0001d159"
)
# Text of any kind, and much of what attacks by names use.
NASTY = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["..", "/", "\\", ".", " ", "\0", "\r\n", "\u202e", "\u2066", "\u200b", "\ufeff"]
            + ["CON", "nul", "com1", ".html", ".jpg", '"', "%00", ";", "é", "e\u0301", "\U0001f63a"]
            + [*sorted(INVISIBLE), "\u200c", "\u200d", "\u00ad", "\u061c", "\u180e", "\u2060"]
            + ["\u0378", "\ue000", "\u2028", "x" * 130]
        ),
    ),
    max_size=12,
).map("".join)
DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in range(10)}


@given(NASTY)
@example("a" * MAX_LENGTH + "\u0301.jpg")
def test_a_shown_name_is_valid_on_any_disk(original: str) -> None:
    name = shown_name(original)
    assert 1 <= len(name) <= MAX_LENGTH
    assert not set(name) & set('/\\<>:"|?*')
    assert name == name.strip(". ")
    assert name.partition(".")[0].rstrip().lower() not in DEVICES
    assert unicodedata.is_normalized("NFC", name)
    assert not {c for c in name if unicodedata.category(c)[0] == "C"}
    assert not set(name) & INVISIBLE


@given(NASTY)
def test_a_shown_name_is_shown_unchanged(original: str) -> None:
    assert shown_name(shown_name(original)) == shown_name(original)


@pytest.mark.parametrize(
    ("original", "shown"),
    [
        ("Ferien in Köln.jpg", "Ferien in Köln.jpg"),
        ("e\u0301te\u0301.png", "été.png"),
        ("/etc/passwd", "passwd"),
        ("C:\\temp\\cat.png", "cat.png"),
        ("cat\u202egnp.exe", "catgnp.exe"),
        ("  two   words .txt", "two words .txt"),
        (".htaccess", "htaccess"),
        ("aux.tar.gz", "_aux.tar.gz"),
        ("COM¹.txt", "_COM¹.txt"),
        ("console.txt", "console.txt"),
        ("\u0645\u06cc\u200c\u062e.pdf", "\u0645\u06cc\u062e.pdf"),
        ("\U0001f468\u200d\U0001f4bb.png", "\U0001f468\U0001f4bb.png"),
        ("\u2764\ufe0f.png", "\u2764.png"),
        ("invoice\u3164\u3164.pdf", "invoice.pdf"),
        ("in\u200dvoice\U000e0041.pdf", "invoice.pdf"),
        ("\u2800\u115f\uffa0", "file"),
        ("", "file"),
        ("...", "file"),
        ("\u202e", "file"),
    ],
)
def test_only_harmful_parts_of_a_name_are_removed(original: str, shown: str) -> None:
    assert shown_name(original) == shown


def test_a_name_that_is_too_long_keeps_its_extension() -> None:
    assert shown_name("x" * 500 + ".jpeg") == "x" * (MAX_LENGTH - 5) + ".jpeg"


@given(NASTY)
def test_metadata_is_ascii_of_limited_length_that_returns_the_name(original: str) -> None:
    metadata = original_name_metadata(original)
    assert re.fullmatch(r"[A-Za-z0-9_.~%-]*", metadata["original_name"])
    assert len(metadata["original_name"]) <= 4096
    assert original_name(metadata) == original[:255].encode(errors="replace").decode()


@given(NASTY)
def test_a_content_disposition_is_one_header_with_the_shown_name(original: str) -> None:
    value = content_disposition(original)
    assert value.isascii()
    assert value.isprintable()
    header = Message()
    header["Content-Disposition"] = value
    assert header.get_content_disposition() == "attachment"
    assert unquote(value.partition("filename*=UTF-8''")[2]) == shown_name(original)
    assert value.count('"') == 2
    assert "%" not in value.partition("filename*")[0]


def test_names_of_blobs_are_random_and_never_repeat() -> None:
    names = {random_name("pictures", ".jpg") for _ in range(1000)}
    assert len(names) == 1000
    assert all(re.fullmatch(r"pictures/[\w-]{22}\.jpg", name) for name in names)
    assert re.fullmatch(r"[\w-]{22}\.bin", random_name("", ATTACHMENT.extension))
    assert re.fullmatch(r"a/b/[\w-]{22}\.bin", random_name("/a/b/", ".bin"))
