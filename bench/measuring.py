"""One process from its start to its end: wall time, CPU, and what else the machine was doing."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_TAIL = 2000


class CommandFailed(Exception):
    """A competitor ended badly; the text is the last that it said."""


@dataclass(frozen=True)
class Measured:
    """Seconds. `cpu` is user and system time of the process and of the children that it waited for;
    `server` that of what it spoke to, `line` that of the proxy between, `other` that of everything
    else on the machine, `host` what the host took of it."""

    wall: float
    cpu: float
    server: float
    line: float
    other: float
    host: float


@dataclass(frozen=True)
class Watched:
    """Processes whose CPU is known, and is not anybody else's."""

    servers: tuple[int, ...] = ()
    lines: tuple[int, ...] = ()


def measure(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    watched: Watched,
    *,
    seconds: float = 900,
) -> Measured:
    """Run a command to its end. Raises CommandFailed; after `seconds` it is killed."""
    said = folder / "said.txt"
    with said.open("wb") as output:
        before = _Moment.of(watched)
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        killer = threading.Timer(seconds, process.kill)
        killer.daemon = True
        killer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begin
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        after = _Moment.of(watched)
    if process.returncode:
        text = said.read_text(errors="replace")[-_TAIL:].strip()
        raise CommandFailed(f"it ended with status {process.returncode} after {wall:.1f} s: {text}")
    cpu = usage.ru_utime + usage.ru_stime
    server, line = after.servers - before.servers, after.lines - before.lines
    own = after.own - before.own
    other = max(after.busy - before.busy - cpu - server - line - own, 0.0)
    return Measured(wall, cpu, server, line, other, after.host - before.host)


@dataclass(frozen=True)
class _Moment:
    busy: float
    host: float
    servers: float
    lines: float
    own: float

    @classmethod
    def of(cls, watched: Watched) -> _Moment:
        busy, host = _machine()
        mine = os.times()
        return cls(busy, host, _cpu(watched.servers), _cpu(watched.lines), mine.user + mine.system)


def _machine() -> tuple[float, float]:
    """Seconds of CPU that this machine's processes have had, and that its host took from it.

    The first line of /proc/stat: user nice system idle iowait irq softirq steal.
    """
    try:
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except FileNotFoundError:  # no Linux: nothing is known
        return 0.0, 0.0
    user, nice, system, _, _, irq, softirq, steal = fields
    return (user + nice + system + irq + softirq) / _TICKS, steal / _TICKS


def _cpu(processes: Iterable[int]) -> float:
    total = 0
    for process in processes:
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except FileNotFoundError:
            continue
        fields = stat.rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS
