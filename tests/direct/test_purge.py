"""`purgequarantine`: what nobody came back for."""

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


def test_old_uploads_go_and_young_ones_stay(browser: Browser, hold: Quarantine) -> None:
    browser.send(picture())
    browser.token(picture())
    old = set(names(hold))
    assert "0 uploads deleted" in purge()
    assert "0 uploads deleted" in purge("--older-than", "1h")
    time.sleep(3)
    browser.send(picture())
    young = set(names(hold)) - old
    told = purge("--older-than", "2s", "-v2")
    assert all(f"Deleted '{name}'" in told for name in old)
    assert "2 uploads deleted (0.0 MB)." in told
    assert set(names(hold)) == young


def test_a_dry_run_names_them_and_deletes_nothing(browser: Browser, hold: Quarantine) -> None:
    browser.send(picture())
    time.sleep(1.1)
    told = purge("--older-than", "0", "--dry-run")
    assert f"Pretending to delete '{names(hold)[0]}'" in told
    assert "1 uploads would be deleted" in told
    assert len(names(hold)) == 1


def test_a_lease_keeps_nothing(browser: Browser, hold: Quarantine) -> None:
    browser.send(picture())
    name = names(hold)[0]
    hold.claim(name, str(hold.properties(name).etag))  # type: ignore[union-attr]
    time.sleep(1.1)
    assert "1 uploads deleted" in purge("--older-than", "0")
    assert names(hold) == []


def test_a_span_that_is_none_and_a_container_that_is_not_there_are_told(
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
