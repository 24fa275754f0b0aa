"""AWS services of our own, for what moto lacks: a class per service with a method per operation, served as JSON, by path or by a header.

Requests are matched to operations by the service description that boto3 itself uses, so that a route cannot be spelled wrongly here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]
_Routes = list[tuple[str, re.Pattern[str], str, Any]]


class Refusal(Exception):
    """An API error: its code as boto3 sees it, and the HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.status = code, status


def application(service: str, account: str, make: Callable[[str, str], object]) -> Application:
    """The WSGI application that answers for `service` in every region; `make(account, region)` is one region's.

    Its methods are named as the operations are. Each takes the request's members and returns the answer's.
    """
    routes = _routes(service)
    regions: dict[str, object] = {}

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"]
        region = environ["HTTP_AUTHORIZATION"].split("Credential=", 1)[1].split("/")[2]
        if region not in regions:
            regions[region] = make(account, region)
        try:
            status, body = 200, _call(service, regions[region], routes, environ, path.split("?", 1)[0])
            headers = []
        except Refusal as refusal:
            # Services with paths say the code in a header, the others in the body.
            status, body, headers = refusal.status, {"__type": refusal.code, "message": str(refusal)}, [("x-amzn-ErrorType", refusal.code)]
        start_response(f"{status} -", [("Content-Type", "application/json"), *headers])
        return [json.dumps(body, default=stamp).encode()]

    return answer


def stamp(value: Any) -> Any:
    """What JSON cannot hold: moments as seconds since 1970."""
    return value.timestamp() if isinstance(value, datetime) else str(value)


def _routes(service: str) -> _Routes:
    """(method, path pattern, operation name, input members) of every operation."""
    import botocore.session

    model = botocore.session.get_session().get_service_model(service)
    found: _Routes = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.http["requestUri"]))
        found.append((operation.http["method"], pattern, name, operation.input_shape.members if operation.input_shape else {}))
    return found


def _call(service: str, here: object, routes: _Routes, environ: Environ, path: str) -> dict[str, Any]:
    # Services without paths name the operation in a header.
    named = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    for method, pattern, name, members in routes:
        match = pattern.fullmatch(path)
        if method != environ["REQUEST_METHOD"] or not match or named not in ("", name):
            continue
        handler = getattr(here, name, None)
        if handler is None:
            raise Refusal("InvalidRequestException", f"the local {service} does not know {name}", 400)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        request = json.loads(environ["wsgi.input"].read(length) or b"{}") if length else {}
        query = parse_qs(environ.get("QUERY_STRING", ""))
        in_path = {key: unquote(value) for key, value in match.groupdict().items()}
        for member, shape in members.items():
            place, spelled = shape.serialization.get("location"), shape.serialization.get("name", member)
            if place == "uri":
                request[member] = in_path[spelled]
            elif place == "querystring" and spelled in query:
                request[member] = query[spelled] if shape.type_name == "list" else query[spelled][0]
        return handler(request)
    raise Refusal("NotFoundException", f"no such operation: {environ['REQUEST_METHOD']} {path}", 404)
