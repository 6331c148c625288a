from __future__ import annotations

import subprocess
import sys

from policy.catalogue import catalogue
from policy.exceptions import EXEMPTIONS
from policy.rules import RULES
from tests.policy.analyzer import ROOT


def test_every_rule_and_exception_has_a_row_and_the_controls_are_in_their_order() -> None:
    lines = catalogue().splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith(("| CIS", "| MCSB", "| `"))]
    rules = [row for row in rows if row[0].startswith("| ") and len(row) == 5]
    assert sorted(row[1].strip("`") for row in rules) == sorted(rule.name for rule in RULES)
    controls = [row[0].removeprefix("| ") for row in rules]
    assert controls.index("CIS 10.3.9") < controls.index("CIS 10.3.10")
    assert controls.index("CIS 10.3.12") < controls.index("MCSB AM-1")
    for each in EXEMPTIONS:
        assert any(each.reason in line and each.close in line for line in lines)


def test_every_control_of_section_10_has_a_rule_or_a_reason_why_not() -> None:
    # "CIS Microsoft Azure Foundations Benchmark v4.0.0", 10 Storage Services.
    section = (
        ["10.1.1", "10.1.2", "10.1.3", "10.2.1", "10.2.2", "10.3.1.1", "10.3.1.2", "10.3.1.3"]
        + ["10.3.2.1", "10.3.2.2", "10.3.2.3", "10.3.3.1"]
        + [f"10.3.{number}" for number in range(4, 13)]
    )
    text = catalogue()
    assert [number for number in section if f"| CIS {number} |" not in text] == []


def test_it_prints_by_itself() -> None:
    command = [sys.executable, "-m", "policy.catalogue"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert printed.stdout == catalogue()
