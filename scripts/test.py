"""`make test`: set up what the tests need, then run them in several processes."""

from __future__ import annotations

from scripts import process, setup, stamp

# The tests of a file stay together, so that what they start is started once. tests/schedule.py has
# the order of the files.
_DISTRIBUTION = ("-n", "auto", "--dist", "loadfile")


def main(arguments: list[str]) -> int:
    setup.ensure(dev=True, with_browser=True)
    # The tests of these scripts set up environments of their own, with the pinned Django.
    extra = {"CHROMIUM": stamp.read().get("browser", ""), "DJANGO": ""}
    process.exec_module("pytest", *_DISTRIBUTION, *arguments, extra=extra)
