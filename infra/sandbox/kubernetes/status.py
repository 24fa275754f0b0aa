"""Refusals of the API as Kubernetes words them: a Status object with code, reason and causes."""

from __future__ import annotations

from dataclasses import dataclass

from infra.sandbox.kubernetes.kinds import Kind, Object, supported


@dataclass(frozen=True)
class Cause:
    """One field that is wrong."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class ApiError(Exception):
    """A refused request; `status()` is the body of the answer."""

    def __init__(self, code: int, reason: str, message: str, *, details: Object | None = None, causes: list[Cause] | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details, self.causes = code, reason, message, details or {}, causes or []

    def status(self) -> Object:
        """The Status object of the answer."""
        details = dict(self.details)
        if self.causes:
            details["causes"] = [{"field": cause.field, "message": cause.message, "reason": cause.reason} for cause in self.causes]
        return {
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": details,
            "code": self.code,
        }


def _details(kind: Kind, name: str) -> Object:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def not_found(kind: Kind, name: str) -> ApiError:
    """404 for an object."""
    return ApiError(404, "NotFound", f'{kind.qualified} "{name}" not found', details=_details(kind, name))


def already_exists(kind: Kind, name: str) -> ApiError:
    """409 for a name that is taken."""
    return ApiError(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', details=_details(kind, name))


def conflict(kind: Kind, name: str) -> ApiError:
    """409 for a resourceVersion or uid that is no longer the live one."""
    text = f'Operation cannot be fulfilled on {kind.qualified} "{name}": the object has been modified; apply your changes to the latest version'
    return ApiError(409, "Conflict", text, details=_details(kind, name))


def forbidden(kind: Kind, name: str, why: str) -> ApiError:
    """403 with its reason: a quota, or a namespace that is going away."""
    return ApiError(403, "Forbidden", f'{kind.qualified} "{name}" is forbidden: {why}', details=_details(kind, name))


def invalid(kind: Kind, name: str, causes: list[Cause]) -> ApiError:
    """422 naming every field that is wrong."""
    text = str(causes[0]) if len(causes) == 1 else "[" + ", ".join(map(str, causes)) + "]"
    return ApiError(422, "Invalid", f'{kind.titled} "{name}" is invalid: {text}', details=_details(kind, name), causes=causes)


def bad_request(message: str) -> ApiError:
    """400 for a request that cannot be read."""
    return ApiError(400, "BadRequest", message)


def supported_error(what: str) -> ApiError:
    """404 for a kind or path that this cluster does not have, naming those it has."""
    return ApiError(404, "NotFound", f"the process cluster has no {what}; it has {supported()}")
