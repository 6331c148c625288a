"""The SDK's resource monitor, answered in process: protobuf in, a deployment's steps out."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from localazure.engine.deployment import Deployment
from localazure.engine.state import STACK_TYPE
from localazure.engine.steps import Goal
from localazure.errors import AzureError, LocalAzureError
from localazure.values import from_struct, to_struct

FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
)


class Refused(grpc.RpcError):
    """A call that failed, in the one form that the SDK hands on to the program."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class Monitor:
    """What the SDK calls a ResourceMonitor stub; calls may come from several threads."""

    def __init__(self, deployment: Deployment, project: str, stack: str) -> None:
        self._deployment = deployment
        self._prefix = f"urn:pulumi:{stack}::{project}"

    def GetDeploymentInfo(self, request: Any) -> Any:
        return resource_pb2.DeploymentInfo(supportedFeatures=FEATURES)

    def RegisterPackage(self, request: Any) -> Any:
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def RegisterResource(self, request: Any) -> Any:
        urn = self._urn(request.parent, request.type, request.name)
        resource = self._deployment.register(urn, _goal(request))
        shown = resource.outputs if resource.custom else resource.inputs
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=resource.id, object=to_struct(shown)
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._deployment.register_outputs(request.urn, from_struct(request.outputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:
        try:
            result = self._deployment.invoke(request.tok, from_struct(request.args))
        except (AzureError, LocalAzureError) as error:
            raise Refused(str(error)) from None
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(result))  # a keyword here, a field there
        return response

    def SignalAndWaitForShutdown(self, request: Any) -> Any:
        return empty_pb2.Empty()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def unsupported(request: Any) -> Any:
            raise LocalAzureError(f"the program calls {name}, which only the Pulumi CLI does")

        return unsupported

    def _urn(self, parent: str, type_: str, name: str) -> str:
        if parent:
            parent_type = parent.split("::")[2]
            if parent_type != STACK_TYPE:
                type_ = f"{parent_type}${type_}"
        return f"{self._prefix}::{type_}::{name}"


class Log:
    """What the SDK calls an Engine stub: the program's own messages."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def Log(self, request: Any) -> Any:
        # An ephemeral message is a moving progress line; what a file keeps has no use for it.
        if request.severity >= engine_pb2.INFO and not request.ephemeral:
            severity = engine_pb2.LogSeverity.Name(request.severity).lower()
            self._deployment.message(severity, request.message, request.urn)
        return empty_pb2.Empty()


def _goal(request: Any) -> Goal:
    return Goal(
        type=request.type,
        name=request.name,
        parent=request.parent,
        custom=request.custom,
        inputs=from_struct(request.object),
        dependencies=sorted(request.dependencies),
        protect=request.protect,
        retain_on_delete=request.retainOnDelete,
        deleted_with=request.deletedWith,
        delete_before_replace=(
            request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None
        ),
        ignore_changes=tuple(request.ignoreChanges),
        replace_on_changes=tuple(request.replaceOnChanges),
        additional_secret_outputs=tuple(request.additionalSecretOutputs),
        import_id=request.importId,
    )
