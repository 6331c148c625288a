"""The containers of the tests of publishing."""

from __future__ import annotations

from tests.publish.conftest import account_key, blob_service, container, make_container, proxy

__all__ = ["account_key", "blob_service", "container", "make_container", "proxy"]
