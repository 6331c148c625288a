"""The entry point of every make target: `python scripts/run.py NAME ...` runs scripts/NAME.py.

Written for any Python from 2.7 on, because its first task is to report that a Python is too old, or
to go on with a newer one found on PATH.
"""

import os
import re
import shlex
import subprocess
import sys

DJANGO = os.environ.get("DJANGO", "")  # another version than the pinned one: make test DJANGO=6.1
MINIMUM = (3, 12) if DJANGO and not DJANGO.startswith("5.") else (3, 11)
NEWER = ("python3.13", "python3.12", "python3.11", "python3.14")
HANDED_ON = "DJANGO_AZURE_BLOB_PYTHON"  # set for the child, so that two Pythons never ping-pong


def is_new_enough(command):
    # type: (str) -> bool
    """Whether the command runs, which a pyenv shim may not, and is a supported Python."""
    test = "import sys; sys.exit(sys.version_info[:2] < {!r})".format(MINIMUM)
    try:
        with open(os.devnull, "wb") as nowhere:
            return subprocess.call([command, "-c", test], stdout=nowhere, stderr=nowhere) == 0
    except OSError:
        return False


WORDS = "--words="  # what follows is make's variable ARGS, which holds several arguments
# make's own variables, which no process started from here needs.
VARIABLES = ("ARGS", "BASE", "BLOB_PORT", "PORT", "PYTHON", "STACK")


def split(arguments):
    # type: (list[str]) -> list[str]
    """The arguments with those of ARGS in place, split as a shell would and not expanded."""
    found = []
    for argument in arguments:
        if argument.startswith(WORDS):
            found += shlex.split(argument[len(WORDS) :])
        else:
            found.append(argument)
    return found


def main():
    # type: () -> int
    if DJANGO and not re.match(r"\d+\.\d+(\.\d+)?\Z", DJANGO):
        sys.stderr.write("DJANGO is {!r}, which is no version: DJANGO=6.1\n".format(DJANGO))
        return 1
    if sys.version_info[:2] >= MINIMUM:
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        sys.path[0] = root
        from importlib import import_module

        try:
            arguments = split(sys.argv[2:])
        except ValueError as error:
            sys.stderr.write(
                "ARGS cannot be split into words ({}): close every quote, for example "
                "make {} ARGS=\"-k 'one or two'\"\n".format(error, sys.argv[1])
            )
            return 2
        if os.environ.get("MAKELEVEL"):
            for name in VARIABLES:
                os.environ.pop(name, None)
        target = import_module("scripts." + sys.argv[1])
        status = import_module("scripts.console").entry(lambda: target.main(arguments))  # type: int
        return status
    found = "Python {}.{} ({})".format(sys.version_info[0], sys.version_info[1], sys.executable)
    newer = None
    if not os.environ.get(HANDED_ON):
        newer = next((name for name in NEWER if is_new_enough(name)), None)
    if newer is None:
        sys.stderr.write(
            "{} needs Python {}.{} or newer and found {}. Install one, then name it: "
            "make {} PYTHON=python3.12\n".format(
                "Django " + DJANGO if DJANGO else "This project", *MINIMUM + (found, sys.argv[1])
            )
        )
        return 1
    sys.stderr.write("{} is too old: going on with {}\n".format(found, newer))
    environment = dict(os.environ, **{HANDED_ON: newer})
    return subprocess.call([newer, os.path.abspath(__file__)] + sys.argv[1:], env=environment)


if __name__ == "__main__":
    sys.exit(main())
