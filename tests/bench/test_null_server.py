"""The null server, as azure-storage-blob sees it."""

from __future__ import annotations

import hashlib
import http.client
from base64 import b64encode

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import ContainerClient, ContentSettings

from azureblob.publish.manifest import cache_name
from bench.servers.running import ACCOUNT, CONTAINER, HOST, NullServer


def _client(server: NullServer) -> ContainerClient:
    credential = AzureNamedKeyCredential(ACCOUNT, server.key)
    return ContainerClient(
        f"http://{HOST}:{server.port}/{ACCOUNT}", CONTAINER, credential=credential
    )


def test_it_keeps_names_digests_headers_and_metadata(null_server: NullServer) -> None:
    name, body = "a b/ü&<%#?.css", b"body { color: red }" * 100
    settings = ContentSettings(
        content_type="text/css; charset=utf-8",
        cache_control="public, max-age=300",
        content_encoding="gzip",
    )
    with _client(null_server) as client:
        client.upload_blob(name, body, metadata={"md5": "abc"}, content_settings=settings)
        [listed] = client.list_blobs(include=["metadata"])
        asked = client.get_blob_client(name).get_blob_properties()
    md5 = hashlib.md5(body, usedforsecurity=False).digest()
    for blob in (listed, asked):
        assert blob.name == name
        assert blob.size == len(body)
        assert bytes(blob.content_settings.content_md5 or b"") == md5
        assert blob.content_settings.content_type == "text/css; charset=utf-8"
        assert blob.content_settings.cache_control == "public, max-age=300"
        assert blob.content_settings.content_encoding == "gzip"
        assert blob.metadata == {"md5": "abc"}
        assert blob.etag


def test_it_lists_5000_blobs_a_page_in_order_and_all_of_them(null_server: NullServer) -> None:
    names = [f"many/{n:05}" for n in range(5003)]
    connection = http.client.HTTPConnection(HOST, null_server.port)
    for name in reversed(names):
        connection.request("PUT", f"/{ACCOUNT}/{CONTAINER}/{name}", b"x")
        assert connection.getresponse().read() == b""
    connection.close()
    with _client(null_server) as client:
        assert [blob.name for blob in client.list_blobs()] == names
        assert len(list(client.list_blobs(name_starts_with="many/0500"))) == 3
    assert null_server.counts() == {"PUT": 5003, "LIST": 3}


def test_a_render_cache_can_be_read_and_no_other_body(null_server: NullServer) -> None:
    body = bytes(range(256)) * 1000
    connection = http.client.HTTPConnection(HOST, null_server.port)
    answers = {}
    for name in (cache_name("staticfiles.json"), "other"):
        for content in (b"old", body):
            connection.request("PUT", f"/{ACCOUNT}/{CONTAINER}/{name}", content)
            connection.getresponse().read()
        connection.request("GET", f"/{ACCOUNT}/{CONTAINER}/{name}")
        answer = connection.getresponse()
        answers[name] = answer.status, answer.read()
    connection.close()
    assert answers[cache_name("staticfiles.json")] == (200, body)
    assert answers["other"][0] == 501


def test_what_is_not_there_is_not_found_and_what_is_deleted_is_gone(
    null_server: NullServer,
) -> None:
    with _client(null_server) as client:
        with pytest.raises(ResourceNotFoundError):
            client.get_blob_client("none").get_blob_properties()
        client.upload_blob("one", b"x")
        client.delete_blob("one")
        assert not client.get_blob_client("one").exists()
        assert list(client.list_blobs()) == []


def test_conditions_count(null_server: NullServer) -> None:
    with _client(null_server) as client:
        client.upload_blob("one", b"x")
        with pytest.raises(ResourceExistsError):
            client.upload_blob("one", b"y")
        client.upload_blob("one", b"yy", overwrite=True)
        [blob] = client.list_blobs()
        assert blob.size == 2


def test_a_given_digest_is_believed(null_server: NullServer) -> None:
    connection = http.client.HTTPConnection(HOST, null_server.port)
    given = b64encode(b"0123456789abcdef").decode()
    connection.request("PUT", f"/{ACCOUNT}/{CONTAINER}/x", b"x", {"Content-MD5": given})
    assert connection.getresponse().status == 201
    connection.close()
    with _client(null_server) as client:
        [blob] = client.list_blobs()
    assert bytes(blob.content_settings.content_md5 or b"") == b"0123456789abcdef"
