"""The provider protocol, spoken by a client of its own over gRPC to the real plugin process."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from localazure.azurite import Azurite
from localazure.values import UNKNOWN, from_struct, to_struct
from tests.conftest import ROOT
from tests.localazure import declared
from tests.localazure.conftest import empty_control_plane

URN = "urn:pulumi:s::p::azure-native:resources:ResourceGroup::rg"


def plugin_environment(azurite: Azurite) -> dict[str, str]:
    return {
        **os.environ,
        "LOCALAZURE_HOME": str(azurite.state_dir),
        "LOCALAZURE_BLOB_PORT": str(azurite.port),
    }


@pytest.fixture(scope="module")
def stub(desk_azurite: Azurite) -> Iterator[Any]:
    plugin = subprocess.Popen(
        [ROOT / "localazure" / "bin" / "pulumi-resource-azure-native", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        text=True,
        env=plugin_environment(desk_azurite),
        cwd="/",
    )
    assert plugin.stdout is not None
    port = int(plugin.stdout.readline())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    plugin.terminate()
    plugin.wait(10)
    plugin.stdout.close()


def test_it_says_what_it_is_and_which_types_it_has(stub: Any) -> None:
    assert stub.GetPluginInfo(empty_pb2.Empty()).version == "3.29.0"
    described = json.loads(stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)
    assert "azure-native:storage:BlobContainer" in described["resources"]
    assert described["resources"]["azure-native:storage:StorageAccount"]["requiredInputs"] == [
        "kind",
        "resourceGroupName",
        "sku",
    ]


def test_a_configuration_is_taken_and_previews_are_offered(stub: Any) -> None:
    stub.Handshake(provider_pb2.ProviderHandshakeRequest())
    stub.Attach(plugin_pb2.PluginAttach(address="x"))
    answer = stub.Configure(
        provider_pb2.ConfigureRequest(variables={"azure-native:config:location": "westus2"})
    )
    assert answer.supportsPreview
    checked = stub.Check(provider_pb2.CheckRequest(urn=URN, news=to_struct({}), randomSeed=b"s"))
    assert from_struct(checked.inputs)["location"] == "westus2"


def test_a_group_is_created_changed_and_deleted_over_grpc(stub: Any) -> None:
    inputs = to_struct({"resourceGroupName": "Wire", "location": "westus2"})
    made = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs))
    assert made.id.endswith("/resourceGroups/Wire")
    news = to_struct({"resourceGroupName": "Wire", "location": "westus2", "tags": {"a": "b"}})
    diff = stub.Diff(provider_pb2.DiffRequest(urn=URN, id=made.id, old_inputs=inputs, news=news))
    assert diff.changes == provider_pb2.DiffResponse.DIFF_SOME
    assert diff.detailedDiff["tags"].kind == provider_pb2.PropertyDiff.ADD
    updated = stub.Update(
        provider_pb2.UpdateRequest(urn=URN, id=made.id, olds=made.properties, news=news)
    )
    assert from_struct(updated.properties)["tags"] == {"a": "b"}
    read = stub.Read(provider_pb2.ReadRequest(urn=URN, id=made.id, inputs=news))
    assert from_struct(read.inputs)["tags"] == {"a": "b"}
    stub.Delete(provider_pb2.DeleteRequest(urn=URN, id=made.id))
    assert stub.Read(provider_pb2.ReadRequest(urn=URN, id=made.id, inputs=news)).id == ""


def test_a_replacement_names_its_property(stub: Any) -> None:
    old = to_struct({"resourceGroupName": "A", "location": "westus2"})
    new = to_struct({"resourceGroupName": UNKNOWN, "location": "westus2"})
    diff = stub.Diff(provider_pb2.DiffRequest(urn=URN, id="x", old_inputs=old, news=new))
    assert list(diff.replaces) == ["resourceGroupName"]
    assert diff.deleteBeforeReplace
    kind = diff.detailedDiff["resourceGroupName"].kind
    assert kind == provider_pb2.PropertyDiff.UPDATE_REPLACE


def test_a_refusal_arrives_as_one_line_with_azures_code(stub: Any) -> None:
    inputs = to_struct({"resourceGroupName": "A", "location": "nowhere"})
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(provider_pb2.CreateRequest(urn=URN, properties=inputs))
    assert 'Code="LocationNotAvailableForResourceType"' in str(caught.value.details())
    assert "\n" not in str(caught.value.details())


def test_a_type_it_lacks_is_named(stub: Any) -> None:
    urn = "urn:pulumi:s::p::azure-native:sql:Server::site"
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(provider_pb2.CheckRequest(urn=urn))
    assert "no type 'azure-native:sql:Server'" in str(caught.value.details())


def urn_of(short: str) -> str:
    return f"urn:pulumi:s::p::{declared.native(short)}::x"


def test_an_account_is_imported_by_its_id_and_a_nested_change_replaces_it(
    stub: Any, desk_azurite: Azurite
) -> None:
    empty_control_plane(desk_azurite)
    for short in (declared.GROUP, declared.ACCOUNT):
        properties = to_struct(declared.INPUTS[short])
        stub.Create(provider_pb2.CreateRequest(urn=urn_of(short), properties=properties))
    urn = urn_of(declared.ACCOUNT)
    read = stub.Read(provider_pb2.ReadRequest(urn=urn, id=declared.STORE))
    inputs = from_struct(read.inputs)
    assert declared.INPUTS[declared.ACCOUNT].items() <= inputs.items()
    checked = stub.Check(provider_pb2.CheckRequest(urn=urn, olds=read.inputs, news=read.inputs))
    assert list(checked.failures) == []
    inputs["encryption"]["requireInfrastructureEncryption"] = True
    inputs["tags"] = {"a": "b"}
    diff = stub.Diff(
        provider_pb2.DiffRequest(
            urn=urn, id=declared.STORE, old_inputs=read.inputs, news=to_struct(inputs)
        )
    )
    assert list(diff.replaces) == ["encryption.requireInfrastructureEncryption"]
    assert sorted(diff.diffs) == ["encryption", "tags"]
    kinds = {path: change.kind for path, change in diff.detailedDiff.items()}
    assert kinds == {
        "encryption.requireInfrastructureEncryption": provider_pb2.PropertyDiff.ADD_REPLACE,
        "tags.a": provider_pb2.PropertyDiff.ADD,
    }


def test_removing_an_object_with_an_immutable_property_replaces_the_resource(stub: Any) -> None:
    old = to_struct(declared.INPUTS[declared.ENDPOINT])
    new = to_struct(declared.declared(declared.ENDPOINT, subnet=None, location="eastus"))
    diff = stub.Diff(
        provider_pb2.DiffRequest(urn=urn_of(declared.ENDPOINT), id="x", old_inputs=old, news=new)
    )
    assert set(diff.replaces) == {"location", "subnet.id"}
    assert diff.detailedDiff["subnet"].kind == provider_pb2.PropertyDiff.DELETE_REPLACE


def test_functions_and_failures_of_the_new_types_arrive(stub: Any) -> None:
    answer = stub.Invoke(
        provider_pb2.InvokeRequest(tok="azure-native:authorization:getClientConfig")
    )
    found = from_struct(getattr(answer, "return"))
    assert found["subscriptionId"] == "00000000-0000-0000-0000-000000000000"
    wrong = to_struct({**declared.INPUTS[declared.LOCK], "level": 3, "colour": "red"})
    checked = stub.Check(provider_pb2.CheckRequest(urn=urn_of(declared.LOCK), news=wrong))
    assert {failure.property for failure in checked.failures} == {"level", "colour"}
    with pytest.raises(grpc.RpcError) as caught:
        stub.Create(
            provider_pb2.CreateRequest(
                urn=urn_of(declared.LOCK),
                properties=to_struct({**declared.INPUTS[declared.LOCK], "level": "Never"}),
            )
        )
    assert "'level' cannot be 'Never'" in str(caught.value.details())


def test_the_plugin_ends_when_the_engine_that_started_it_is_killed(desk_azurite: Azurite) -> None:
    plugin = [str(ROOT / "localazure" / "bin" / "pulumi-resource-azure-native"), "127.0.0.1:1"]
    engine = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            "plugin = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, text=True)\n"
            "print(plugin.stdout.readline(), flush=True)\n"
            "time.sleep(600)",
            *plugin,
        ],
        stdout=subprocess.PIPE,
        text=True,
        env=plugin_environment(desk_azurite),
    )
    assert engine.stdout is not None
    port = int(engine.stdout.readline())
    assert is_listening(port)
    engine.kill()
    engine.wait()
    engine.stdout.close()
    deadline = time.monotonic() + 60
    while is_listening(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_listening(port)


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
