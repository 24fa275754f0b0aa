"""Stack `platform`: what every workload on the cluster lives under."""

from pathlib import Path

from pulumi import Output, ResourceOptions

from infra.components.admission import Admission
from infra.components.contracts import PlatformOutputs, export
from infra.components.controllers import Controllers
from infra.components.namespaces import Priorities, TeamNamespace
from infra.components.on_request import on_request
from infra.components.pipeline_rights import PipelineRights
from infra.components.providers import kubernetes_provider
from infra.components.storage import storage
from infra.config.load import load
from infra.config.teams import rooms
from infra.policy_build.admission import for_cluster

config = load("platform")
on_cluster = ResourceOptions(providers=[kubernetes_provider(config)])

priorities = Priorities("priorities", config, opts=on_cluster)
volumes = storage(config, opts=on_cluster)
made = {each.name: TeamNamespace(each.name, config, each, volumes=volumes, opts=on_cluster) for each in rooms(config)}
if config.ci:
    PipelineRights("ci", rooms={name: room.name for name, room in made.items()}, opts=on_cluster)
running = [Controllers("controllers", config, folder=Path(__file__).parent, opts=on_cluster)] if config.controllers else []
door = [Admission("admission", config, policies=for_cluster(config.environment), controllers=running, opts=on_cluster)] if config.admission != "off" else []
on_cluster = ResourceOptions.merge(on_cluster, ResourceOptions(depends_on=[*running, *door]))
on_request(config, rooms=made, priorities=priorities, opts=on_cluster)

export(
    PlatformOutputs(
        namespaces=Output.all(*(room.name for room in made.values())),
        service_accounts=Output.all(**{name: room.service_account for name, room in made.items()}),
        claims=Output.all(**{name: claim for room in made.values() for name, claim in room.claims.items()}),
        priorities=Output.all(**priorities.names),
    )
)
