"""Runs the project's program in this process, through the SDK's own monitor hook."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import runpy
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
import pulumi.runtime

from localazure.engine.deployment import Deployment
from localazure.engine.failure import ProgramFailed, StepFailed
from localazure.engine.monitor import Log, Monitor
from localazure.engine.project import Project
from localazure.errors import LocalAzureError
from localazure.state_dir import ROOT


def run_program(project: Project, deployment: Deployment, *, preview: bool) -> None:
    """Run `__main__.py` against a deployment.

    Raises StepFailed for a step that failed, and ProgramFailed for the program's `pulumi.RunError`
    or bug; for a bug the text is a traceback of the program's own lines.
    """
    # The SDK keeps its settings and root resource in the context. A preview and the update that
    # follows it are two runs, so each has a context of its own.
    contextvars.copy_context().run(_run, project, deployment, preview)


def _run(project: Project, deployment: Deployment, preview: bool) -> None:
    pulumi.runtime.set_all_config(project.config, [])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=project.name,
            stack=project.stack,
            monitor=Monitor(deployment, project.name, project.stack),
            engine=Log(deployment),
            dry_run=preview,
            organization="organization",
            root_directory=str(project.root),
        )
    )
    # After a failed step there are futures that nobody awaited, about which asyncio warns.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop = asyncio.new_event_loop()
    # One thread, so that resources are registered in the program's order and a plan is always the
    # same. More would not be faster, as one step is taken at a time.
    executor = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(executor)
    asyncio.set_event_loop(loop)
    before = Path.cwd(), list(sys.path), os.environ.get("PULUMI_CONFIG")
    # The CLI sets it too: the program reads from it which keys are configured.
    os.environ["PULUMI_CONFIG"] = json.dumps(dict(project.config))
    # A program in another folder must not import modules of this project with the same name.
    others = [entry for entry in sys.path if Path(entry).absolute() != ROOT]
    sys.path[:] = [str(project.root), *(sys.path if project.root == ROOT else others)]
    os.chdir(project.root)
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _execute(project)))
        # Messages about resources are sent by tasks that nobody awaits, once the URN is known.
        for _ in range(3):
            loop.run_until_complete(asyncio.sleep(0))
    except StepFailed:
        raise
    except KeyboardInterrupt:
        _cancel_tasks(loop)
        raise
    except (pulumi.RunError, LocalAzureError) as error:
        raise ProgramFailed(str(error)) from None
    except Exception as error:
        if deployment.failure:  # the SDK's own error is less specific
            raise StepFailed(deployment.failure) from None
        if deployment.refusal and deployment.refusal in str(error):
            raise StepFailed(str(error)) from None
        raise ProgramFailed(_own_traceback(project)) from None
    finally:
        executor.shutdown(wait=True)
        loop.close()
        asyncio.set_event_loop(None)
        os.chdir(before[0])
        sys.path[:] = before[1]
        os.environ.pop("PULUMI_CONFIG")
        if before[2] is not None:
            os.environ["PULUMI_CONFIG"] = before[2]
    if deployment.failure:
        raise StepFailed(deployment.failure)


def _cancel_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Without it, Python reports below the last message each coroutine that was not awaited."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


def _own_traceback(project: Project) -> str:
    """The current exception with the program's own lines, without the SDK's."""
    error = sys.exc_info()[1]
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    own = [f for f in frames if _is_own(Path(f.filename), project.root)]
    lines = traceback.format_list(own) + traceback.format_exception_only(error)
    return "the program failed with an unhandled exception:\n" + "".join(lines).rstrip()


def _is_own(file: Path, root: Path) -> bool:
    if not file.is_relative_to(root):
        return False
    return file.relative_to(root).parts[0] not in (".venv", "localazure")


def _execute(project: Project) -> None:
    interrupt = signal.getsignal(signal.SIGINT)
    try:
        runpy.run_path(str(project.main), run_name="__main__")
    finally:
        # The CLI's program has a process of its own, whose signals it may handle. Here, an
        # interrupted update must still save its state.
        if signal.getsignal(signal.SIGINT) is not interrupt:
            signal.signal(signal.SIGINT, interrupt)
