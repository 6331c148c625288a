"""What a comparison with Django's own storage finds, and that it finds nothing in what is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from azure.storage.blob import ContainerClient, ContentSettings

from sites.comparing import compare
from tests.sites.conftest import Published

SCRIPT = "admin/js/core"


@contextmanager
def changed(published: Published, prefix: str) -> Iterator[tuple[ContainerClient, str]]:
    """The container and a blob in it, which is as it was afterwards."""
    with published.service.client() as service:
        client = service.get_container_client(published.container)
        name = next(one for one in client.list_blob_names() if one.startswith(prefix))
        blob = client.get_blob_client(name)
        content, kept = blob.download_blob(decompress=False).readall(), blob.get_blob_properties()
        yield client, name
        blob.upload_blob(content, overwrite=True, content_settings=kept.content_settings)


def test_what_django_makes_itself_is_the_same(published: Published) -> None:
    found = compare(published.service, published.container, published.folder)
    assert (found.wrong, found.types) == ([], [])
    assert found.files > 100
    assert found.blobs > found.files


def test_a_missing_file_is_named(published: Published) -> None:
    with changed(published, f"{SCRIPT}.") as (client, name):
        client.delete_blob(name)
        found = compare(published.service, published.container, published.folder)
    assert found.wrong == [f"1 missing: {name}"]


def test_other_bytes_are_found(published: Published) -> None:
    with changed(published, f"{SCRIPT}.") as (client, name):
        settings = ContentSettings(content_type="text/javascript")
        client.upload_blob(name, b"other", overwrite=True, content_settings=settings)
        found = compare(published.service, published.container, published.folder)
    assert found.wrong == [f"1 with other bytes: {name}"]


def test_a_file_that_django_would_not_make_is_named(published: Published) -> None:
    with changed(published, SCRIPT) as (client, _):
        client.upload_blob("more.css", b"")
        found = compare(published.service, published.container, published.folder)
        client.delete_blob("more.css")
    assert found.wrong == ["1 published though Django makes no such file: more.css"]


def test_a_manifest_with_another_name_is_told(published: Published) -> None:
    with changed(published, "staticfiles.json") as (client, name):
        client.upload_blob(name, b'{"paths": {"admin/js/core.js": "x.js"}}', overwrite=True)
        found = compare(published.service, published.container, published.folder)
    [told] = found.wrong
    assert told.startswith("the manifest differs in ")


def test_a_type_that_django_would_not_serve_is_told(published: Published) -> None:
    with changed(published, "admin/css/login.") as (client, name):
        blob = client.get_blob_client(name)
        kept = blob.get_blob_properties().content_settings
        kept.content_type = "text/html"
        blob.set_http_headers(kept)
        found = compare(published.service, published.container, published.folder)
    assert found.types == [f"{name}: text/html, where Django's server says text/css"]
