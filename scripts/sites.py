"""`make sites`: publish and open sites of other people's packages, in a Chromium."""

from __future__ import annotations

from scripts import packages, process, setup, stamp
from scripts.paths import APP

# These start nothing.
_ONLY_READS = {"--list", "--report", "--help", "-h"}


def main(arguments: list[str]) -> int:
    extra = {"PYTHONPATH": str(APP)}
    if _ONLY_READS & {*arguments}:
        setup.ensure()
    else:
        setup.ensure(dev=True, with_browser=True)
        extra |= {"CHROMIUM": stamp.read().get("browser", ""), **packages.uv_settings()}
    process.exec_module("sites", *arguments, extra=extra)
