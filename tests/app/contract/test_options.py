"""Options and settings: what they mean, and what is refused in a sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.test import override_settings

from azureblob.signing import LONGEST_SECONDS
from azureblob.staticfiles import StaticBlobStorage
from azureblob.storage import BlobStorage
from tests.app.contract.conftest import media_storage

SECRET = "c2VjcmV0IG9mIHRoZSBhY2NvdW50"


def refusal(kind: Any = BlobStorage, **options: Any) -> str:
    chosen = {"azure_container": "media", **options}
    with pytest.raises(ImproperlyConfigured) as refused:
        kind(**chosen)
    return str(refused.value)


def test_text_from_the_environment_is_taken_as_a_number(django_site: None) -> None:
    storage = media_storage(
        signed=True,
        signed_seconds="600",
        timeout=" 30 ",
        max_memory_size="1000",
        upload_max_conn="3",
    )
    assert (storage.signed_seconds, storage.timeout) == (600, 30)
    assert (storage.max_memory_size, storage.upload_max_conn) == (1000, 3)
    assert "sig=" in storage.url(storage.save("a.txt", ContentFile(b"x")))


@pytest.mark.parametrize(
    "name", ["signed_seconds", "timeout", "max_memory_size", "upload_max_conn"]
)
@pytest.mark.parametrize("value", ["ten minutes", "", "0", "-1", 0, -5, 1.5, None, "1e3", "٣"])
def test_what_is_no_number_is_refused_by_name(django_site: None, name: str, value: Any) -> None:
    assert f"{name} is {value!r}: it must be a whole number of at least 1." in refusal(
        **{name: value}
    )


def test_a_signature_of_over_three_days_is_refused(django_site: None) -> None:
    assert BlobStorage(azure_container="m", signed_seconds=LONGEST_SECONDS)
    for seconds in (LONGEST_SECONDS + 1, str(LONGEST_SECONDS + 1), 7 * 24 * 3600):
        assert "at most 7 days" in refusal(signed_seconds=seconds)


@pytest.mark.parametrize("name", ["signed", "overwrite_files"])
def test_text_is_no_switch_because_false_would_count_as_true(django_site: None, name: str) -> None:
    assert f"{name} is 'false': it must be True or False." in refusal(**{name: "false"})


def test_text_is_no_switch_of_the_static_storage_either(django_site: None) -> None:
    for name in ("hashed_names", "manifest_strict", "gzip"):
        assert f"{name} is 'no': it must be True or False." in refusal(
            StaticBlobStorage, **{name: "no"}
        )


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("connection_string", "account_name and account_key"),
        ("sas_token", "account_key or token_credential"),
        ("azure_ssl", "blob_endpoint"),
        ("endpoint_suffix", "blob_endpoint"),
        ("expiration_secs", "signed_seconds"),
        ("api_version", "client_options"),
        ("default_content_type", "object_parameters"),
    ],
)
def test_an_option_of_django_storages_that_means_nothing_is_refused_with_what_does(
    django_site: None, name: str, instead: str
) -> None:
    said = refusal(**{name: f"AccountKey={SECRET}"})
    assert f"{name} has no effect here" in said
    assert instead in said
    assert SECRET not in said


@pytest.mark.parametrize("kind", [BlobStorage, StaticBlobStorage])
def test_an_option_that_nobody_knows_is_refused_by_name(django_site: None, kind: Any) -> None:
    assert "'overwrite_file'" in refusal(kind, overwrite_file=True)


def test_a_setting_that_another_tool_reads_is_no_location(django_site: None) -> None:
    with override_settings(AZURE_LOCATION="westeurope"):
        assert BlobStorage(azure_container="media").location == ""


@pytest.mark.parametrize("location", ["..", "a/../..", "../a"])
def test_a_location_outside_is_refused(django_site: None, location: str) -> None:
    assert f"location is {location!r}" in refusal(location=location)


def test_a_domain_is_no_url(django_site: None) -> None:
    for kind in (BlobStorage, StaticBlobStorage):
        assert "without a scheme" in refusal(kind, custom_domain="https://cdn.example.com/")
        storage = kind(azure_container="c", custom_domain="cdn.example.com/")
        assert storage.url("") == "http://cdn.example.com/c/"


@pytest.mark.parametrize("kind", [BlobStorage, StaticBlobStorage])
def test_the_address_follows_from_the_accounts_name(kind: Any) -> None:
    with override_settings(AZURE_BLOB_ENDPOINT=None, AZURE_CUSTOM_DOMAIN=None):
        storage = kind(azure_container="c", account_name="shop", account_key=SECRET)
    assert storage.url("") == "https://shop.blob.core.windows.net/c/"
    with storage.service(retries=0, connect=1, read=1) as service:
        assert service.url == "https://shop.blob.core.windows.net/"


@pytest.mark.parametrize("kind", [BlobStorage, StaticBlobStorage])
def test_a_key_beside_an_identity_is_refused_and_not_shown(django_site: None, kind: Any) -> None:
    for identity in ({"token_credential": object()}, {"auth_mode": "identity"}):
        said = refusal(kind, account_key=SECRET, **identity)
        assert "account key and an identity" in said
        assert SECRET not in said
    assert "neither" not in refusal(kind, account_key=None)


def test_all_that_is_wrong_is_told_at_once(django_site: None) -> None:
    said = refusal(azure_container="", account_name="", signed="x", timeout="y", location="..")
    for name in ("azure_container", "AZURE_ACCOUNT_NAME", "signed", "timeout", "location"):
        assert name in said


def test_client_options_reach_the_client_and_go_before(django_site: None) -> None:
    """The probe's time-outs are its own whatever they say."""
    media = media_storage(
        client_options={"api_version": "2021-12-02", "read_timeout": 7, "user_agent": "gallery"}
    )
    seen = []
    media.client.get_container_properties(raw_request_hook=lambda r: seen.append(r.http_request))
    assert seen[0].headers["x-ms-version"] == "2021-12-02"
    assert seen[0].headers["User-Agent"].startswith("gallery ")
    transport = media.service_client._pipeline._transport
    assert transport.connection_config.read_timeout == 7
    with media.service(retries=0, connect=1, read=2) as service:
        assert service._pipeline._transport.connection_config.read_timeout == 2
        assert service.api_version == "2021-12-02"


