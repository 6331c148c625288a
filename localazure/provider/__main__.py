"""`python -m localazure.provider`: what `bin/pulumi-resource-azure-native` runs.

Every command of Pulumi's engine waits for this process, so it must start fast.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from types import ModuleType


def spare_the_sdk() -> None:
    """Import `pulumi.runtime.proto` without the rest of `pulumi`, which is half of the start time.

    The stubs do not need the SDK, but importing a module imports its parent packages first.
    """
    spec = find_spec("pulumi")
    folders = list(spec.submodule_search_locations or []) if spec else []
    for name, suffix in (("pulumi", ""), ("pulumi.runtime", "/runtime")):
        package = ModuleType(name)
        package.__path__ = [f"{folder}{suffix}" for folder in folders]
        sys.modules[name] = package


if __name__ == "__main__":
    spare_the_sdk()
    # Modules are no garbage, and looking for some among them takes a tenth of the start.
    gc.disable()
    from localazure.provider.server import serve

    gc.freeze()
    gc.enable()
    serve()
