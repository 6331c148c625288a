"""The component as a Pulumi plugin, which serves programs in every language of Pulumi."""

import json
import sys

import pulumi
from pulumi.provider import ConstructResult, main
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from . import __version__
from .config import SETTINGS
from .problems import ConfigError
from .storage import TYPE, DjangoBlobStorage


class Plugin(ComponentProvider):
    """The host that Pulumi makes out of the annotations, with what those do not say: the meaning of
    each argument, and which outputs are secret. A wrong argument is an error without a traceback.
    """

    def __init__(self) -> None:
        super().__init__([DjangoBlobStorage], TYPE.partition(":")[0], version=__version__)
        schema = json.loads(self.schema or "{}")
        described = schema["resources"][TYPE]
        for key, about in SETTINGS.items():
            described["inputProperties"][key]["description"] = about.description
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
            keys = {about.field: key for key, about in SETTINGS.items()}
            raise pulumi.InputPropertiesError(
                f"{name}: nothing was changed",
                [
                    {
                        "property_path": keys.get(problem.key, problem.key),
                        "reason": f"is '{problem.value}': {problem.rule}",
                    }
                    for problem in error.inner.problems
                ],
            ) from None


def serve() -> None:
    """Serve until the engine, whose address the command line has, goes away."""
    main(Plugin(), sys.argv[1:])
