"""A study: what it is bound to, who takes which trial next, what becomes of a dead worker's, and which one won.

Everything stands in the study's database, so any worker may die at any moment. A trial is one Optuna trial for each attempt: the first one, and
one more whenever a worker died over it or gave it back. The lock of the study makes "look, then take" one step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from falaj.canonical import digest
from falaj.errors import UsageError
from workloads.recipes import Recipe
from workloads.tune import space as spaces
from workloads.tune.space import Space
from workloads.tune.storage import Storage

if TYPE_CHECKING:
    import optuna

SCHEMA = "falaj.study/1"
SAMPLERS = ("tpe", "random", "grid")
PRUNERS = ("asha", "hyperband", "none")
MOST_DEATHS = 3
"""Workers that may die over one trial before it is given up: it may be what kills them."""
MOST_FAILED = 3
"""Trials that may fail before the search is given up, where none has ended well."""
_REDUCTION = 3
"""Of the trials that reach a rung one in so many goes on."""
_PLAN, _BUDGET, _ENTERED = "falaj", "budget", "entered"


@dataclass(frozen=True)
class Plan:
    """What a study is bound to: one opened with another plan is another study."""

    data: str
    """Digest of the prepared rows."""
    base: str
    """Digest of the base model."""
    recipe: Recipe
    """What trials change."""
    space: Space
    sampler: str = "tpe"
    pruner: str = "asha"
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "data": self.data,
            "base": self.base,
            "recipe": self.recipe.to_json(),
            "space": self.space.to_json(),
            "sampler": self.sampler,
            "pruner": self.pruner,
            "seed": self.seed,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Plan:
        recipe = Recipe(**value["recipe"])
        tasks = [name.removeprefix("mix.") for name in value["space"]]
        space = spaces.parse(value["space"], recipe, tasks)
        return Plan(value["data"], value["base"], recipe, space, value["sampler"], value["pruner"], value["seed"])


@dataclass(frozen=True)
class Budget:
    """How many trials there may be in all, or for how many minutes trials may run; whichever ends first."""

    trials: int | None = None
    minutes: float | None = None

    def check(self, plan: Plan) -> None:
        """Raise UsageError for a budget that ends before it begins, or has no end."""
        for name, value in (("trials", self.trials), ("minutes", self.minutes)):
            if value is not None and not 0 < value < 1e6:
                raise UsageError(f"there is nothing to be had for {value:g} {name}", given=f"--{name} {value:g}", allowed="more than 0, less than a million")
        if self.trials is None and self.minutes is None and plan.sampler != "grid":
            raise UsageError("the search has no end", given=f"sampler {plan.sampler}", next="say --trials or --minutes; a grid alone ends by itself")


@dataclass(frozen=True)
class Claim:
    """A trial that a worker has taken."""

    trial: Any
    """Optuna's."""
    number: int
    """Of this attempt."""
    first: int
    """Of the first attempt; what the trial is called."""
    before: int | None
    """The attempt before, whose checkpoints may still be there."""
    trial_id: int
    recipe: Recipe
    values: dict[str, float]


class Taken(Exception):
    """Somebody else goes on with this trial: its worker was silent for too long."""


