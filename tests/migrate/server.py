"""A process that has loaded what Django's commands need, and forks to run one at once.

Each order is a line of JSON. When the pid of the command's process is printed, it waits; another
line starts it. Its exit status and its peak memory in KiB are printed last.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import django.core.management
import django.db.backends.sqlite3.base

import azureblob.checks
import azureblob.management.commands.migratemedia
import azureblob.uploads.fields  # noqa: F401


def become(order: dict[str, Any]) -> int:
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.path[:0] = order["environment"]["PYTHONPATH"].split(os.pathsep)
    for number, name in ((1, "out"), (2, "err")):
        with Path(order[name]).open("wb") as file:
            os.dup2(file.fileno(), number)
    try:
        django.core.management.execute_from_command_line(["manage.py", *order["words"]])
        return 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def main() -> None:
    while line := sys.stdin.readline():
        waiting, go = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(go)
            os.read(waiting, 1)
            os._exit(become(json.loads(line)))
        os.close(waiting)
        print(pid, flush=True)
        sys.stdin.readline()
        os.close(go)
        _, status, used = os.wait4(pid, 0)
        print(os.waitstatus_to_exitcode(status), used.ru_maxrss, flush=True)


main()
