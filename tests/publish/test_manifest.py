"""`{% static %}` takes names from the manifest, which is read once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults import FaultProxy, Rule
from tests.publish.container import MANIFEST, Container
from tests.publish.site import Finished, Site
from tests.publish.trees import small_tree

# Each line that a thread prints is a URL, or the error's text.
ASK = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Engine

names = {names!r}
together = Barrier({threads})
template = Engine(libraries={{"static": "django.templatetags.static"}}).from_string(
    "{{% load static %}}{{% static name %}}"
)

def ask(number):
    together.wait()
    try:
        return [template.render(Context({{"name": name}}, autoescape=False)) for name in names]
    except (ImproperlyConfigured, ValueError) as error:
        return [f"{{type(error).__name__}}: {{error}}"]

with ThreadPoolExecutor({threads}) as pool:
    for urls in pool.map(ask, range({threads})):
        print(*urls, sep="\\n")
"""


def asked(site: Site, *names: str, threads: int = 1, **options: object) -> Finished:
    return site.run(ASK.format(names=names, threads=threads), **options).well()


def test_16_threads_that_ask_at_once_read_the_manifest_with_one_get(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.publish().well()
    proxy.take()
    proxy.rules = [Rule(delay=100)]
    names = ("css/site.css", "img/photo1.png", "js/part0.js")
    lines = asked(site, *names, threads=16).out.splitlines()
    records = proxy.take()
    assert [(record.method, record.path.rpartition("/")[2]) for record in records] == [
        ("GET", MANIFEST)
    ]
    base = f"http://127.0.0.1:{site.port}/{container.account}/{container.name}/"
    paths = container.paths()
    assert lines == [base + paths[name] for name in names] * 16


def test_a_url_is_quoted_and_keeps_a_query_and_a_fragment(site: Site, container: Container) -> None:
    site.publish().well()
    paths = container.paths()
    base = f"http://127.0.0.1:{site.port}/{container.account}/{container.name}/"
    lines = asked(site, "notes/read me.txt", "notes/\u00fcber.txt", "img/photo1.png#x?y", "img/")
    photo = paths["img/photo1.png"]
    assert lines.out.splitlines() == [
        base + paths["notes/read me.txt"].replace(" ", "%20"),
        base + paths["notes/\u00fcber.txt"].replace("\u00fc", "%C3%BC"),
        f"{base}{photo}#x?y",
        f"{base}img/",
    ]


def test_plain_names_need_no_manifest_and_no_request(site: Site, proxy: FaultProxy) -> None:
    [url] = asked(site, "css/site.css", hashed_names=False).out.split()
    assert url.endswith("/css/site.css")
    assert proxy.take() == []


def test_storages_and_commands_that_ask_for_no_url_read_no_manifest(
    site: Site, proxy: FaultProxy
) -> None:
    site.manage("check").well()
    site.manage("findstatic", "css/site.css").well()
    assert proxy.take() == []


# --- Errors ---------------------------------------------------------------------------------------


def error(site: Site, **options: Any) -> str:
    """The error of a page, which has one line."""
    ended = asked(site, "css/site.css", **options)
    [line] = ended.out.splitlines()
    assert site.container.key not in ended.out + ended.err
    assert ended.err == ""
    return line


def test_the_error_for_a_missing_manifest_says_what_to_run(site: Site) -> None:
    assert error(site) == (
        f"ManifestError: There is no {MANIFEST} of the container '{site.container.name}': nothing "
        "was published. Run manage.py collectstatic for this container."
    )


@pytest.mark.parametrize("content", [b"", b"[]", b'{"paths": []}'])
def test_the_error_for_a_broken_manifest_says_what_to_run(
    site: Site, container: Container, content: bytes
) -> None:
    container.put(MANIFEST, content)
    message = error(site)
    assert message.startswith("ManifestError: ")
    assert message.endswith(
        "is no manifest of Django's. Run manage.py collectstatic for this container."
    )


def test_the_next_publish_replaces_a_broken_manifest(site: Site, container: Container) -> None:
    site.publish().well()
    container.put(MANIFEST, b'{"paths": ')
    site.publish().well()
    container.holds(site.expected())


def test_the_error_for_a_name_that_is_not_in_the_manifest_says_what_to_run(site: Site) -> None:
    site.publish().well()
    site.write({"css/new.css": b"p{}"})
    [line] = asked(site, "css/new.css").out.splitlines()
    assert line == (
        "ValueError: Missing staticfiles manifest entry for 'css/new.css'. Run manage.py "
        "collectstatic for this container, then start the site again: a process reads the manifest "
        "once."
    )
    [url] = asked(site, "css/new.css", manifest_strict=False).out.splitlines()
    assert url.endswith("/css/new.css")


@pytest.mark.parametrize("fault", ["away", "refused"])
def test_a_service_that_cannot_be_reached_is_reported_without_addresses_and_keys(
    site: Site, proxy: FaultProxy, fault: str
) -> None:
    if fault == "away":
        proxy.cut()
    else:
        proxy.rules = [Rule(status=403)]
    # Threads that ask at once get the error at once, and do not wait for one another's attempts.
    ended = asked(site, "css/site.css", threads=8)
    [message] = set(ended.out.splitlines())
    assert (ended.err, site.container.key in message) == ("", False)
    assert len(proxy.take()) <= 1
    assert message.startswith(f"ManifestError: {MANIFEST} of the container ")
    assert "/healthz" in message
    assert "127.0.0.1" not in message


def test_a_manifest_that_came_late_is_read_when_asked_again(
    site: Site, container: Container
) -> None:
    """An error is not cached: the site works again when the service does."""
    script = f"""
from django.contrib.staticfiles.storage import staticfiles_storage as storage
try:
    storage.url("a.css")
except Exception as error:
    print(type(error).__name__)
storage.blobs.client.upload_blob({MANIFEST!r}, {json.dumps({"paths": {"a.css": "a.1.css"}})!r})
print(storage.url("a.css").rpartition("/")[2])
"""
    assert site.run(script).well().out.split() == ["ManifestError", "a.1.css"]


@pytest.mark.parametrize("name", ["dir/?v=1", "dir/#part", "dir/", "a/b/?x=y#z"])
def test_a_folder_has_its_url_with_a_query_too(site: Site, name: str) -> None:
    site.publish().well()
    said = site.run(
        f"from django.templatetags.static import static\nprint(static({name!r}))"
    ).well()
    assert said.out.strip().endswith(f"/{site.container.name}/{name}")


@pytest.mark.parametrize("name", ["?v=1", "#a"])
def test_a_query_without_a_name_is_no_file_as_in_django(site: Site, name: str) -> None:
    site.publish().well()
    assert f"Missing staticfiles manifest entry for {name!r}" in asked(site, name).out


# --- Without a manifest ---------------------------------------------------------------------------


def test_with_debug_on_urls_are_plain_as_by_django_and_no_manifest_is_needed(
    site: Site, proxy: FaultProxy, container: Container
) -> None:
    site.settings["DEBUG"] = True
    names = ("css/new.css", "img/photo1.png?x#y", "notes/read me.txt", "img/")
    base = f"http://127.0.0.1:{site.port}/{container.account}/{container.name}/"
    plain = [
        f"{base}css/new.css",
        f"{base}img/photo1.png?x#y",
        f"{base}notes/read%20me.txt",
        f"{base}img/",
    ]
    assert asked(site, *names).out.splitlines() == plain
    assert proxy.take() == []
    # The files of such a page exist once they are published, and stay.
    site.publish(keep_unhashed=None).well()
    assert asked(site, *names).out.splitlines() == plain
    for name in small_tree():
        assert container.get(name).status == 200, name
    site.settings["DEBUG"] = False
    assert "Missing staticfiles manifest entry for 'css/new.css'" in asked(site, *names).out


@pytest.mark.parametrize("state", ["never published", "lacks the name", "damaged", "unreachable"])
def test_an_app_that_asks_for_a_url_while_it_is_imported_keeps_no_command_from_running(
    site: Site, proxy: FaultProxy, container: Container, state: str
) -> None:
    (site.folder / "eager").mkdir()
    (site.folder / "eager/__init__.py").touch()
    (site.folder / "eager/models.py").write_text(
        "from django.templatetags.static import static\nICON = static('css/eager.css')\n"
    )
    site.settings["INSTALLED_APPS"] = ["azureblob", "django.contrib.staticfiles", "eager"]
    if state in ("lacks the name", "damaged"):
        site.publish().well()
    if state == "damaged":
        container.put(MANIFEST, b'{"paths": ')
    site.write({"css/eager.css": b"p{}"})
    if state == "unreachable":
        proxy.cut()
        site.manage("check").well()
        proxy.restore()
    proxy.take()
    site.manage("check").well()
    site.manage("makemigrations", "--check").well()
    assert proxy.take() == []
    if state == "lacks the name":
        site.manage("prunestatic").well()
    # A command that renders pages needs the manifest.
    assert site.manage("shell", "-c", "").code == 1
    site.publish().well()
    assert (
        site.run("from eager.models import ICON; print(ICON)")
        .well()
        .out.endswith(f"/{container.paths()['css/eager.css']}\n")
    )
