"""Which changes of redundancy are updates, and which are conversions, as Azure's table has them."""

from __future__ import annotations

from typing import get_args

import pytest

from infra.redundancy import Redundancy, refusal
from infra.rules import Sku

SKUS = get_args(Sku)

# "Change how a storage account is replicated", replication change table: the SKU to set first (""
# for none) and the SKU to convert to; None for a change that is one update.
TABLE = {
    ("LRS", "GRS"): None,
    ("LRS", "RAGRS"): None,
    ("LRS", "ZRS"): ("", "ZRS"),
    ("LRS", "GZRS"): ("GRS", "GZRS"),
    ("LRS", "RAGZRS"): ("RAGRS", "RAGZRS"),
    ("GRS", "LRS"): None,
    ("GRS", "RAGRS"): None,
    ("GRS", "ZRS"): ("LRS", "ZRS"),
    ("GRS", "GZRS"): ("", "GZRS"),
    ("GRS", "RAGZRS"): ("RAGRS", "RAGZRS"),
    ("RAGRS", "GZRS"): ("GRS", "GZRS"),
    ("RAGRS", "RAGZRS"): ("", "RAGZRS"),
    ("ZRS", "LRS"): ("", "LRS"),
    ("ZRS", "GRS"): ("GZRS", "GRS"),
    ("ZRS", "GZRS"): None,
    ("ZRS", "RAGZRS"): None,
    ("GZRS", "LRS"): ("ZRS", "LRS"),
    ("GZRS", "GRS"): ("", "GRS"),
    ("GZRS", "ZRS"): None,
    ("RAGZRS", "GRS"): ("GZRS", "GRS"),
    ("RAGZRS", "ZRS"): None,
}


@pytest.mark.parametrize(("change", "way"), TABLE.items(), ids=["-".join(c) for c in TABLE])
def test_each_change_of_azures_table_is_an_update_or_has_its_steps(
    change: tuple[str, str], way: tuple[str, str] | None
) -> None:
    old, new = (f"Standard_{name}" for name in change)
    said = refusal(old, new, "store", "Group")
    if way is None:
        assert said == ""
        return
    first, converted = way
    steps = said.splitlines()[1:]
    assert steps[0] == (
        f"  1. pulumi config set sku Standard_{first}; pulumi up"
        if first
        else f"  1. pulumi config set sku {old}"
    )
    command = "az storage account migration start --account-name store --resource-group Group"
    assert f"{command} --sku Standard_{converted} " in said
    assert steps[-1] == f"  4. pulumi refresh; pulumi config set sku {new}; pulumi up"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Premium_LRS", "Premium_ZRS"),
        ("Premium_ZRS", "Premium_LRS"),
        ("Premium_LRS", "Standard_LRS"),
        ("Standard_GZRS", "Premium_ZRS"),
    ],
)
def test_a_premium_account_needs_a_new_account(old: str, new: str) -> None:
    said = refusal(old, new, "store", "Group")
    assert "A new account can have it" in said
    assert said.endswith(f"pulumi config set sku {old}")


@pytest.mark.parametrize("sku", SKUS)
def test_every_sku_survives_being_taken_apart(sku: str) -> None:
    assert Redundancy.of(sku).sku == sku
    assert refusal(sku, sku, "store", "Group") == ""


@pytest.mark.parametrize(
    ("old", "new", "lowered"),
    [
        ("LRS", "GRS", False),
        ("ZRS", "LRS", True),
        ("GRS", "LRS", True),
        ("GZRS", "ZRS", True),
        ("RAGRS", "GRS", True),
        ("GRS", "ZRS", True),
        ("ZRS", "GRS", True),
        ("GZRS", "RAGZRS", False),
    ],
)
def test_fewer_zones_regions_or_readers_are_less(old: str, new: str, lowered: bool) -> None:
    before, after = (Redundancy.of(f"Standard_{name}") for name in (old, new))
    assert before.is_lowered_to(after) is lowered
