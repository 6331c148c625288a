"""Resource hooks: functions of the program, called before a resource is updated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
from pulumi.runtime.proto import callback_pb2, callback_pb2_grpc, resource_pb2

from localazure.engine.state import Resource
from localazure.errors import LocalAzureError
from localazure.values import Props, to_struct


@dataclass(frozen=True)
class Hook:
    """One registered hook. `target` and `token` identify the function in the SDK's own server."""

    name: str
    target: str
    token: str
    in_previews: bool
    ignores_errors: bool

    @classmethod
    def registered(cls, request: Any) -> Hook:
        """From a RegisterResourceHookRequest."""
        callback = request.callback
        return cls(
            request.name,
            callback.target,
            callback.token,
            request.on_dry_run,
            request.ignore_errors,
        )

    def call(self, old: Resource, inputs: Props) -> str:
        """Call it before `old` is changed to `inputs`; its error, or an empty string."""
        request = resource_pb2.ResourceHookRequest(
            urn=old.urn,
            id=old.id,
            name=old.name,
            type=old.type,
            new_inputs=to_struct(inputs),
            old_inputs=to_struct(old.inputs),
            old_outputs=to_struct(old.outputs),
        )
        # The server is in this process, so no proxy must be used.
        options = [("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(self.target, options=options) as channel:
            answer = callback_pb2_grpc.CallbacksStub(channel).Invoke(
                callback_pb2.CallbackInvokeRequest(
                    token=self.token, request=request.SerializeToString()
                )
            )
        response = resource_pb2.ResourceHookResponse.FromString(answer.response)
        return "" if self.ignores_errors else str(response.error)


def before_update(binding: Any, hooks: dict[str, Hook]) -> tuple[Hook, ...]:
    """The hooks in a RegisterResourceRequest's binding, which refers to them by name."""
    for kind in binding.DESCRIPTOR.fields_by_name:
        if kind != "before_update" and getattr(binding, kind):
            raise LocalAzureError(f"the program has {kind} hooks, which only the Pulumi CLI calls")
    return tuple(hooks[name] for name in binding.before_update)
