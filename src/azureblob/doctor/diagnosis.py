"""All probes of a site, one after another."""

from __future__ import annotations

from collections.abc import Iterator

from azureblob.doctor.configuration import Configuration
from azureblob.doctor.containers import Containers
from azureblob.doctor.manifest import Manifest
from azureblob.doctor.network import Network
from azureblob.doctor.preflight import Preflights
from azureblob.doctor.quarantine import QuarantineRights
from azureblob.doctor.results import Finding
from azureblob.doctor.runner import Probe, examine
from azureblob.doctor.site import Site


def diagnose(configuration: Configuration, site: Site | None) -> Iterator[Finding]:
    """Each finding as soon as it is there. `site` is None where the settings allow of none."""
    if site is None:
        yield from examine(configuration.probes())
        return
    rights = QuarantineRights(site)
    probes: list[Probe] = [
        *configuration.probes(),
        *Network(site).probes(),
        *Containers(site).probes(),
        *rights.probes(),
        *Preflights(site).probes(),
        *Manifest(site).probes(),
    ]
    try:
        yield from examine(probes)
    finally:
        rights.clear()
