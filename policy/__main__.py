"""The policy pack: `pulumi preview --policy-pack policy`."""

import sys
from pathlib import Path

# Pulumi runs this folder as a program, from which its own package is not importable.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policy.pack import NAME, policies
from policy.rule import MANDATORY

PolicyPack(NAME, policies(), enforcement_level=MANDATORY)
