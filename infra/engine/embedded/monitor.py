"""The two gRPC services a Pulumi program talks to: the resource monitor and the engine (its log and its root resource)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import empty_pb2 as _empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, resource_pb2, resource_pb2_grpc

from infra.engine.embedded import urns
from infra.engine.embedded.carrying import SETTLE
from infra.engine.embedded.deploy import Deployment, Registered
from infra.engine.embedded.goals import Goal, goal_of
from infra.engine.embedded.run import Run, Stopped, message_of
from infra.engine.embedded.transforms import Transforms
from infra.engine.embedded.values import Unknown, contains, from_struct, to_struct, unsupported

T = TypeVar("T")
empty_pb2: Any = _empty_pb2
_THREADS = 80
"""More than the calls a program makes at a time (four per unit of its parallelism), or a registration could wait for one that waits for it."""
_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
_FEATURES = [
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    # Those that follow are refused by name when used; the SDK's own refusal would tell people to update the CLI.
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_INVOKE_TRANSFORMS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ERROR_HOOKS,
]
_LEGACY_FEATURES = frozenset({"secrets", "resourceReferences", "aliasSpecs", "deletedWith", "replaceWith", "transforms", "invokeTransforms"})
_RESULTS = {"success": resource_pb2.Result.SUCCESS, "failed": resource_pb2.Result.FAIL, "skipped": resource_pb2.Result.FAIL}


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Serves one program run."""

    def __init__(self, run: Run, deployment: Deployment, info: resource_pb2.DeploymentInfo) -> None:
        self._run, self._deployment, self._info = run, deployment, info
        self.unanswered: set[str] = set()
        """Invokes whose results the program was told are unknown."""
        self._transforms = Transforms(deployment.inherit, deployment.parent_of)
        self._busy = 0
        self._idle = threading.Condition()

    def wait_idle(self) -> None:
        """Return when no call is being served any more; the program is then gone."""
        with self._idle:
            self._idle.wait_for(lambda: self._busy == 0)
        self._transforms.close()

    def GetDeploymentInfo(self, request: Any, context: grpc.ServicerContext) -> resource_pb2.DeploymentInfo:
        return self._info

    def SupportsFeature(self, request: Any, context: grpc.ServicerContext) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in _LEGACY_FEATURES)

    def RegisterResource(self, request: Any, context: grpc.ServicerContext) -> resource_pb2.RegisterResourceResponse:
        def serve() -> resource_pb2.RegisterResourceResponse:
            transforms = self._transforms.wanted_for(request)
            goal = goal_of(self._transforms.registration(request, transforms) if transforms else request)
            goal.inherited = bool(transforms)
            done = self._deployment.register(goal)
            self._transforms.keep(done.resource.urn, request)
            return self._answer(done, request.supportsPartialValues)

        return self._serve(context, serve)

    def _answer(self, done: Registered, partial: bool) -> resource_pb2.RegisterResourceResponse:
        resource = done.resource
        outputs = resource.outputs if resource.custom and done.result == "success" else {}
        if not partial:
            outputs = {key: value for key, value in outputs.items() if not contains(value, Unknown)}
        return resource_pb2.RegisterResourceResponse(
            urn=resource.urn, id=resource.id if done.result == "success" else "", object=to_struct(outputs), result=_RESULTS[done.result]
        )

    def ReadResource(self, request: Any, context: grpc.ServicerContext) -> resource_pb2.ReadResourceResponse:
        def serve() -> resource_pb2.ReadResourceResponse:
            goal = Goal(
                request.type,
                request.name,
                True,
                parent=request.parent,
                inputs=from_struct(request.properties, at=request.name),
                provider=request.provider,
                version=request.version,
                dependencies=sorted(set(request.dependencies)),
                additional_secret_outputs=list(request.additionalSecretOutputs),
            )
            done = self._deployment.read(goal, request.id)
            outputs = done.resource.outputs if done.result == "success" else {}
            return resource_pb2.ReadResourceResponse(urn=done.resource.urn, properties=to_struct(outputs), result=_RESULTS[done.result])

        return self._serve(context, serve)

    def RegisterResourceOutputs(self, request: Any, context: grpc.ServicerContext) -> Any:
        def serve() -> Any:
            outputs = from_struct(request.outputs, at=request.urn)
            # During an apply an output is unknown only where a resource failed; the outputs of before stay.
            if self._run.preview or not contains(outputs, Unknown):
                self._deployment.set_outputs(request.urn, outputs)
            return empty_pb2.Empty()

        return self._serve(context, serve)

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> resource_pb2.ResourceInvokeResponse:
        def serve() -> resource_pb2.ResourceInvokeResponse:
            asked = self._transforms.invoke(request)
            reference = self._deployment.provider_reference(urns.package_of(request.tok), asked.version, asked.provider)
            value, failures = self._run.registry.get(reference).invoke(request.tok, from_struct(asked.args, at=request.tok))
            if value is None:
                self.unanswered.add(request.tok)
                return resource_pb2.ResourceInvokeResponse(unknown=True)
            if failures:
                # The SDK ends the program at once; what it asked for in the same breath should still arrive.
                time.sleep(4 * SETTLE)
            refused = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in failures]
            answer: dict[str, Any] = {"return": to_struct(value), "failures": refused}
            return resource_pb2.ResourceInvokeResponse(**answer)

        return self._serve(context, serve, program_may_catch=True)

    def Call(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, "calls of resource methods", request.tok)

    def RegisterStackTransform(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._transforms.add(request)
        return empty_pb2.Empty()

    def RegisterStackInvokeTransform(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._transforms.add_for_invokes(request)
        return empty_pb2.Empty()

    def RegisterResourceHook(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, "resource hooks", request.name)

    def RegisterErrorHook(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, "resource hooks", "an error hook")

    def RegisterPackage(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        self._refuse(context, "package parameterization", request.name)

    def SignalAndWaitForShutdown(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._transforms.close()
        return empty_pb2.Empty()

    def _refuse(self, context: grpc.ServicerContext, what: str, at: str) -> NoReturn:
        problem = unsupported(what, at)
        self._run.abort(problem)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, str(problem))
        raise problem

    def _serve(self, context: grpc.ServicerContext, call: Callable[[], T], *, program_may_catch: bool = False) -> T:
        """Answer a call; an error of ours stops the run, one that is the program's to handle is only sent back."""
        with self._idle:
            self._busy += 1
        try:
            return call()
        except Stopped:
            context.abort(grpc.StatusCode.UNAVAILABLE, "the run has been stopped")
            raise
        except Exception as problem:
            if not program_may_catch:
                self._run.abort(problem)
            context.abort(grpc.StatusCode.UNKNOWN, message_of(problem))
            raise
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()


class EngineService(engine_pb2_grpc.EngineServicer):
    """The program's log and its root resource."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._root = ""
        self.log: list[tuple[str, str]] = []
        """(severity, message) in order."""

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        severity = engine_pb2.LogSeverity.Name(request.severity).lower()
        if severity != "debug":
            self.log.append((severity, request.message))
        if severity == "error":
            self._run.fail(request.message.strip())
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, context: grpc.ServicerContext) -> engine_pb2.GetRootResourceResponse:
        return engine_pb2.GetRootResourceResponse(urn=self._root)

    def SetRootResource(self, request: Any, context: grpc.ServicerContext) -> engine_pb2.SetRootResourceResponse:
        self._root = request.urn
        return engine_pb2.SetRootResourceResponse()

    def RequirePulumiVersion(self, request: Any, context: grpc.ServicerContext) -> engine_pb2.RequirePulumiVersionResponse:
        """Any: what counts is which features the program uses, and those are checked one by one."""
        return engine_pb2.RequirePulumiVersionResponse()


class Server:
    """Both services on one loopback port for as long as the `with` block lasts."""

    def __init__(self, monitor: Monitor, engine: EngineService) -> None:
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=_THREADS), options=_OPTIONS)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, self._server)
        engine_pb2_grpc.add_EngineServicer_to_server(engine, self._server)
        self.address = ""

    def __enter__(self) -> Server:
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(grace=0).wait()


def features() -> list[Any]:
    """What the monitor tells the SDK it understands."""
    return list(_FEATURES)
