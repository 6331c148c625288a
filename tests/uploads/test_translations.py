"""Texts for visitors, in their language."""

from __future__ import annotations

import ast
import gettext
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.app.conftest import client  # noqa: F401  # a fixture
from tests.conftest import ROOT

if TYPE_CHECKING:
    from django.test import Client

LIBRARY = ROOT / "src" / "azureblob"
CATALOGUE = LIBRARY / "locale" / "de" / "LC_MESSAGES" / "django.mo"
FUNCTIONS = {"_", "gettext", "gettext_lazy", "ngettext_lazy", "pgettext_lazy"}
PLACEHOLDERS = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def marked_texts() -> Iterator[str]:
    """Every text that the library marks for translation; of a plural the singular, by which
    catalogues list it."""
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                if node.func.id == "pgettext_lazy":
                    yield str(texts[1])
                elif node.func.id in FUNCTIONS:
                    yield str(texts[0])
    for path in LIBRARY.rglob("*.html"):
        yield from re.findall(r'\{% translate "([^"]+)" %\}', path.read_text())


def translations() -> dict[str, list[str]]:
    """What the German catalogue has for each text, without its context: several for a plural."""
    with CATALOGUE.open("rb") as file:
        found: Any = gettext.GNUTranslations(file)
    by_text: dict[str, list[str]] = {}
    for key, value in found._catalog.items():
        text = key[0] if isinstance(key, tuple) else key
        by_text.setdefault(text.rpartition("\x04")[2], []).append(value)
    return by_text


def test_every_text_has_a_german_translation_with_the_same_placeholders() -> None:
    german = translations()
    texts = set(marked_texts())
    assert len(texts) > 50
    for text in texts:
        for translated in german[text]:
            assert translated not in {"", text}, text
            assert sorted(PLACEHOLDERS.findall(translated)) == sorted(PLACEHOLDERS.findall(text))


def test_the_catalogue_is_compiled_from_its_source(tmp_path: Path) -> None:
    compiler = shutil.which("msgfmt")
    if compiler is None:
        pytest.skip("GNU gettext is not installed")
    made = tmp_path / "django.mo"
    subprocess.run([compiler, "-o", made, CATALOGUE.with_suffix(".po")], check=True)
    assert made.read_bytes() == CATALOGUE.read_bytes()


@pytest.fixture
def german(client: Client) -> Iterator[Client]:  # noqa: F811
    """A visitor whose browser asks for German, on a site with Django's LocaleMiddleware."""
    from django.conf import settings
    from django.test import Client, override_settings
    from django.utils import translation

    locale = "django.middleware.locale.LocaleMiddleware"
    # The middleware activates the language in this thread, and leaves it so.
    with (
        translation.override(settings.LANGUAGE_CODE),
        override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, locale]),
    ):
        yield Client(headers={"accept-language": "de-AT, de;q=0.9, en;q=0.5"})


def test_a_german_visitor_reads_german_errors(german: Client) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    page = german.post("/", {"image": [SimpleUploadedFile("a.png", b"<html>")]})
    text = unescape(page.content.decode())
    assert "hier kann nur JPEG, PNG, GIF oder WebP gespeichert werden" in text
    page = german.post("/", {"image-uploaded": ["x"] * 51})
    assert "Höchstens 50 Dateien auf einmal." in page.content.decode()
    asked = {"files": [{"name": "a.png", "size": 10 * 1024 * 1024 + 1}]}
    answer = german.post("/pictures/upload/begin/", json.dumps(asked), "application/json")
    [refused] = answer.json()["files"]
    assert "10.485.761 Byte" in refused["error"]
    answer = german.post("/pictures/upload/finish/", json.dumps({"id": "x"}), "application/json")
    assert answer.json()["error"].startswith("Dieser Upload ist nicht mehr bekannt.")


def test_the_page_hands_the_script_its_texts(german: Client) -> None:
    page = german.get("/").content.decode()
    [found] = re.findall(r'data-messages="([^"]+)"', page)
    messages = json.loads(unescape(found))
    assert messages["tryAgain"] == "Erneut versuchen"
    assert 'data-language="de"' in page
    script = (LIBRARY / "static" / "azureblob" / "direct.js").read_text()
    used = set(re.findall(r'\btext\((?:busy \? )?"(\w+)"', script))
    assert len(used) > 15
    assert used <= set(messages)


def test_the_page_of_an_outage_is_in_the_visitors_language(django_site: None) -> None:
    from django.test import RequestFactory
    from django.utils import translation

    from azureblob.outages import unavailable

    with translation.override("de"):
        page = unavailable(RequestFactory().get("/")).content.decode()
    assert '<html lang="de">' in page
    assert "<h1>Vorübergehend nicht verfügbar</h1>" in page
