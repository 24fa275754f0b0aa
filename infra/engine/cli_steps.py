"""What the Pulumi CLI knows of a resource right before its step: a policy pack of ours that asks this very process.

The CLI shows a policy pack each resource with its inputs resolved, and does not take the step that a mandatory policy refuses. The pack is a
folder with a program that only names our server's port, so it needs no package, and the answer is given where the plan and the rules are.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Generator, Mapping
from concurrent import futures
from pathlib import Path
from typing import Any

from falaj.errors import FalajError, Fault
from infra.engine.cli_events import to_plan
from infra.engine.engine import Guard

_NAME = "falaj-steps"
_POLICY = "judged-before-its-step"
_PROJECT = "description: Judges each resource on the values known right before its step\nruntime: python\nversion: 1.0.0\n"
_PROGRAM = """import os, time

parent = os.getppid()
print({port}, flush=True)
while os.getppid() == parent:
    time.sleep(0.5)
"""
_MEGABYTES = 400
"""As large a message as the CLI itself sends."""


class Steps:
    """Asks `guard` of what the CLI shows. `ops`: URN -> planned operation; of what is not in it nothing is asked."""

    def __init__(self, guard: Guard, ops: Mapping[str, str]) -> None:
        self._guard, self._ops = guard, ops
        self._mutex = threading.Lock()
        self.problem: FalajError | None = None
        """The first refusal; what came after it may follow from it."""

    def refusal(self, urn: str, properties: Mapping[str, Any]) -> str:
        """Why the step on `urn` must not be taken; empty where it may. `properties` are its inputs as the CLI writes them."""
        op = self._ops.get(urn)
        if op is None:
            return ""
        try:
            self._guard(op, urn, to_plan({key: value for key, value in properties.items() if key != "__internal"}))
        except FalajError as problem:
            return self._noted(problem)
        except Exception as problem:  # whatever it is, it is no yes
            return self._noted(Fault(f"judging {urn} before its step failed: {type(problem).__name__}: {problem}"))
        return ""

    def _noted(self, problem: FalajError) -> str:
        with self._mutex:
            self.problem = self.problem or problem
        return str(problem)


@contextlib.contextmanager
def pack_of(steps: Steps) -> Generator[Path]:
    """The folder for `--policy-pack`; it and its server are there as long as the block. Loopback only."""
    import grpc
    from pulumi.runtime.proto import analyzer_pb2_grpc

    sizes = [("grpc.max_receive_message_length", _MEGABYTES << 20), ("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4, thread_name_prefix="falaj-steps"), options=sizes)
    analyzer_pb2_grpc.add_AnalyzerServicer_to_server(_servicer(steps), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="falaj-steps-") as folder:
            Path(folder, "PulumiPolicy.yaml").write_text(_PROJECT, encoding="utf-8")
            Path(folder, "__main__.py").write_text(_PROGRAM.format(port=port), encoding="utf-8")
            yield Path(folder)
    finally:
        server.stop(grace=None)


def _servicer(steps: Steps) -> Any:
    from google.protobuf import empty_pb2, json_format
    from pulumi.runtime.proto import analyzer_pb2 as pb
    from pulumi.runtime.proto import analyzer_pb2_grpc, plugin_pb2

    class Servicer(analyzer_pb2_grpc.AnalyzerServicer):
        def Handshake(self, request: Any, context: Any) -> Any:
            return pb.AnalyzerHandshakeResponse()

        def ConfigureStack(self, request: Any, context: Any) -> Any:
            return pb.AnalyzerStackConfigureResponse()

        def Configure(self, request: Any, context: Any) -> Any:
            return empty_pb2.Empty()  # ty: ignore[missing-attribute]

        def Cancel(self, request: Any, context: Any) -> Any:
            return empty_pb2.Empty()  # ty: ignore[missing-attribute]

        def GetPluginInfo(self, request: Any, context: Any) -> Any:
            return plugin_pb2.PluginInfo(version="1.0.0")

        def GetAnalyzerInfo(self, request: Any, context: Any) -> Any:
            policy = pb.PolicyInfo(name=_POLICY, displayName="Judged before its step", enforcementLevel=pb.MANDATORY)
            return pb.AnalyzerInfo(name=_NAME, displayName="Falaj", version="1.0.0", policies=[policy])

        def Analyze(self, request: Any, context: Any) -> Any:
            why = steps.refusal(request.urn, json_format.MessageToDict(request.properties))
            if not why:
                return pb.AnalyzeResponse()
            about = {"policyName": _POLICY, "policyPackName": _NAME, "policyPackVersion": "1.0.0", "description": "Judged before its step"}
            return pb.AnalyzeResponse(diagnostics=[pb.AnalyzeDiagnostic(**about, message=why, enforcementLevel=pb.MANDATORY, urn=request.urn)])

        def Remediate(self, request: Any, context: Any) -> Any:
            return pb.RemediateResponse()

        def AnalyzeStack(self, request: Any, context: Any) -> Any:
            return pb.AnalyzeResponse()

    return Servicer()
