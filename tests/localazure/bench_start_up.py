"""What every preview waits for: `.venv/bin/python -m tests.localazure.bench_start_up`.

CPU of a new process in milliseconds, median and range of 15, after one that fills the caches of
compiled modules. The Pulumi CLI waits for the SDK, this program and the provider; the project's own
engine for its whole process, which previews the stack `local` of this folder's state.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys

from tests.conftest import ROOT

RUNS = 15
# The plugin prints its port once it can answer.
PROVIDER = """
import subprocess, sys
with subprocess.Popen([sys.executable, "-m", "localazure.provider"], stdout=-1) as plugin:
    plugin.stdout.readline()
    plugin.kill()
"""
PROCESSES = {
    "Python": ["-c", ""],
    "the SDK: import pulumi": ["-c", "import pulumi"],
    "the SDK and this program": ["-c", "import infra.reader, infra.outputs"],
    "Python, and the provider until it answers": ["-c", PROVIDER],
    "the own engine: localazure preview": ["-m", "localazure", "preview"],
}


def main() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    for title, arguments in PROCESSES.items():
        _spent(arguments, environment)
        times = sorted(_spent(arguments, environment) for _ in range(RUNS))
        print(f"{title:<44}{statistics.median(times):6.0f} ms   {times[0]:.0f} to {times[-1]:.0f}")


def _spent(arguments: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
