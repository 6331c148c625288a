"""`ignore_changes` as Pulumi's engine understands it: what is ignored stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from localazure.engine.paths import covers, ignoring, parsed
from localazure.errors import LocalAzureError

OLD: dict[str, Any] = {
    "cors": {"rules": [{"age": 1, "origins": ["a"]}, {"age": 2, "origins": ["b"]}]},
    "encryption": {"twice": False, "source": "x"},
    "tags": {"a.b": "old", "kept": "yes"},
}
NEW: dict[str, Any] = {
    "cors": {"rules": [{"age": 8, "origins": ["c"]}, {"age": 9, "origins": ["d"]}]},
    "encryption": {"twice": True, "source": "y"},
    "tags": {"a.b": "new"},
    "tier": "Hot",
}


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("cors", {"cors": OLD["cors"]}),
        ("encryption.twice", {"encryption": {"twice": False, "source": "y"}}),
        ('tags["a.b"]', {"tags": {"a.b": "old"}}),
        ("tags", {"tags": OLD["tags"]}),
        ("tags.kept", {"tags": {"a.b": "new", "kept": "yes"}}),
        ("encryption.*", {"encryption": OLD["encryption"]}),
        ("tier", {"tier": None}),
        ("nothing.at.all", {}),
        (
            "cors.rules[1].age",
            {"cors": {"rules": [NEW["cors"]["rules"][0], {"age": 2, "origins": ["d"]}]}},
        ),
        (
            "cors.rules[*].age",
            {"cors": {"rules": [{"age": 1, "origins": ["c"]}, {"age": 2, "origins": ["d"]}]}},
        ),
    ],
)
def test_what_is_ignored_stays_as_it_was(path: str, changed: dict[str, Any]) -> None:
    expected = {k: v for k, v in {**NEW, **changed}.items() if v is not None}
    assert ignoring(NEW, OLD, [path]) == expected
    assert NEW["tags"] == {"a.b": "new"}, "the program's own values are left alone"


def test_a_star_ignores_everything() -> None:
    assert ignoring(NEW, OLD, ["*"]) == OLD


@pytest.mark.parametrize("path", ["cors.rules[2].age", "limits.high", "cors.rules[*].age"])
def test_a_path_that_leads_nowhere_on_one_side_is_refused(path: str) -> None:
    old = {**OLD, "limits": {"high": 1}, "cors": {"rules": OLD["cors"]["rules"][:1]}}
    with pytest.raises(LocalAzureError, match=r"cannot ignore changes to .* are missing: "):
        ignoring(NEW, old, [path])


@pytest.mark.parametrize("path", ["tags[", "a[b]", 'a["b]'])
def test_what_is_no_path_is_refused_with_an_example(path: str) -> None:
    with pytest.raises(LocalAzureError, match=r"is no path to a property: for example sku\.name"):
        parsed(path)


@pytest.mark.parametrize(
    ("path", "other", "yes"),
    [("sku", "sku.name", True), ("*", "kind", True), ("sku.*", "sku", False), ("a", "ab", False)],
)
def test_a_path_covers_what_lies_below_it(path: str, other: str, yes: bool) -> None:
    assert covers(parsed(path), parsed(other)) is yes
