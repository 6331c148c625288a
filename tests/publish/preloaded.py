"""A process that has imported Django and the publisher, and forks a process for each command.

An interpreter takes half a second of CPU to start with these imports; a fork takes hardly any. For
each command, this process receives a byte and three descriptors over the socket that is its
standard input: the command's output, its errors, and a connection. The order comes over that
connection, as JSON; the responses are the command's pid, and finally its exit status, as in
`subprocess`. The process ends when the socket is closed.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import sys
from types import ModuleType
from typing import Any

_CLEARED = {"__main__", "azureblob", "builtins", "sys"}
# The imports of a publish, except modules that read the settings or register something on import;
# and those of Django's checks, except azure.storage.blob, which a publish does not import.
LOADED = (
    "azure.core.pipeline.policies",
    "azure.core.pipeline.transport._requests_basic",
    "azureblob.timeouts",
    "azureblob.management.commands.collectstatic",
    "azureblob.management.commands.prunestatic",
    "azureblob.publish.hashing",
    "azureblob.publish.references",
    "cryptography.hazmat.primitives.ciphers.aead",
    "cryptography.hazmat.primitives.padding",
    "django.contrib.staticfiles.checks",
    "django.contrib.staticfiles.management.commands.collectstatic",
    "django.core.mail",
    "django.core.management.commands.check",
    "django.core.paginator",
    "django.urls",
    "django.views.debug",
    "django.views.generic",
    "isodate",
)
_PATH = sys.path[2:]  # without the folder of this process and its PYTHONPATH
_imported: set[str] = set()


def preload() -> None:
    """Import the modules, and spare each command their destruction.

    When an interpreter ends, it clears all modules that it still lists. In a fork this writes to
    nearly every page that is shared with this process, which costs more than a publish does. So
    this project's modules are cleared, with all that they refer to, and the libraries' are not.
    """
    atexit.register(_forget)  # as the first one, so that it runs last
    for name in LOADED:
        importlib.import_module(name)
    _imported.update(name for name in sys.modules if name.partition(".")[0] not in _CLEARED)
    # References that nothing drops: once frozen, a cycle is not collected.
    cycle: list[Any] = list(sys.modules.values())
    cycle.append(cycle)
    gc.freeze()  # so that a fork shares these pages for good


def _forget() -> None:
    for name in _imported:
        sys.modules.pop(name, None)


def serve(control: socket.socket) -> dict[str, Any] | None:
    """The order, in the process that is to run the command; None in this one, when it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; it is for the tests to end this
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that watch a command
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 3)
        if not descriptors:
            return None
        if not os.fork():
            control.detach()
            return _start(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _start(out: int, err: int, connection: int) -> dict[str, Any]:
    """Fork the command, and report when it has ended; returns only in the command's process."""
    with socket.socket(fileno=connection) as line:
        order: dict[str, Any] = json.loads(line.makefile("rb").read())
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if pid := os.fork():
            for descriptor in (out, err):
                os.close(descriptor)
            line.sendall(b"%d\n" % pid)
            _, status = os.waitpid(pid, 0)
            line.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
            os._exit(0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, out, err)):
        os.dup2(descriptor, number)
        os.close(descriptor)
    return order


def become(words: list[str], environment: dict[str, str], folder: str) -> None:
    """Run `python -m django WORDS` or `python -c CODE`, and raise what that raises."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    code = words[1] if words[0] == "-c" else None
    sys.path[:] = ["" if code else folder, *environment["PYTHONPATH"].split(os.pathsep), *_PATH]
    if code is None:
        sys.argv = ["-m", *words]
        runpy.run_module("django", run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *words[2:]]
        sys.modules["__main__"] = main = ModuleType("__main__")
        exec(compile(code, "<string>", "exec"), vars(main))  # noqa: S102


if __name__ == "__main__":
    preload()
    # Exceptions, and everything that happens at exit, are left to the interpreter.
    with socket.socket(fileno=0) as ordering:
        order = serve(ordering)
    if order:
        become(**order)
