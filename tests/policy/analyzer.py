"""The pack as Pulumi runs it: a process that speaks the engine's protocol."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

ROOT = Path(__file__).resolve().parents[2]
MANDATORY, ADVISORY = "mandatory", "advisory"


@dataclass(frozen=True)
class Report:
    """One diagnostic as the engine gets it; `rule` is the policy's name."""

    rule: str
    level: str
    message: str
    urn: str


class Analyzer:
    def __init__(self) -> None:
        # The language host's own command: the engine's address, then the pack's folder, from there.
        pack = ROOT / "policy"
        command = [sys.executable, "-u", "-m", "pulumi.policy", "127.0.0.1:1", str(pack)]
        self._process = subprocess.Popen(command, cwd=pack, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        port = int(self._process.stdout.readline())
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self._stub: Any = analyzer_pb2_grpc.AnalyzerStub(self._channel)

    def info(self) -> Any:
        return self._stub.GetAnalyzerInfo(empty_pb2.Empty())

    def analyze(self, resources: list[dict[str, Any]]) -> list[Report]:
        """What the pack reports for these registrations."""
        found = []
        for resource in resources:
            answer = self._stub.Analyze(
                analyzer_pb2.AnalyzeRequest(
                    type=resource["type"],
                    properties=_struct(resource["properties"]),
                    urn=resource["urn"],
                    name=resource["name"],
                    options=analyzer_pb2.AnalyzerResourceOptions(protect=resource["protect"]),
                )
            )
            found += [_report(each, resource["urn"]) for each in answer.diagnostics]
        answer = self._stub.AnalyzeStack(
            analyzer_pb2.AnalyzeStackRequest(resources=[_of_stack(each) for each in resources])
        )
        return found + [_report(each, each.urn) for each in answer.diagnostics]

    def stop(self) -> None:
        self._channel.close()
        self._process.terminate()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait()


class Program:
    """The project's own program, run for one stack after another without an engine."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.policy.registrations"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def registrations(
        self, stack: str, *, known: bool = False, **settings: Any
    ) -> list[dict[str, Any]]:
        """Its registrations for a stack with these settings in addition to those of its file."""
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        job = {"stack": stack, "known": known, "changed": settings}
        print(json.dumps(job), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        assert answer, "the program failed: its traceback is on standard error"
        found: list[dict[str, Any]] = json.loads(answer)
        return found

    def stop(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _of_stack(resource: dict[str, Any]) -> analyzer_pb2.AnalyzerResource:
    return analyzer_pb2.AnalyzerResource(
        type=resource["type"],
        properties=_struct(resource["properties"]),
        urn=resource["urn"],
        name=resource["name"],
        options=analyzer_pb2.AnalyzerResourceOptions(protect=resource["protect"]),
        parent=resource["parent"],
        propertyDependencies={
            path: analyzer_pb2.AnalyzerPropertyDependencies(urns=urns)
            for path, urns in resource["made_from"].items()
        },
    )


def _report(diagnostic: Any, urn: str) -> Report:
    level = analyzer_pb2.EnforcementLevel.Name(diagnostic.enforcementLevel).lower()
    return Report(diagnostic.policyName, level, diagnostic.message, urn)


def _struct(properties: dict[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(properties)
    return made
