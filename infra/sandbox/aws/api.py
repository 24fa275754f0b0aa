"""Connections to the local AWS API, one client per service and region, made on use."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from falaj.errors import Fault, Unanswered, UsageError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_GONE = ("NotFound", "NoSuch", "NotFoundException", "ResourceNotFound", "404", "TrailNotFound", "DoesNotExist", "NonExistent")


@lru_cache(maxsize=8)
def clients_of(endpoint: str) -> Clients:
    """The clients of an endpoint, shared by every provider of this process. Raises UsageError for one that is not on this machine."""
    return Clients(endpoint)


def is_gone(problem: Exception) -> bool:
    """True when the API says that what was asked for does not exist."""
    code = _code(problem)
    return any(word in code for word in _GONE) and code != "NoSuchUpload"


def _code(problem: Exception) -> str:
    response = getattr(problem, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


class Clients:
    """boto3 clients for one endpoint. Making one reads large files and is not thread-safe, so each is made once, under a lock."""

    def __init__(self, endpoint: str) -> None:
        if urlsplit(endpoint).hostname not in _LOOPBACK:
            raise UsageError(
                "the local AWS provider only speaks to this machine",
                given=f"AWS_ENDPOINT_URL={endpoint}",
                allowed="http://127.0.0.1:<port>",
                why="it makes and deletes without asking; a real account takes the real provider",
                next="unset AWS_ENDPOINT_URL",
            )
        self.endpoint = endpoint
        self._lock = threading.Lock()
        self._made: dict[tuple[str, str], Any] = {}
        self._session: Any = None

    def get(self, service: str, region: str) -> Any:
        """The client of `service` in `region`."""
        with self._lock:
            if (service, region) not in self._made:
                self._made[service, region] = self._make(service, region)
            return self._made[service, region]

    def _make(self, service: str, region: str) -> Any:
        import boto3
        from botocore.config import Config

        self._session = self._session or boto3.Session(aws_access_key_id="local", aws_secret_access_key="local")
        # A call whose answer comes too late is made once more, and what the first one made is in the way then: so wait for a machine that is busy.
        patience = {"connect_timeout": 5, "read_timeout": 600}
        settings = Config(s3={"addressing_style": "path"}, retries={"mode": "standard", "max_attempts": 2}, max_pool_connections=16, **patience)
        return self._session.client(service, region_name=region, endpoint_url=self.endpoint, config=settings)


class Api:
    """The local AWS as one resource sees it: in its region, as the account of the credentials."""

    partition = "aws"

    def __init__(self, clients: Clients, region: str, account: str) -> None:
        self._clients, self.region, self.account = clients, region, account

    def __call__(self, service: str) -> Any:
        return self._clients.get(service, self.region)

    def arn(self, service: str, rest: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{rest}"

    def absent(self, call: Any, **arguments: Any) -> Any:
        """The answer of `call`, or None when the API says that there is none."""
        try:
            return call(**arguments)
        except Exception as problem:
            if is_gone(problem):
                return None
            raise


def explain(problem: Exception, what: str, endpoint: str) -> Fault:
    """An API's or connection's failure as an error that a person can act on."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

    if isinstance(problem, ConnectionError | HTTPClientError):
        # The same words for whatever it was asked, so that an apply says them once.
        given = f"{endpoint}: {what}"
        return Unanswered("the local AWS API does not answer", given=given, next="start it with `make up`, or look at `falaj status --env local`")
    if isinstance(problem, ClientError):
        return Fault(f"{what}: {_code(problem)}: {problem.response['Error'].get('Message', '')}", why=f"the API refused {problem.operation_name}")
    return Fault(f"{what}: {type(problem).__name__}: {problem}")
