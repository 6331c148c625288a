"""`deploy.py STACK PLAN`: deploys the approved plan and nothing else.

`preview.py --plan` saved the plan, and a reviewer approved it. Pulumi checks each change against it
first: if the program, a setting or Azure has changed in the meantime, the run stops.
"""

from __future__ import annotations

import re
import subprocess
import sys

# As for the plan, it looks at Azure first, so that manual changes are reverted.
OPTIONS = (
    *("--yes", "--refresh", "--non-interactive", "--color", "never"),
    *("--policy-pack", "policy"),
)
# Errors in pkg/resource/deploy of pulumi/pulumi: a property, a step, a missing step.
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
            "lines with 'plan' above name the differences. For a new plan to approve, run the "
            "workflow Deploy again."
        )
    return 1 if running.returncode else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
