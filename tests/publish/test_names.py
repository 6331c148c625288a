"""Names that URLs and XML escape are published, and recognized the next time."""

from __future__ import annotations

from pathlib import Path

from tests.publish.container import Container
from tests.publish.site import Site
from tests.rest.test_listing import NAMES


def test_names_that_urls_and_xml_escape_are_published_and_found_again(
    site: Site, container: Container
) -> None:
    # File systems have a lower limit for the length of a name than blobs do.
    tree = {name.replace("\U0001f600", "e"): name.encode() for name in NAMES}
    site.write(tree)
    for hashed in (False, True):
        assert site.publish(hashed_names=hashed).well().counts[0] == len(tree)
        assert site.publish(hashed_names=hashed).well().counts[:2] == (0, len(tree))
    for name, content in tree.items():
        assert container.get(name).body == content
    container.holds(site.expected())
    assert not Path(site.static / "staticfiles.json").exists()
