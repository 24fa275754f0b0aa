"""Stack `workloads`: the FLAN-T5 jobs, searches for better recipes, the server and what runs by the clock."""

from pulumi import Output, ResourceOptions

from infra.components.contracts import ClusterOutputs, FoundationOutputs, PlatformOutputs, WorkloadsOutputs, export, upstream
from infra.components.inference import Inference
from infra.components.jobs import JobTemplates
from infra.components.providers import kubernetes_provider
from infra.components.release_trust import ReleaseTrust
from infra.components.schedules import DriftSchedule
from infra.components.searches import Searches
from infra.config.load import load
from infra.config.naming import MODEL_SERVICE
from workloads.stages import DRIFT, STAGES, TUNE

config = load("workloads")
foundation, platform = upstream(FoundationOutputs), upstream(PlatformOutputs)
on_cluster = ResourceOptions(providers=[kubernetes_provider(config, upstream(ClusterOutputs))])

buckets, releases = foundation.bucket_names, Output.concat("s3://", foundation.bucket_names["artifacts"], "/releases")
room = {"accounts": platform.service_accounts, "claims": platform.claims, "priorities": platform.priorities}
ReleaseTrust("trust", config, opts=on_cluster)
jobs = JobTemplates("jobs", config, stages=STAGES, buckets=buckets, **room, opts=on_cluster)
Searches("searches", config, stage=TUNE, claims=platform.claims, priorities=platform.priorities, opts=on_cluster)
server = Inference(MODEL_SERVICE, config, releases=releases, **room, opts=on_cluster)
DriftSchedule("schedules", config, stage=DRIFT, releases=releases, **room, opts=on_cluster)

export(WorkloadsOutputs(stages=Output.from_input(jobs.names), service=server.service, releases=releases))
