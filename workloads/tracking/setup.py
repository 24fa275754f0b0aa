"""`python -m workloads database`: a fresh PostgreSQL made ready, or one that is ready looked over: who may log in, and to what.

MLflow logs in by tokens for its role and has no password at all. Searches have a role of their own and nothing of the cloud's, so theirs has a
password, which is made here, handed to PostgreSQL as a digest and to the cloud's store of secrets, and stands nowhere else.
"""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from workloads.tracking.database import Database, PasswordFile

TRACKING, SEARCHES = "falaj_mlflow", "falaj_tune"
"""Roles; each owns the database of its name, and nobody else may connect to that."""


def main() -> int:
    """FALAJ_DATABASE_SECRET is the secret of who administers the server; FALAJ_TUNE_SECRET where the address of the searches' database is put."""
    import boto3

    store = boto3.client("secretsmanager", region_name=os.environ.get("AWS_REGION"))
    held = json.loads(store.get_secret_value(SecretId=os.environ["FALAJ_DATABASE_SECRET"])["SecretString"])
    os.environ["FALAJ_DATABASE_USER"] = held["username"]
    database = Database.of(os.environ)
    with tempfile.TemporaryDirectory(prefix="falaj-") as folder:
        file = PasswordFile(Path(folder) / "password", database, lambda: held["password"])
        try:
            made = prepare(database, store, os.environ.get("FALAJ_TUNE_SECRET", ""))
        finally:
            file.close()
    print(f"{TRACKING} is there; {SEARCHES} {'has a new password' if made else 'is as it was'}", flush=True)
    return 0


def prepare(database: Database, store: Any, secret: str) -> bool:
    """Make what is missing of roles and databases. Returns whether searches were given a password, which is put into `secret` of `store`."""
    with psycopg.connect(database.uri, autocommit=True, connect_timeout=10) as server:
        # Of two that look after the same server at once, one waits.
        server.execute("SELECT pg_advisory_lock(hashtext('falaj'))")
        own(server, TRACKING)
        if server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'rds_iam'").fetchone():
            server.execute(sql.SQL("GRANT rds_iam TO {}").format(sql.Identifier(TRACKING)))
        if not secret:
            return False
        own(server, SEARCHES)
        if known(store, secret):
            return False
        password = secrets.token_urlsafe(32)
        # As a digest: what is written in a command stands in the server's log.
        digest = server.pgconn.encrypt_password(password.encode(), SEARCHES.encode(), b"scram-sha-256").decode()
        server.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(SEARCHES), sql.Literal(digest)))
    address = Database(database.host, database.port, SEARCHES, SEARCHES, database.authority).uri.replace("@", f":{password}@", 1)
    store.put_secret_value(SecretId=secret, SecretString=json.dumps({"url": address}))
    return True


def known(store: Any, secret: str) -> bool:
    """Whether the secret holds anything yet."""
    try:
        return bool(store.get_secret_value(SecretId=secret).get("SecretString"))
    except store.exceptions.ResourceNotFoundException:
        # A secret without a value says so in the same words as one that is not there, and the next call tells the two apart.
        return False


def own(server: Any, role: str) -> None:
    """A role that may log in and the database that is its own."""
    name = sql.Identifier(role)
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        server.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    # Who administers a server of the cloud is no superuser, and makes databases for those only that it belongs to.
    server.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(name))
    if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [role]).fetchone():
        server.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))
    server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
