"""The site in this process, with its storages in the Azurite of this run."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from django.test import Client


_sites: list[bool] = []


@pytest.fixture(scope="session")
def django_site(
    azure_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Django set up with a database of its own.

    The environment is put back at once: the settings have been read, and other rooms' tests start
    processes that must not inherit it.
    """
    if _sites:  # a room that imports this fixture has one of its own: Django is set up once
        yield
        return
    _sites.append(True)
    folder = tmp_path_factory.mktemp("django")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in site_environment(azure_env, folder).items():
            patch.setenv(name, value)
        patch.setenv("DJANGO_SETTINGS_MODULE", "backend.settings")
        import django

        django.setup()
        from django.conf import settings

        assert azure_env["AZURE_ACCOUNT_NAME"] == settings.AZURE_ACCOUNT_NAME
    from django.core.management import call_command
    from django.db import connections
    from django.test.utils import setup_test_environment, teardown_test_environment

    setup_test_environment()
    call_command("migrate", verbosity=0, stdout=io.StringIO())
    # Pages take the names of their files from the manifest.
    call_command("collectstatic", interactive=False, verbosity=0, stdout=io.StringIO())
    yield
    teardown_test_environment()
    connections.close_all()


def site_environment(azure_env: dict[str, str], folder: Path) -> dict[str, str]:
    """All that the site reads; its database lies in `folder`."""
    return {
        **azure_env,
        "DJANGO_ENV_FILE": str(folder / "no.env"),
        "DJANGO_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF",
        "DJANGO_DEBUG": "true",
        "DATABASE_URL": f"sqlite:///{folder / 'site.sqlite3'}",
    }


@pytest.fixture
def client(django_site: None) -> Client:
    from django.test import Client

    return Client()
