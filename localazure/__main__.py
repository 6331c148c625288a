"""`python -m localazure`: the engine's commands, and Azurite's."""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from localazure.azurite import Azurite
from localazure.errors import ArmError, LocalAzureError
from localazure.state_dir import state_dir

# `import pulumi` imports these packages as well. Hardly a program uses them, and they take a third
# of the SDK's start-up time.
_RARELY_USED = ("automation", "dynamic")


class _Deferred(ModuleType):
    """A package whose `__init__` runs when something of it is used.

    The loader of `importlib.util.LazyLoader` would run it at the end of `import pulumi`.
    """

    def __init__(self, spec: ModuleSpec) -> None:
        super().__init__(spec.name)
        self.__spec__, self.__package__, self.__file__ = spec, spec.name, spec.origin
        self.__path__ = spec.submodule_search_locations or []

    def __getattr__(self, name: str) -> Any:
        self.__class__ = ModuleType  # type: ignore[assignment]
        if self.__spec__ and self.__spec__.loader:
            self.__spec__.loader.exec_module(self)
        return getattr(self, name)


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 for success, 1 for a failure, with its reason on standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "azurite":
            _azurite(options.action)
        elif options.command == "repair":
            _repair()
        elif options.command == "keys":
            _keys(options.action, options.account, options.key)
        else:
            return _engine(options)
    except (LocalAzureError, ArmError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"error: the system refused{where}: {error.strerror or error}. Check the path, its "
            "owner and the free space, then run it again",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the state has what was done, 'up' continues from there", file=sys.stderr)
        return 130
    return 0


def _engine(options: argparse.Namespace) -> int:
    _defer_rarely_used()
    # Imported here for a fast start: 'azurite status' needs neither YAML nor the SDK.
    from localazure.engine.commands import Engine
    from localazure.engine.display import Display
    from localazure.engine.failure import ProgramFailed, StepFailed
    from localazure.engine.project import load_project

    project = load_project(Path(options.cwd).absolute(), options.stack)
    azurite = Azurite.from_environment()
    engine = Engine(project, azurite, Display())
    try:
        if options.command == "preview":
            if options.json:
                return 0 if engine.preview_json(show_sames=options.show_sames) else 1
            engine.preview()
        elif options.command == "output":
            engine.output(
                options.name,
                as_json=options.json,
                shell=options.shell,
                show_secrets=options.show_secrets,
            )
        elif options.command == "up" and options.json:
            # Standard output is the JSON's alone: the program may print something, too.
            with contextlib.redirect_stdout(sys.stderr):
                Engine(project, azurite, Display(sys.stderr)).up(yes=options.yes)
            engine.output(None, as_json=True, shell=False, show_secrets=options.show_secrets)
        else:
            {"up": engine.up, "refresh": engine.refresh, "destroy": engine.destroy}[
                options.command
            ](yes=options.yes)
    except ProgramFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except StepFailed as error:
        print(f"error: {error}", file=sys.stderr)
        if options.command != "preview":
            print(
                "Completed steps are in the state; fix the cause and run it again.", file=sys.stderr
            )
        return 1
    return 0


def _defer_rarely_used() -> None:
    sdk = find_spec("pulumi")
    for name in _RARELY_USED:
        folders = sdk.submodule_search_locations if sdk else None
        spec = PathFinder.find_spec(f"pulumi.{name}", folders)
        if spec:
            sys.modules.setdefault(spec.name, _Deferred(spec))


def _azurite(action: str) -> None:
    azurite = Azurite.from_environment()
    if action == "start":
        # Imported here for a fast start of the other commands.
        from localazure.control_plane import ControlPlane

        status = ControlPlane(azurite).start()
        print(f"Azurite listens on http://127.0.0.1:{status.port} (process {status.pid})")
    elif action == "stop":
        print("Azurite stopped" if azurite.stop() else "Azurite was not running")
    else:
        status = azurite.status()
        where = f" on http://127.0.0.1:{status.port} (process {status.pid})" if status.pid else ""
        print(f"{status.state}{where}")


def _repair() -> None:
    # Imported here for a fast start: it reads states, which are encrypted.
    from localazure.repair import repair, unowned

    folder = state_dir()
    print(repair(folder) or "Nothing is damaged")
    left = unowned(folder)
    if left:
        print(left)


def _keys(action: str, account: str, key: str | None) -> None:
    # Imported here for a fast start of the other commands.
    from localazure.control_plane import ControlPlane
    from localazure.keys import list_keys, renew

    control_plane = ControlPlane(Azurite.from_environment())
    if action == "renew":
        if key is None:
            raise LocalAzureError(
                "Name the key to renew, the one that is not in use: for example "
                f"python -m localazure keys renew --account {account} --key key2"
            )
        renew(control_plane, account, key)
        print(f"{key} of {account} is renewed; requests with the old one are refused from now on")
        return
    for listed in list_keys(control_plane, account):
        print(f"{listed['keyName']}  created {listed['creationTime']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m localazure", description="Azure on this machine, without the Pulumi CLI."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("preview", "show what up would do"),
        ("up", "create or update the stack's resources"),
        ("refresh", "update the state to what is in Azure"),
        ("output", "print the stack's outputs"),
        ("destroy", "delete everything that the stack created"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("-s", "--stack", default="local", help="default: local")
        command.add_argument("-C", "--cwd", default=".", help="the project's folder")
        if name in ("up", "refresh", "destroy"):
            command.add_argument("-y", "--yes", action="store_true", help="do not ask")
        if name == "up":
            command.add_argument(
                "-j", "--json", action="store_true", help="print the outputs as JSON at the end"
            )
            command.add_argument("--show-secrets", action="store_true", help="in the JSON")
        if name == "preview":
            command.add_argument("-j", "--json", action="store_true", help="as JSON, as the CLI")
            command.add_argument(
                "--show-sames", action="store_true", help="include unchanged resources in the JSON"
            )
        if name == "output":
            command.add_argument("name", nargs="?", help="one output only")
            command.add_argument("-j", "--json", action="store_true")
            command.add_argument("--shell", action="store_true", help="as NAME=value lines")
            command.add_argument("--show-secrets", action="store_true")
    azurite = commands.add_parser("azurite", help="start, stop or look at Azurite")
    azurite.add_argument("action", choices=("start", "stop", "status"))
    commands.add_parser("repair", help="move damaged files of the state folder aside")
    keys = commands.add_parser("keys", help="list an account's keys, or renew one")
    keys.add_argument("action", choices=("list", "renew"))
    keys.add_argument("--account", required=True, help="the storage account's name")
    keys.add_argument("--key", choices=("key1", "key2"), help="the key to renew")
    return parser


if __name__ == "__main__":
    # A command lives for seconds and frees all memory when it ends, but looking for cycles while
    # the SDK is imported takes a sixth of its start-up time.
    gc.disable()
    sys.exit(main())
