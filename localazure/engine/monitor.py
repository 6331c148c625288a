"""The SDK's resource monitor in this process: it turns protobuf requests into steps."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, resource_pb2

from localazure.engine.deployment import Deployment
from localazure.engine.hooks import Hook, before_update
from localazure.engine.state import STACK_TYPE
from localazure.engine.steps import Goal
from localazure.errors import ArmError, LocalAzureError
from localazure.values import from_struct, name_of, to_struct, token_of

FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
)


class Refused(grpc.RpcError):
    """A failed call, in the one form that the SDK passes to the program."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class Monitor:
    """In place of the SDK's ResourceMonitor stub. Several threads may call it."""

    def __init__(self, deployment: Deployment, project: str, stack: str) -> None:
        self._deployment = deployment
        self._project, self._stack = project, stack
        # The former URNs of each registered resource; those of its children derive from them.
        self._former: dict[str, list[str]] = {}
        self._hooks: dict[str, Hook] = {}

    def GetDeploymentInfo(self, request: Any) -> Any:
        return resource_pb2.DeploymentInfo(supportedFeatures=FEATURES)

    def RegisterPackage(self, request: Any) -> Any:
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def RegisterResourceHook(self, request: Any) -> Any:
        self._hooks[request.name] = Hook.registered(request)
        return empty_pb2.Empty()

    def RegisterResource(self, request: Any) -> Any:
        urn = self._urn(request.parent, request.type, request.name)
        self._former[urn] = self._aliases(request)
        hooks = before_update(request.hooks, self._hooks)
        goal = _goal(request, tuple(self._former[urn]), hooks)
        resource = self._deployment.register(urn, goal)
        shown = resource.outputs if resource.custom else resource.inputs
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=resource.id, object=to_struct(shown)
        )

    def ReadResource(self, request: Any) -> Any:
        urn = self._urn(request.parent, request.type, request.name)
        resource = self._deployment.read(urn, request.id, request.type, request.parent)
        return resource_pb2.ReadResourceResponse(urn=urn, properties=to_struct(resource.outputs))

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._deployment.register_outputs(request.urn, from_struct(request.outputs))
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:
        try:
            result = self._deployment.invoke(request.tok, from_struct(request.args))
        except (ArmError, LocalAzureError) as error:
            raise Refused(str(error)) from None
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(result))  # a keyword in Python
        return response

    def SignalAndWaitForShutdown(self, request: Any) -> Any:
        return empty_pb2.Empty()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def unsupported(request: Any) -> Any:
            raise LocalAzureError(f"the program calls {name}, which only the Pulumi CLI does")

        return unsupported

    def _aliases(self, request: Any) -> list[str]:
        """The URNs that this resource may have had: those that the program lists, and those that
        follow from its parent's (pulumi/pulumi, pkg/resource/deploy, `generateAliases`)."""
        former: list[str] = []
        called = [(request.type, request.name)]
        for alias in request.aliases:
            spec = alias.spec
            type_, name = spec.type or request.type, spec.name or request.name
            parent = "" if spec.noParent else spec.parentUrn or request.parent
            former.append(
                alias.urn or self._urn(parent, type_, name, project=spec.project, stack=spec.stack)
            )
            called.append((token_of(former[-1]), name_of(former[-1])))
        for parent in self._former.get(request.parent, ()):
            stack, project = parent.removeprefix("urn:pulumi:").split("::")[:2]
            for type_, name in called:
                # By convention a child's name begins with its parent's.
                if name.startswith(name_of(request.parent)):
                    name = name_of(parent) + name.removeprefix(name_of(request.parent))
                former.append(self._urn(parent, type_, name, project=project, stack=stack))
        return former

    def _urn(
        self, parent: str, type_: str, name: str, *, project: str = "", stack: str = ""
    ) -> str:
        if parent:
            parent_type = parent.split("::")[2]
            if parent_type != STACK_TYPE:
                type_ = f"{parent_type}${type_}"
        return f"urn:pulumi:{stack or self._stack}::{project or self._project}::{type_}::{name}"


class Log:
    """In place of the SDK's Engine stub, for the program's own messages."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def Log(self, request: Any) -> Any:
        # An ephemeral message is a progress line, of no use in a file.
        if request.severity >= engine_pb2.INFO and not request.ephemeral:
            severity = engine_pb2.LogSeverity.Name(request.severity).lower()
            self._deployment.message(severity, request.message, request.urn)
        return empty_pb2.Empty()


def _goal(request: Any, aliases: tuple[str, ...], hooks: tuple[Hook, ...]) -> Goal:
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
        aliases=aliases,
        before_update=hooks,
    )