def test_an_instance_without_options_inspects_content_and_follows_the_settings(
    django_site: None,
) -> None:
    from django.test import override_settings

    from azureblob.storage import BlobStorage

    private = {
        "AZURE_MEDIA_ACCESS": "private",
        "AZURE_MEDIA_CONTAINER": "uploads",
        "AZURE_MEDIA_URL_SECONDS": "60",
    }
    with override_settings(**private):
        storage = BlobStorage()
    assert (storage.check_content, storage.signed) == (True, True)
    assert (storage.azure_container, storage.signed_seconds) == ("uploads", 60)
    with override_settings(
        AZURE_MEDIA_ACCESS="public", AZURE_MEDIA_CONTAINER=None, AZURE_CONTAINER="of-storages"
    ):
        storage = BlobStorage()
    assert (storage.check_content, storage.signed) == (True, False)
    assert storage.azure_container == "of-storages"
    with override_settings(**private, AZURE_CHECK_CONTENT=False):
        storage = BlobStorage(signed=False)
    assert (storage.check_content, storage.signed) == (False, False)


def test_settings_that_might_mean_either_are_refused(django_site: None) -> None:
    from django.test import override_settings

    from azureblob.storage import BlobStorage

    for wrong in ({"AZURE_MEDIA_ACCESS": "Private"}, {"AZURE_CHECK_CONTENT": "false"}):
        with override_settings(**wrong), pytest.raises(ImproperlyConfigured) as refused:
            BlobStorage(azure_container="m")
        assert str(next(iter(wrong.values()))) in str(refused.value)


def test_a_page_that_a_library_stores_is_an_attachment(django_site: None) -> None:
    """By a storage that it made of the class, without any option but the container."""
    import requests
    from django.core.files.base import ContentFile

    from azureblob.storage import BlobStorage

    library = BlobStorage(azure_container="made-by-a-library")
    library.client.create_container(public_access="blob")
    saved = library.save("page.html", ContentFile(b"<script>alert(1)</script>"))
    headers = requests.get(library.url(saved), timeout=5).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")
