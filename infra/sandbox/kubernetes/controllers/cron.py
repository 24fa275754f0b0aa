"""Cron expressions as CronJobs use them: five fields with lists, ranges, steps and names, and the @hourly family."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_MONTHS: dict[str, int] = {name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)}
_DAYS: dict[str, int] = {name: number for number, name in enumerate(["sun", "mon", "tue", "wed", "thu", "fri", "sat"])}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_HORIZON = timedelta(days=366 * 5)


@dataclass(frozen=True)
class Schedule:
    """The minutes that an expression names, in its time zone."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool
    """True when both day fields are restricted: a day that fits one of them is enough, as in cron."""

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read an expression. Raises ValueError that says which field is wrong and what it may hold."""
        words = _NAMED.get(text.strip().lower(), text).split()
        if text.strip().upper().startswith(("TZ=", "CRON_TZ=")):
            raise ValueError("TZ or CRON_TZ is not supported in the schedule; use spec.timeZone")
        if len(words) != len(_FIELDS):
            raise ValueError(f"a schedule has 5 fields (minute hour day-of-month month day-of-week), this has {len(words)}")
        sets = [_field(word, *row) for word, row in zip(words, _FIELDS, strict=True)]
        sets[4] = frozenset(day % 7 for day in sets[4])
        return cls(*sets, either=not words[2].startswith(("*", "?")) and not words[4].startswith(("*", "?")))

    def fires(self, moment: datetime) -> bool:
        """True when this minute, in the schedule's own time zone, is one of them."""
        return moment.minute in self.minutes and moment.hour in self.hours and self._day(moment)

    def after(self, moment: datetime, place: tzinfo = UTC) -> datetime | None:
        """The first minute strictly after `moment`, in UTC; None when there is none in five years (30 February)."""
        local = moment.astimezone(place).replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = local + _HORIZON
        while local < end:
            if not self._day(local):
                local = (local + timedelta(days=1)).replace(hour=0, minute=0)
            elif local.hour not in self.hours:
                local = (local + timedelta(hours=1)).replace(minute=0)
            elif local.minute not in self.minutes:
                local += timedelta(minutes=1)
            else:
                found = local.astimezone(UTC)
                if found > moment:
                    return found
                local += timedelta(minutes=1)
        return None

    def _day(self, moment: datetime) -> bool:
        if moment.month not in self.months:
            return False
        of_month, of_week = moment.day in self.days, moment.isoweekday() % 7 in self.weekdays
        return of_month or of_week if self.either else of_month and of_week


def zone(name: str | None) -> tzinfo:
    """The time zone of a CronJob, UTC where none is given. Raises ValueError for one this machine does not know."""
    if name in (None, "UTC", "Etc/UTC"):
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ValueError(f"unknown time zone {name}") from problem


def _field(text: str, name: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = int(step_text) if step_text.isdecimal() else 0
        if slash and step < 1:
            raise ValueError(f"{name}: {part!r} has a step that is not a positive whole number")
        if span in ("*", "?"):
            first, last = low, high
        else:
            head, dash, tail = span.partition("-")
            first = _number(head, name, low, high, names)
            last = _number(tail, name, low, high, names) if dash else (high if slash else first)
        if last < first:
            raise ValueError(f"{name}: {span!r} ends before it begins")
        found.update(range(first, last + 1, step or 1))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    number = names.get(text.lower(), int(text) if text.isdecimal() else -1)
    if not low <= number <= high:
        extra = f" or {', '.join(names)}" if names else ""
        raise ValueError(f"{name}: {text!r} is not {low}-{high}{extra}")
    return number