class Study:
    """A study in its database."""

    def __init__(self, storage: Storage, name: str, plan: Plan, found: optuna.Study) -> None:
        self.storage, self.name, self.plan, self._optuna = storage, name, plan, found
        found.pruner = _pruner(plan)
        self._points = plan.space.points(plan.seed) if plan.sampler == "grid" else None

    @staticmethod
    def open(storage: Storage, name: str, plan: Plan, budget: Budget) -> Study:
        """The study called `name`, made where there is none. Its budget becomes `budget`.

        Raises UsageError where it is bound to another plan, naming what differs.
        """
        import optuna

        budget.check(plan)
        with storage.alone():
            found = optuna.create_study(storage=storage.trials, study_name=name, direction="minimize", load_if_exists=True)
            known = found.user_attrs.get(_PLAN)
            if known is None and not found.get_trials(deepcopy=False):
                found.set_user_attr(_PLAN, known := plan.to_json())
            _refuse_another(name, known or {}, plan.to_json())
            study = Study(storage, name, plan, found)
            found.set_user_attr(_BUDGET, {"trials": budget.trials, "minutes": budget.minutes})
        return study

    @staticmethod
    def known(storage: Storage, name: str) -> Study:
        """The study called `name`. Raises UsageError where there is none."""
        import optuna

        names = optuna.get_all_study_names(storage.trials)
        if name not in names:
            raise UsageError(f"there is no study {name!r}", allowed=", ".join(sorted(names)) or "none is there yet", next="falaj tune search")
        found = optuna.load_study(storage=storage.trials, study_name=name)
        if _PLAN not in found.user_attrs:
            raise UsageError(f"{name} is not a study of Falaj's", why="it says nothing of data, base model and space", next="take another name")
        return Study(storage, name, Plan.from_json(found.user_attrs[_PLAN]), found)

    @property
    def budget(self) -> Budget:
        return Budget(**self._optuna.user_attrs[_BUDGET])

    def claim(self, worker: str, now: datetime) -> Claim | Literal["wait", "ended"]:
        """The next trial for `worker`; `wait` where others still run, whose trials may fall to it.

        `now` is local time without a zone, as Optuna keeps times. Raises UsageError where trial after trial failed.
        """
        with self.storage.alone():
            self._take_over()
            trials = self.trials()
            self._give_up(trials)
            states = {trial.state.name for trial in trials}
            if self._spent(trials, now) or ("WAITING" not in states and self._asked(trials) >= self._most()):
                return "wait" if "RUNNING" in states else "ended"
            if self._points is not None and "WAITING" not in states:
                self._optuna.enqueue_trial(self._points[self._asked(trials)])
            return self._taken(worker, len(trials))

    def report(self, claim: Claim, looks: Sequence[Mapping[str, float]]) -> bool:
        """Tell of looks at the validation split. Returns whether the trial is to be pruned. Raises Taken where it is somebody else's by now."""
        from optuna.exceptions import UpdateFinishedTrialError

        try:
            for look in looks:
                self.storage.patiently(lambda look=look: claim.trial.report(look["loss"], int(look["step"])))
            return bool(looks) and self.storage.patiently(claim.trial.should_prune)
        except UpdateFinishedTrialError as problem:
            raise Taken from problem

    def end(self, claim: Claim, state: str, value: float | None = None, *, why: str = "") -> None:
        """End a trial: `COMPLETE` with its `value`, `PRUNED`, or `FAIL` of itself, for the reason `why`.

        `FAIL` without a reason gives it back, for others to go on with. Raises Taken where it is somebody else's by now.
        """
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        try:
            if state == "FAIL":
                self.storage.patiently(lambda: claim.trial.set_user_attr("why" if why else "given_back", why or True))
        except UpdateFinishedTrialError as problem:
            raise Taken from problem
        told = self.storage.patiently(lambda: self._optuna.tell(claim.number, value, state=TrialState[state], skip_if_finished=True))
        if told.state.name != state:
            raise Taken

    def trials(self) -> list[Any]:
        """Optuna's trials, every attempt one of them."""
        return self._optuna.get_trials(deepcopy=False)

    def winner(self) -> Any:
        """The trial with the least loss, the earliest of equal ones. Raises UsageError where none has ended well."""
        ended = [trial for trial in self.trials() if trial.state.name == "COMPLETE"]
        if not ended:
            raise UsageError(f"no trial of {self.name} has ended well", next="falaj tune show says how they ended")
        return min(ended, key=lambda trial: (trial.value, trial.number))

    def recipe_of(self, trial: Any) -> Recipe:
        """The recipe that a trial stands for."""
        return spaces.changed(self.plan.recipe, trial.params, name=f"{self.name}-{first(trial)}")

    def entered(self) -> set[int]:
        """Numbers of the attempts that were put where MLflow gets them from."""
        return set(self._optuna.user_attrs.get(_ENTERED, ()))

    def note_entered(self, numbers: set[int]) -> None:
        """Say which attempts `entered` answers."""
        self._optuna.set_user_attr(_ENTERED, sorted(numbers))

    def _taken(self, worker: str, number: int) -> Claim:
        # Another seed for each attempt: workers that start alike would draw alike.
        self._optuna.sampler = _sampler(self.plan, self.plan.seed + number)
        trial = self._optuna.ask()
        values = self.plan.space.ask(trial)
        backend = self.storage.trials
        trial_id = backend.get_trial_id_from_study_id_trial_number(backend.get_study_id_from_name(self.name), trial.number)
        backend.record_heartbeat(trial_id)
        # Last: a trial that runs without a worker's name was left by one that died right here.
        trial.set_user_attr("worker", worker)
        told = trial.user_attrs
        recipe = spaces.changed(self.plan.recipe, values, name=f"{self.name}-{told.get('first', trial.number)}")
        return Claim(trial, trial.number, told.get("first", trial.number), told.get("before"), trial_id, recipe, values)

    def _take_over(self) -> None:
        """Queue what dead workers left, and what was given back. Follows from the trials alone, so it may be cut short anywhere and done again."""
        import optuna
        from optuna.trial import TrialState

        optuna.storages.fail_stale_trials(self._optuna)
        for trial in self.trials():
            if trial.state == TrialState.RUNNING and "worker" not in trial.user_attrs:
                self._optuna.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
        trials = self.trials()
        followed = {trial.user_attrs.get("before") for trial in trials}
        for trial in trials:
            if left(trial) and trial.number not in followed:
                self._optuna.add_trial(
                    optuna.create_trial(
                        state=TrialState.WAITING,
                        params=trial.params,
                        distributions=trial.distributions,
                        user_attrs={"first": first(trial), "before": trial.number, "deaths": deaths(trial)},
                        # The point of a grid; not the rungs, which the next attempt climbs itself.
                        system_attrs={key: value for key, value in trial.system_attrs.items() if key == "fixed_params"},
                    )
                )

    def _asked(self, trials: Sequence[Any]) -> int:
        return sum("before" not in trial.user_attrs for trial in trials)

    def _most(self) -> int:
        limits = [self.budget.trials or 10**9]
        return min(limits + ([len(self._points)] if self._points is not None else []))

    def _spent(self, trials: Sequence[Any], now: datetime) -> bool:
        minutes = self.budget.minutes
        return minutes is not None and busy_seconds(trials, now) >= 60 * minutes

    def _give_up(self, trials: Sequence[Any]) -> None:
        reasons = [trial.user_attrs["why"] for trial in trials if "why" in trial.user_attrs]
        if len(reasons) >= MOST_FAILED and not any(trial.state.name in ("COMPLETE", "PRUNED") for trial in trials):
            raise UsageError(
                "every trial fails",
                given=f"study {self.name}: {len(reasons)} failed, none ended well",
                why=reasons[-1],
                next="correct what they say, and take another name",
            )


