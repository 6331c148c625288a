from __future__ import annotations

from tests.localazure.conftest import desk, desk_azurite

__all__ = ["desk", "desk_azurite"]
