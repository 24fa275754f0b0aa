"""What an environment promises when something is lost, and how far apart its copies are by their schedule."""

from __future__ import annotations

import re

from pydantic import Field

from infra.config.forms import Frozen

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAY, _WEEK, _MONTH = 24, 7 * 24, 31 * 24
"""Hours; of months the longest."""


class RecoveryConfig(Frozen):
    """Recovery objectives: tags `rto` and `rpo` of every store, labels `falaj/rto` and `falaj/rpo` of what serves and of what keeps data."""

    rto_hours: int = Field(default=8, ge=1)
    """The longest until something lost is back."""
    rpo_hours: int = Field(default=24, ge=1)
    """How much of the latest data may be lost. No shorter than the time between two copies (`backups.schedule` of the foundation stack)."""


def hours_between(schedule: str) -> int | None:
    """The longest time between two runs of a schedule as AWS writes it: `cron(minute hour day-of-month month day-of-week year)`.

    Read are one minute; any hours; and every day, one day of the week or one day of the month, in all months and years. None: something else,
    of which nobody can say so for certain at a glance.
    """
    minute, hour, day, month, weekday, year = schedule.removeprefix("cron(").removesuffix(")").split(" ")
    hours = _hours(hour)
    if not (re.fullmatch(r"[0-5]?[0-9]", minute) and hours and month == year == "*"):
        return None
    between = max((after - before) % _DAY or _DAY for before, after in zip(hours, [*hours[1:], hours[0]], strict=True))
    if (day, weekday) in {("*", "?"), ("?", "*")}:
        return between
    # Between the last hour of one such day and the first of the next.
    pause = hours[-1] - hours[0]
    if day == "?" and (weekday.upper() in _DAYS or re.fullmatch(r"[1-7]", weekday)):
        return _WEEK - pause
    if weekday == "?" and (day == "L" or re.fullmatch(r"[1-9]|1[0-9]|2[0-8]", day)):
        return _MONTH - pause
    return None


def _hours(field: str) -> list[int]:
    """The hours of a day that a field names: `*`, `5`, `5,17`, `0/6`, `*/6`; none where it is written in another way."""
    if field == "*":
        return list(range(_DAY))
    if every := re.fullmatch(r"(\*|[0-9]{1,2})/([1-9][0-9]?)", field):
        first = 0 if every[1] == "*" else int(every[1])
        return list(range(first, _DAY, int(every[2])))
    if re.fullmatch(r"[0-9]{1,2}(,[0-9]{1,2})*", field):
        found = sorted({int(each) for each in field.split(",")})
        return found if found[-1] < _DAY else []
    return []
