"""`deploy.py STACK PLAN`: brings a stack to what was approved, and to nothing else.

The plan is what `preview.py --plan` saved and a reviewer read. Pulumi compares with it before it
changes anything: a program, a setting or an Azure that is another by now ends the run.
"""

from __future__ import annotations

import re
import subprocess
import sys

# Azure is looked at first, as it was for the plan: what was changed by hand is put back.
OPTIONS = (
    *("--yes", "--refresh", "--non-interactive", "--color", "never"),
    *("--policy-pack", "policy"),
)
# pkg/resource/deploy of pulumi/pulumi: a property, a step, a missing step.
CHANGED = re.compile(
    r"violates plan|not allowed by the plan|expected resource operations", re.IGNORECASE
)


def main(stack: str, plan: str) -> int:
    command = ["pulumi", "up", "--stack", stack, "--plan", plan, *OPTIONS]
    changed = False
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            changed = changed or bool(CHANGED.search(line))
    if running.returncode and changed:
        print(
            f"\nStack {stack} would change otherwise than was approved, so the run stopped. The "
            "lines with 'plan' above say where. For a new plan to approve, run the workflow Deploy "
            "again."
        )
    return 1 if running.returncode else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
