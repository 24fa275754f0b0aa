"""Stack `workloads`: the FLAN-T5 jobs, searches for better recipes, the server and what runs by the clock, of the environment and of each team."""

from typing import Any

from pulumi import Output, ResourceOptions

from infra.components.contracts import PlatformOutputs, WorkloadsOutputs, export, upstream
from infra.components.inference import Inference
from infra.components.jobs import JobTemplates
from infra.components.providers import kubernetes_provider
from infra.components.release_trust import ReleaseTrust
from infra.components.schedules import DriftSchedule
from infra.components.searches import Searches
from infra.components.stores import places
from infra.config.load import load
from infra.config.naming import MODEL_SERVICE, of_team
from infra.config.teams import as_of
from workloads.stages import DRIFT, STAGES, TUNE

config = load("workloads")
platform, on_cluster = upstream(PlatformOutputs), ResourceOptions(providers=[kubernetes_provider(config)])
shared: dict[str, Any] = {"claims": platform.claims, "priorities": platform.priorities, "opts": on_cluster}
ReleaseTrust("trust", config, opts=on_cluster)
own, jobs, servers = places(config), {}, {}
for team, place in own.items():
    theirs = as_of(config, team)
    room: dict[str, Any] = {"team": team, "place": place, "accounts": platform.service_accounts, **shared}
    jobs[team] = JobTemplates(of_team("jobs", team), theirs, stages=STAGES, **room)
    Searches(of_team("searches", team), theirs, stage=TUNE, team=team, **shared)
    servers[team] = Inference(MODEL_SERVICE, theirs, **room)
    DriftSchedule(of_team("schedules", team), theirs, stage=DRIFT, **room)

export(WorkloadsOutputs(stages=Output.from_input(jobs[""].names), service=servers[""].service, releases=Output.from_input(own[""].releases)))