def first(trial: Any) -> int:
    """The number of a trial's first attempt."""
    return trial.user_attrs.get("first", trial.number)


def deaths(trial: Any) -> int:
    """Workers that have died over a trial, up to and with this attempt."""
    died = trial.state.name == "FAIL" and "why" not in trial.user_attrs and "given_back" not in trial.user_attrs
    return trial.user_attrs.get("deaths", 0) + died


def left(trial: Any) -> bool:
    """Whether an attempt was left by its worker and somebody may go on with it."""
    return trial.state.name == "FAIL" and "why" not in trial.user_attrs and deaths(trial) < MOST_DEATHS


def busy_seconds(trials: Sequence[Any], now: datetime) -> float:
    """Time in which at least one trial ran. A search that was interrupted overnight has not spent the night."""
    spans = sorted((trial.datetime_start, trial.datetime_complete or now) for trial in trials if trial.datetime_start is not None)
    total, reached = 0.0, None
    for begin, end in spans:
        begin = begin if reached is None else max(begin, reached)
        if end > begin:
            total, reached = total + (end - begin).total_seconds(), end
    return total


def _refuse_another(name: str, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    words = {"data": "data", "base": "base model", "recipe": "recipe", "space": "space", "sampler": "sampler", "pruner": "pruner", "seed": "seed"}
    other = [key for key in words if known.get(key) != wanted[key]]
    if other:
        raise UsageError(
            f"study {name} was begun with another {' and another '.join(words[key] for key in other)}",
            given="; ".join(f"{words[key]} {_short(wanted[key])}" for key in other),
            allowed="; ".join(f"{words[key]} {_short(known.get(key))}" for key in other),
            why="trials of two kinds cannot be compared, and the better one would be an accident",
            next="take another name: --study, or leave it out",
        )


def _short(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) or value is None else digest(value)


def _sampler(plan: Plan, seed: int) -> Any:
    import optuna

    # Points of a grid are queued one by one; what is drawn for them is never used.
    return optuna.samplers.TPESampler(seed=seed) if plan.sampler == "tpe" else optuna.samplers.RandomSampler(seed=seed)


def _pruner(plan: Plan) -> Any:
    import optuna

    least = max(1, plan.recipe.validate_steps)
    if plan.pruner == "asha":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=least, reduction_factor=_REDUCTION)
    if plan.pruner == "hyperband":
        found = plan.space.ranges.get("most_steps")
        most = int(max(*found.choices, found.high)) if found else plan.recipe.most_steps
        return optuna.pruners.HyperbandPruner(min_resource=least, max_resource=max(least, most), reduction_factor=_REDUCTION)
    return optuna.pruners.NopPruner()
