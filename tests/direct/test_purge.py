"""`purgequarantine` deletes abandoned uploads."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest

from tests.direct.conftest import Browser, names, picture

if TYPE_CHECKING:
    from azureblob.direct.quarantine import Quarantine


def purge(*arguments: str, **options: object) -> str:
    from django.core.management import call_command

    out = io.StringIO()
    call_command("purgequarantine", *arguments, stdout=out, **options)
    return out.getvalue()


def test_old_uploads_are_deleted_and_new_ones_are_not(browser: Browser, hold: Quarantine) -> None:
    browser.send(picture())
    browser.token(picture())
    old = set(names(hold))
    assert "0 uploads deleted" in purge()
    assert "0 uploads deleted" in purge("--older-than", "1h")
    time.sleep(3)
    browser.send(picture())
    new = set(names(hold)) - old
    printed = purge("--older-than", "2s", "-v2")
    assert all(f"Deleted '{name}'" in printed for name in old)
    assert "2 uploads deleted (0.0 MB)." in printed
    assert set(names(hold)) == new


def test_a_dry_run_lists_uploads_and_deletes_none(browser: Browser, hold: Quarantine) -> None:
    browser.send(picture())
    time.sleep(1.1)
    printed = purge("--older-than", "0", "--dry-run")
    assert f"Pretending to delete '{names(hold)[0]}'" in printed
    assert "1 uploads would be deleted" in printed
    assert len(names(hold)) == 1


def test_a_lease_does_not_prevent_the_deletion(browser: Browser, hold: Quarantine) -> None:
    browser.send(picture())
    name = names(hold)[0]
    hold.claim(name, str(hold.properties(name).etag))  # type: ignore[union-attr]
    time.sleep(1.1)
    assert "1 uploads deleted" in purge("--older-than", "0")
    assert names(hold) == []


def test_an_invalid_span_and_a_missing_container_are_reported(
    django_site: None,
) -> None:
    from django.core.management import CommandError
    from django.test import override_settings

    with pytest.raises(CommandError, match="is no span of time: 30d, 12h"):
        purge("--older-than", "yesterday")
    with (
        override_settings(AZURE_QUARANTINE_CONTAINER="not-there"),
        pytest.raises(CommandError, match="The container 'not-there' does not exist"),
    ):
        purge()
    with (
        override_settings(AZURE_BLOB_ENDPOINT="http://127.0.0.1:1/djangoaccountstorage/"),
        pytest.raises(CommandError, match="The storage failed"),
    ):
        purge()
