"""docs/configuration.md and Pulumi.yaml are generated from the code."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from infra import reference
from infra.config import StackConfig
from infra.reader import parse
from infra.settings import SETTINGS


def loaded() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(reference.PROJECT.read_text())
    return found


def described() -> dict[str, Any]:
    """The settings that Pulumi.yaml describes. `pulumi new` adds a tag of its own to them."""
    return {key: about for key, about in loaded()["config"].items() if ":" not in key}


def test_the_page_is_the_one_that_the_code_makes() -> None:
    assert reference.PAGE.read_text() == reference.page(), "python -m infra.reference --write"


def test_pulumi_yaml_is_the_one_that_the_code_makes() -> None:
    assert described() == reference.described(), "python -m infra.reference --write"
    # `pulumi new` takes the template out of the projects that it makes.
    template = loaded().get("template", reference.template())
    assert template == reference.template(), "python -m infra.reference --write"


def test_the_modules_that_the_architecture_draws_exist() -> None:
    page = (reference.ROOT / "docs" / "architecture.md").read_text()
    drawn = re.findall(r"(?m)^((?:infra|scripts|app)/[\w/]+\.py) ", page)
    assert len(drawn) >= 10
    assert [name for name in drawn if not (reference.ROOT / name).is_file()] == []


def test_pulumi_new_asks_for_settings_and_overwrites_none_of_a_profile_unasked() -> None:
    asked = reference.template()["config"]
    assert set(asked) <= set(SETTINGS)
    assert not any("default" in about for about in asked.values())


def test_no_setting_has_a_type_that_the_cli_would_report_alone() -> None:
    assert not any("type" in about for about in described().values())


def test_every_setting_is_described_with_a_default_that_gives_the_codes_own() -> None:
    assert list(described()) == list(SETTINGS)
    assert all("default" in about and about["description"] for about in described().values())
    defaults = {
        key: value if isinstance(value := about["default"], str) else json.dumps(value)
        for key, about in described().items()
    }
    assert parse(defaults) == StackConfig()


def test_settings_that_add_to_the_bill_state_their_cost() -> None:
    """Each of data protection's settings, and each that declares something with a price."""
    fields = [about.field for about in SETTINGS.values()]
    section = fields[fields.index("blob_soft_delete_days") : fields.index("protect")]
    silent = [about.key for about in SETTINGS.values() if about.field in section and not about.cost]
    assert silent == []
    for key in ("sku", "frontDoor", "privateEndpointSubnet", "logAnalyticsWorkspace", "siteSize"):
        assert SETTINGS[key].cost
