"""The hand-over: what the stack exports is what the app reads, name for name."""

from __future__ import annotations

import pytest

from backend.environment import CONTRACT, IDENTITY_CONTRACT
from infra.outputs import OUTPUTS
from tests.conftest import ROOT
from tests.infra.declared import Declared

# For other programs; the site works with and without it, so any `.env` stays right.
NOT_READ = {"AZURE_BLOB_SECONDARY_ENDPOINT", "SITE_URL"}


def test_the_stack_and_the_stand_in_have_the_same_regions() -> None:
    files = [ROOT / room / "regions.json" for room in ("infra", "localazure/provider")]
    assert files[0].read_text() == files[1].read_text()


def test_the_names_that_the_stack_describes_are_the_names_that_the_app_reads() -> None:
    assert set(OUTPUTS) == {*CONTRACT, *IDENTITY_CONTRACT, *NOT_READ}


def test_the_names_that_the_stack_really_exports_are_the_names_that_the_app_reads(
    azure_env: dict[str, str],
) -> None:
    assert sorted(azure_env) == sorted(CONTRACT)


def test_a_stack_with_an_identity_exports_what_a_site_without_a_key_reads() -> None:
    principal = "ServicePrincipal:11111111-2222-3333-4444-555555555555"
    identity = {"authMode": "identity", "dataPrincipals": [principal]}
    assert sorted(Declared(**identity).outputs) == sorted(IDENTITY_CONTRACT)


@pytest.mark.parametrize(
    ("sku", "extra"),
    [("Standard_RAGZRS", {"AZURE_BLOB_SECONDARY_ENDPOINT"}), ("Standard_GZRS", set())],
)
def test_a_stack_with_read_access_to_a_second_region_exports_its_endpoint_too(
    sku: str, extra: set[str]
) -> None:
    assert set(Declared(sku=sku).outputs) == {*CONTRACT, *extra}
