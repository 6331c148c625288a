"""The component as a Pulumi plugin, which serves programs in every language of Pulumi."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from . import __version__
from .config import DjangoBlobStorageArgs
from .errors import ConfigError
from .settings import FIELDS, SETTINGS
from .storage import TYPE, DjangoBlobStorage

_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "array": Sequence[pulumi.Input[str]],
    "object": Mapping[str, pulumi.Input[str]],
}


class Plugin(ComponentProvider):
    """The provider that Pulumi derives from the annotations, with what those do not say: the
    meaning of each argument, and which outputs are secret. A wrong argument is an error without a
    traceback.
    """

    def __init__(self) -> None:
        super().__init__([_served()], TYPE.partition(":")[0], version=__version__)
        schema = json.loads(self.schema or "{}")
        described = schema["resources"][TYPE]
        for key, about in SETTINGS.items():
            described["inputProperties"][key]["description"] = about.description
            if about.secret:
                described["inputProperties"][key]["secret"] = True
        for name in ("accountKey", "environment"):
            described["properties"][name]["secret"] = True
        schema["description"] = "Azure Blob Storage for a Django site"
        schema["license"] = "Apache-2.0"
        self.schema = json.dumps(schema)

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: pulumi.Inputs,
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        try:
            return super().construct(name, resource_type, inputs, options)
        except ComponentInitError as error:
            if not isinstance(error.inner, ConfigError):
                raise
            raise pulumi.InputPropertiesError(
                f"{name}: nothing was changed",
                [
                    {
                        "property_path": FIELDS[problem.key].key,
                        "reason": f"is '{problem.value}': {problem.rule}",
                    }
                    for problem in error.inner.problems
                ],
            ) from None


def _served() -> type[DjangoBlobStorage]:
    """The component with annotations that Pulumi's analyzer understands: it does not know those of
    pydantic. Its arguments arrive as a dictionary."""
    plain: dict[str, Any] = {
        about.field: (pulumi.Output[str] if about.takes_output else _TYPES[about.type]) | None
        for about in SETTINGS.values()
    }
    arguments = type("Arguments", (), {"__annotations__": plain})

    class Served(DjangoBlobStorage):
        __doc__ = DjangoBlobStorage.__doc__

        def __init__(
            self, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None
        ) -> None:
            super().__init__(name, DjangoBlobStorageArgs(**args), opts)

    Served.__init__.__annotations__ = {"args": arguments}
    # The analyzer finds the outputs' descriptions by the class's name and module.
    for each in ("__name__", "__qualname__", "__module__"):
        setattr(Served, each, getattr(DjangoBlobStorage, each))
    return Served


def serve() -> None:
    """Serve until the engine, whose address is on the command line, goes away."""
    main(Plugin(), sys.argv[1:])
