"""The policy pack: `pulumi preview --policy-pack policy`."""

import sys
from pathlib import Path

# Pulumi runs this folder as a program, so the package that it is has to be found first.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from pulumi_policy import PolicyPack

from policy.pack import NAME, policies

PolicyPack(NAME, policies())
