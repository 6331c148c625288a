"""How much work the inspection of one file may cost, whatever its sender put into it.

A format's limits are no help: a few megabytes hold millions of empty blocks, each of which costs a
call in a reader that is written in Python.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import IO, Any

from azureblob.uploads.refusal import Refused

# Of JPEG, PNG and GIF files that encoders write, a step passes 100 bytes and more. The constant is
# for small files, which may be all headers.
_BYTES_A_STEP = 100
_STEPS = 100_000
# Each decoder may go over the file once or twice.
_PASSES = 4
_BYTES = 1024 * 1024
_SECONDS = 4.0
# The thread's clock costs a system call.
_STEPS_A_LOOK = 64


class TooComplex(Exception):
    """The file costs more than its budget."""


class Budget:
    """For a file of `size` bytes: calls that read or seek, bytes read, and seconds of this thread's
    CPU. Waiting for the network costs none of these."""

    def __init__(
        self,
        size: int,
        *,
        seconds: float = _SECONDS,
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.steps = _STEPS + size // _BYTES_A_STEP
        self.bytes = _BYTES + _PASSES * size
        self._clock = clock
        self._end = clock() + seconds

    def spend(self, count: int) -> None:
        """One step, and so many bytes. Raises TooComplex."""
        self.steps -= 1
        self.bytes -= count
        late = self.steps % _STEPS_A_LOOK == 0 and self._clock() > self._end
        if self.steps < 0 or self.bytes < 0 or late:
            raise TooComplex


class Metered:
    """A file that is read within a budget.

    `failure` is the first error that the file itself raised, or the budget: decoders take any
    exception for a damaged picture.
    """

    def __init__(self, file: IO[bytes], budget: Budget) -> None:
        self._file, self._budget = file, budget
        self.failure: Exception | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._file.read(size)
            self._budget.spend(len(data))
        except Exception as error:
            self.failure = self.failure or error
            raise
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            self._budget.spend(0)
            return self._file.seek(offset, whence)
        except ValueError:  # before the beginning: the file's own fault
            raise
        except Exception as error:
            self.failure = self.failure or error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def too_complex() -> Refused:
    return Refused(
        "This file is made of so many small parts that it cannot be checked. Save it anew with a "
        "program for its type, and choose that file.",
        "complex",
    )
