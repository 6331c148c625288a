"""The site that has all packages at once."""

from __future__ import annotations

from sites.catalogue import Package, combined
from sites.results import Results


def together(known: dict[str, Package], results: Results, django: str) -> Package:
    """Of all packages that can share a site and that run with this Django by themselves."""
    apart = {row.package for row in results.rows.values() if row.line == django and row.unsupported}
    return combined(
        package for package in known.values() if package.together and package.name not in apart
    )
