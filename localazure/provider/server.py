"""The provider protocol over gRPC, for Pulumi's own engine: a thin shell around `Provider`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from localazure.azurite import Azurite
from localazure.errors import ArmError, LocalAzureError
from localazure.provider.provider import Diff, Provider, overlap, plugin_version, schema
from localazure.values import Props, from_struct, name_of, plain, to_struct, token_of

# gRPC's default of 4 MiB is too little for some stacks.
MAX_MESSAGE = 400 * 1024 * 1024
PARENT_CHECK_SECONDS = 1.0
# Calls for which there is nothing to do.
_EMPTY_ANSWERS = {
    "Attach": empty_pb2.Empty,
    "Cancel": empty_pb2.Empty,
    "GetMapping": provider_pb2.GetMappingResponse,
    "GetMappings": provider_pb2.GetMappingsResponse,
    "Handshake": provider_pb2.ProviderHandshakeResponse,
}


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers every call that an engine makes with `Calls`."""

    def __init__(self, provider: Provider) -> None:
        calls = Calls(provider)
        for name in vars(Calls):
            if name[0].isupper():
                setattr(self, name, _answering(getattr(calls, name)))
        for name, answer in _EMPTY_ANSWERS.items():
            setattr(self, name, lambda request, context, answer=answer: answer())


def _answering(call: Callable[[Any], Any]) -> Callable[[Any, grpc.ServicerContext], Any]:
    """Turn expected failures into a gRPC status: one line, no traceback."""

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return call(request)
        except (ArmError, LocalAzureError) as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except KeyError as error:
            context.abort(
                grpc.StatusCode.UNIMPLEMENTED, f"the local stand-in for Azure has no type {error}"
            )

    return answer


class Calls:
    """The protocol's calls, for the types that the stand-in has."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def GetPluginInfo(self, request: Any) -> Any:
        return plugin_pb2.PluginInfo(version=plugin_version())

    def GetSchema(self, request: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=schema(self._provider))

    def CheckConfig(self, request: Any) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any) -> Any:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any) -> Any:
        settings = {key.rpartition(":")[2]: value for key, value in request.variables.items()}
        self._provider.configure(settings)
        self._provider.control_plane.serve_accounts()
        return provider_pb2.ConfigureResponse(supportsPreview=True)

    def Invoke(self, request: Any) -> Any:
        result = self._provider.invoke(request.tok, _props(request.args))
        response = provider_pb2.InvokeResponse()
        getattr(response, "return").CopyFrom(to_struct(result))  # a keyword here, a field there
        return response

    def Check(self, request: Any) -> Any:
        inputs, failures = self._provider.check(
            token_of(request.urn),
            name_of(request.urn),
            _props(request.olds),
            _props(request.news),
            request.randomSeed,
        )
        return provider_pb2.CheckResponse(
            inputs=to_struct(inputs),
            failures=[
                provider_pb2.CheckFailure(property=failure.property, reason=failure.reason)
                for failure in failures
            ],
        )

    def Diff(self, request: Any) -> Any:
        found = self._provider.diff(
            token_of(request.urn), _props(request.old_inputs), _props(request.news)
        )
        return _diff_response(found)

    def Create(self, request: Any) -> Any:
        live = self._provider.create(
            token_of(request.urn), _props(request.properties), preview=request.preview
        )
        return provider_pb2.CreateResponse(id=live.id, properties=to_struct(live.outputs))

    def Read(self, request: Any) -> Any:
        found = self._provider.read(token_of(request.urn), request.id, _props(request.inputs))
        if found is None:
            return provider_pb2.ReadResponse()
        live, inputs = found
        return provider_pb2.ReadResponse(
            id=live.id, properties=to_struct(live.outputs), inputs=to_struct(inputs)
        )

    def Update(self, request: Any) -> Any:
        live = self._provider.update(
            token_of(request.urn),
            request.id,
            _props(request.olds),
            _props(request.news),
            preview=request.preview,
        )
        return provider_pb2.UpdateResponse(properties=to_struct(live.outputs))

    def Delete(self, request: Any) -> Any:
        self._provider.delete(token_of(request.urn), request.id)
        return empty_pb2.Empty()


def serve() -> None:
    """Listen on a free loopback port, print it as the protocol asks, and serve until the end.

    The engine kills its plugins when it ends, but not when it is killed itself. A process whose
    parent has died gets another one, and then this one finishes its calls and ends, too.
    """
    engine = os.getppid()
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", MAX_MESSAGE),
        ],
    )
    try:
        provider = Provider(Azurite.from_environment())
    except LocalAzureError as error:
        sys.exit(str(error))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(provider), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    while os.getppid() == engine:
        server.wait_for_termination(timeout=PARENT_CHECK_SECONDS)
    server.stop(grace=None)


def _props(struct: Any) -> Props:
    """Plain values: the engine sends no secrets to a provider that does not accept them."""
    opened: Props = plain(from_struct(struct))
    return opened


def _diff_response(found: Diff) -> Any:
    detailed = {}
    for path, change in found.changes.items():
        replacing = any(overlap(path, replaced) for replaced in found.replaces)
        kind = f"{change.upper()}_REPLACE" if replacing else change.upper()
        detailed[path] = provider_pb2.PropertyDiff(
            kind=provider_pb2.PropertyDiff.Kind.Value(kind), inputDiff=True
        )
    response = provider_pb2.DiffResponse
    return response(
        changes=response.DIFF_SOME if found.changes else response.DIFF_NONE,
        replaces=list(found.replaces),
        deleteBeforeReplace=found.delete_first,
        diffs=sorted({path.split(".")[0].split("[")[0] for path in found.changes}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
