"""`python -m localazure.provider`: what `bin/pulumi-resource-azure-native` runs.

Pulumi's engine waits for this process at each command, so its start is worth care.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType


def spare_the_sdk() -> None:
    """Let `pulumi.runtime.proto` be imported without all of `pulumi`, half of the whole start.

    The stubs need nothing of the SDK, but importing a package runs its parents first.
    """
    spec = find_spec("pulumi")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for name, suffix in (("pulumi", ""), ("pulumi.runtime", "/runtime")):
        package = ModuleType(name)
        package.__path__ = [f"{folder}{suffix}" for folder in folders]
        sys.modules[name] = package


if __name__ == "__main__":
    spare_the_sdk()
    from localazure.provider.server import serve

    serve()
