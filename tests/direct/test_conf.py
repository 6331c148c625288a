"""The setting AZURE_QUARANTINE_CONTAINER, and the name that it had before."""

from __future__ import annotations

import pytest


@pytest.mark.usefixtures("django_site")
def test_without_the_setting_the_container_is_quarantine() -> None:
    from django.conf import settings
    from django.test import override_settings

    from azureblob.direct.conf import quarantine_container

    with override_settings(AZURE_QUARANTINE_CONTAINER="waiting"):
        assert quarantine_container() == "waiting"
        del settings.AZURE_QUARANTINE_CONTAINER
        assert quarantine_container() == "quarantine"


@pytest.mark.usefixtures("django_site")
def test_the_old_name_of_the_setting_is_read_with_a_warning() -> None:
    from django.conf import settings
    from django.core.checks import run_checks
    from django.test import override_settings

    from azureblob.direct.quarantine import site_quarantine

    with override_settings(QUARANTINE_LOCATION="old", AZURE_QUARANTINE_CONTAINER="x"):
        del settings.AZURE_QUARANTINE_CONTAINER
        expected = "QUARANTINE_LOCATION is deprecated; use AZURE_QUARANTINE_CONTAINER"
        with pytest.warns(DeprecationWarning, match=expected):
            assert site_quarantine().storage.azure_container == "old"
        with pytest.warns(DeprecationWarning, match=expected):
            [warning] = [m for m in run_checks(tags=["azureblob"]) if m.id == "azureblob.W010"]
        assert "will be ignored" in warning.msg
        assert warning.hint == "Rename it to AZURE_QUARANTINE_CONTAINER."


@pytest.mark.usefixtures("django_site")
def test_the_new_name_of_the_setting_takes_precedence() -> None:
    from django.core.checks import run_checks
    from django.test import override_settings

    from azureblob.direct.conf import quarantine_container

    with override_settings(QUARANTINE_LOCATION="old", AZURE_QUARANTINE_CONTAINER="new"):
        assert quarantine_container() == "new"
        [warning] = [m for m in run_checks(tags=["azureblob"]) if m.id == "azureblob.W010"]
        assert "is deprecated and is ignored" in warning.msg
        assert warning.hint == "Remove it."
    assert not [m for m in run_checks(tags=["azureblob"]) if m.id == "azureblob.W010"]
