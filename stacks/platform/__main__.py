"""Stack `platform`: what every workload on the cluster lives under."""

from pulumi import Output, ResourceOptions

from infra.components.contracts import ClusterOutputs, PlatformOutputs, export, upstream
from infra.components.namespaces import Priorities, TeamNamespace
from infra.components.providers import kubernetes_provider
from infra.config.load import load
from infra.config.teams import rooms

config = load("platform")
on_cluster = ResourceOptions(providers=[kubernetes_provider(config, upstream(ClusterOutputs))])

priorities = Priorities("priorities", config, opts=on_cluster)
rooms = {each.name: TeamNamespace(each.name, config, each, opts=on_cluster) for each in rooms(config)}

export(
    PlatformOutputs(
        namespaces=Output.all(*(room.name for room in rooms.values())),
        service_accounts=Output.all(**{name: room.service_account for name, room in rooms.items()}),
        claims=Output.all(**{name: claim for room in rooms.values() for name, claim in room.claims.items()}),
        priorities=Output.all(**priorities.names),
    )
)
