"""Collects what is wrong with an object, field by field, in the words of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Collection
from decimal import Decimal
from typing import Any

from falaj.quantity import quantity
from infra.sandbox.kubernetes.kinds import Object
from infra.sandbox.kubernetes.status import Cause

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SERVICE_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_RBAC_NAME = re.compile(r"[^/%]+")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")


class Checker:
    """`causes` grows with each failed check; every check returns True where the field is fine."""

    def __init__(self) -> None:
        self.causes: list[Cause] = []

    def wrong(self, field: str, value: Any, why: str) -> bool:
        """Add `Invalid value`."""
        self.causes.append(Cause(field, f"Invalid value: {value!r}: {why}".replace("'", '"')))
        return False

    def missing(self, field: str, why: str = "") -> bool:
        """Add `Required value`."""
        self.causes.append(Cause(field, "Required value" + (f": {why}" if why else ""), "FieldValueRequired"))
        return False

    def unsupported(self, field: str, value: Any, allowed: Collection[str]) -> bool:
        """Add `Unsupported value`, naming what is supported."""
        names = ", ".join(f'"{one}"' for one in sorted(allowed))
        self.causes.append(Cause(field, f"Unsupported value: {value!r}: supported values: {names}".replace("'", '"'), "FieldValueNotSupported"))
        return False

    def not_here(self, field: str) -> bool:
        """Add that the process cluster has no such behaviour, so that nobody believes it is in force."""
        self.causes.append(Cause(field, "Forbidden: the process cluster does not carry this out", "FieldValueForbidden"))
        return False

    def required(self, thing: Object, field: str, at: str) -> Any:
        """The value of a field that must be there and not be empty; None, and a cause, where it is not."""
        value = thing.get(field) if isinstance(thing, dict) else None
        if value in (None, "", [], {}):
            self.missing(f"{at}.{field}" if at else field)
            return None
        return value

    def one_of(self, thing: Object, field: str, at: str, allowed: Collection[str]) -> bool:
        """An absent field is fine."""
        value = thing.get(field)
        return value is None or value in allowed or self.unsupported(f"{at}.{field}" if at else field, value, allowed)

    def whole(self, thing: Object, field: str, at: str, *, least: int = 0) -> bool:
        """An absent field is fine; a number must be whole and at least `least`."""
        value = thing.get(field)
        if value is None:
            return True
        if isinstance(value, bool) or not isinstance(value, int):
            return self.wrong(f"{at}.{field}", value, "must be a whole number")
        return value >= least or self.wrong(f"{at}.{field}", value, f"must be greater than or equal to {least}")

    def text(self, value: Any, field: str) -> bool:
        """A string."""
        return isinstance(value, str) or self.wrong(field, value, "must be a string")

    def port(self, value: Any, field: str) -> bool:
        """A port number."""
        fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535
        return fits or self.wrong(field, value, "must be between 1 and 65535, inclusive")

    def amount(self, value: Any, field: str) -> Decimal | None:
        """A quantity that is not negative."""
        try:
            found = quantity(value)
        except ValueError as problem:
            self.wrong(field, value, str(problem))
            return None
        if found < 0:
            self.wrong(field, value, "must be greater than or equal to 0")
        return found

    def count_or_percent(self, value: Any, field: str) -> bool:
        """A whole number or a percentage such as `25%`."""
        fits = (isinstance(value, int) and value >= 0) or (isinstance(value, str) and re.fullmatch(r"\d+%", value))
        return bool(fits) or self.wrong(field, value, "must be a whole number or a percentage such as 25%")

    def label_name(self, value: Any, field: str) -> bool:
        """A DNS label (RFC 1123)."""
        why = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
        return (isinstance(value, str) and bool(_LABEL.fullmatch(value))) or self.wrong(field, value, why)

    def object_name(self, value: Any, field: str, *, kind: str) -> bool:
        """A name as its kind demands it."""
        if kind == "Namespace":
            return self.label_name(value, field)
        form, longest = (_SERVICE_LABEL, 63) if kind == "Service" else (_RBAC_NAME, 253) if kind.endswith(("Role", "RoleBinding")) else (_SUBDOMAIN, 253)
        if kind == "CronJob":
            longest = 52  # room for the suffix of its Jobs
        if not isinstance(value, str) or not form.fullmatch(value) or value in (".", ".."):
            why = "a lowercase RFC 1123 subdomain must be lower case alphanumeric characters, '-' or '.', and start and end with an alphanumeric character"
            return self.wrong(field, value, why)
        return len(value) <= longest or self.wrong(field, value, f"must be no more than {longest} characters")

    def labels(self, value: Any, field: str) -> None:
        """A label map."""
        for key, label in (value or {}).items():
            if not _LABEL_KEY.fullmatch(key):
                self.wrong(field, key, "name part must consist of alphanumeric characters, '-', '_' or '.'")
            if not isinstance(label, str) or not _LABEL_VALUE.fullmatch(label):
                self.wrong(field, label, "a valid label must be an empty string or consist of at most 63 alphanumeric characters, '-', '_' or '.'")
