"""One process from its start to its end: wall time, CPU, memory, and the load by others."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_TAIL = 2000
_MEMORY_SECONDS = 0.05


class CommandFailed(Exception):
    """A competitor failed; the text is the end of its output."""


@dataclass(frozen=True)
class Measured:
    """Seconds, and `memory` in MB. `cpu` is user and system time of the process and of the children
    that it waited for; `server` that of the server, `line` that of the proxy in between, `other`
    that of everything else on the machine, and `host` the time that the host took away. `memory` is
    the highest sum of the peaks of the process and its children, from Linux's /proc; 0 elsewhere.
    """

    wall: float
    cpu: float
    server: float
    line: float
    other: float
    host: float
    memory: float = 0.0


@dataclass(frozen=True)
class Watched:
    """Processes whose CPU time is counted apart from that of everything else."""

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
    """Run a command to its end; it is killed after `seconds`. Raises CommandFailed."""
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
        memory = _Memory(process.pid)
        memory.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begin
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            killer.cancel()
            memory.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        after = _Moment.of(watched)
    if process.returncode:
        text = said.read_text(errors="replace")[-_TAIL:].strip()
        raise CommandFailed(f"it ended with status {process.returncode} after {wall:.1f} s: {text}")
    cpu = usage.ru_utime + usage.ru_stime
    server, line = after.servers - before.servers, after.lines - before.lines
    own = after.own - before.own
    other = max(after.busy - before.busy - cpu - server - line - own, 0.0)
    host = after.host - before.host
    return Measured(wall, cpu, server, line, other, host, memory.highest / 1e6)


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


class _Memory(threading.Thread):
    """Samples the memory of a process and its descendants until it is stopped.

    wait4's own figure is of no use: for a child it begins with the memory of this process, and it
    is the largest single process and not their sum.
    """

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._stopped = threading.Event()
        self.highest = 0

    def run(self) -> None:
        while not self._stopped.is_set():
            self.highest = max(self.highest, sum(map(_peak, _family(self._process))))
            self._stopped.wait(_MEMORY_SECONDS)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _family(process: int) -> Iterator[int]:
    """The process and its descendants."""
    yield process
    try:
        tasks = os.listdir(f"/proc/{process}/task")  # noqa: PTH208 - called 20 times a second
    except OSError:  # it has ended
        return
    for task in tasks:
        try:
            children = Path(f"/proc/{process}/task/{task}/children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield from _family(int(child))


def _peak(process: int) -> int:
    """The highest resident memory of a process so far, in bytes."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _machine() -> tuple[float, float]:
    """Seconds of CPU that the processes of this machine used, and that its host took away.

    The first line of /proc/stat: user nice system idle iowait irq softirq steal.
    """
    try:
        fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    except FileNotFoundError:  # not Linux
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
