"""Threads that begin at one moment. Light to load: other processes use it too."""

from __future__ import annotations

import threading
from collections.abc import Callable


def at_once(count: int, work: Callable[[int], str]) -> list[str]:
    """What `count` threads return that begin together. Raises what the first of them raised."""
    together = threading.Barrier(count)
    results: dict[int, str] = {}
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            together.wait(30)
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [results[number] for number in range(count)]
