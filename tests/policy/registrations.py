"""The project's own program run for a stack, and every registration of it as JSON.

A line in is a job, a line out its registrations. A process of its own, for the SDK keeps settings
per process. Nothing is deployed: the engine's place is taken by a monitor that writes down what it
is asked for. With `known` every resource is answered as if it were made, else as in a first
preview, when Azure has given nothing yet.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import yaml
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import resource_pb2

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "django-azure-blob"
GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/Demo"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/demo"


class Recorder:
    def __init__(self, stack: str, known: bool) -> None:
        self.resources: list[dict[str, Any]] = []
        self._stack, self._known = stack, known

    def GetDeploymentInfo(self, request: Any) -> Any:
        features = [
            resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
            resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
            resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
            resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
        ]
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def RegisterResourceHook(self, request: Any) -> Any:
        return empty_pb2.Empty()

    def RegisterPackage(self, request: Any) -> Any:
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def RegisterResource(self, request: Any) -> Any:
        type_ = request.type
        if request.parent and not request.parent.split("::")[2].endswith("pulumi:Stack"):
            type_ = f"{request.parent.split('::')[2]}${type_}"
        urn = f"urn:pulumi:{self._stack}::{PROJECT}::{type_}::{request.name}"
        properties = json_format.MessageToDict(request.object)
        if request.custom:
            self.resources.append(
                {
                    "urn": urn,
                    "type": request.type,
                    "name": request.name,
                    "properties": properties,
                    "protect": request.protect,
                    "parent": request.parent,
                    "made_from": {
                        path: list(each.urns) for path, each in request.propertyDependencies.items()
                    },
                }
            )
        outputs, id_ = dict(properties), ""
        if self._known and request.custom:
            id_ = _id(request.type, request.name)
            outputs |= {
                "name": request.name,
                "hostName": "site.z01.azurefd.net",
                "primaryEndpoints": {"blob": "https://demo.blob.core.windows.net/"},
                "identity": {"principalId": "00000000-0000-0000-0000-000000000002"},
                "validationProperties": {"validationToken": "t", "expirationDate": "2030-01-01"},
            }
            self.resources[-1]["properties"] = {**properties, "id": id_}
        answered = struct_pb2.Struct()
        answered.update(outputs)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=answered)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:
        listed = {"keys": [{"keyName": name, "value": "no key"} for name in ("key1", "key2")]}
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").update(listed)
        return response

    def SignalAndWaitForShutdown(self, request: Any) -> Any:
        return empty_pb2.Empty()

    def Log(self, request: Any) -> Any:
        return empty_pb2.Empty()


def _id(type_: str, name: str) -> str:
    if type_ == "azure-native:storage:StorageAccount":
        return ACCOUNT
    if type_ == "azure-native:storage:BlobContainer":
        return f"{ACCOUNT}/blobServices/default/containers/{name}"
    if type_ == "azure-native:resources:ResourceGroup":
        return GROUP
    return f"{GROUP}/providers/{type_.replace(':', '/')}/{name}"


def run(stack: str, known: bool, changed: dict[str, Any]) -> list[dict[str, Any]]:
    committed = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))
    settings = {f"{PROJECT}:{k}": v for k, v in {**committed["config"], **changed}.items()}
    recorder = Recorder(stack, known)
    pulumi.runtime.set_all_config({key: _text(value) for key, value in settings.items()}, [])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=PROJECT,
            stack=stack,
            monitor=recorder,
            engine=recorder,
            dry_run=not known,
            organization="organization",
            root_directory=str(ROOT),
        )
    )
    asyncio.run(pulumi.runtime.run_in_stack(_program))
    return recorder.resources


def _program() -> None:
    runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for line in sys.stdin:
        # A context for each: the SDK keeps the stack's root resource in it.
        print(json.dumps(contextvars.copy_context().run(run, **json.loads(line))), flush=True)
