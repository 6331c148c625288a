"""The class `ResourceGroup` of pulumi_azure_native, without the rest of its package.

Importing a package of the SDK imports all of its modules. This one has forty, for one class, and
took a tenth of the time that every command of Pulumi's engine waits for this program to start.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pulumi_azure_native

__all__ = ["ResourceGroup", "module_of"]


def module_of(package: str, module: str) -> ModuleType:
    """A module of a package of the SDK, imported without running the package's `__init__`.

    Afterwards the package is what it was before: imported on first use. If there is no such module,
    this is the whole package, which has all classes.
    """
    name = f"{pulumi_azure_native.__name__}.{package}"
    bare = ModuleType(name)
    bare.__path__ = [f"{folder}/{package}" for folder in pulumi_azure_native.__path__]
    whole = sys.modules.get(name)
    sys.modules[name] = bare
    try:
        return importlib.import_module(f"{name}.{module}")
    except ImportError:
        pass
    finally:
        del sys.modules[name]
        if whole is not None:
            sys.modules[name] = whole
    return importlib.import_module(name)


if TYPE_CHECKING:
    from pulumi_azure_native.resources import ResourceGroup
else:
    ResourceGroup: Any = module_of("resources", "resource_group").ResourceGroup
