"""Stack `cluster`: one EKS cluster, its nodes, its add-ons and who may use it."""

from pulumi import Output, ResourceOptions

from infra.components.access import Access, PodIdentities
from infra.components.addons import AFTER_NODES, BEFORE_NODES, Addons
from infra.components.auto_mode import AutoNodes
from infra.components.cluster import Cluster
from infra.components.contracts import ClusterOutputs, FoundationOutputs, export, upstream
from infra.components.karpenter import Karpenter
from infra.components.monitoring import Monitoring
from infra.components.node_pools import NodePools
from infra.components.providers import aws_provider
from infra.components.reaching import reaching
from infra.config.load import load

config = load("cluster")
foundation = upstream(FoundationOutputs)
cloud = ResourceOptions(providers=[aws_provider(config, "cluster")])

cluster = Cluster("cluster", config, foundation=foundation, opts=cloud)
basics = Addons("addons-before-nodes", config, cluster=cluster.name, wanted=BEFORE_NODES, opts=cloud)
pools = NodePools("pools", config, cluster=cluster, foundation=foundation, after=basics.addons, opts=cloud)
Addons("addons-after-nodes", config, cluster=cluster.name, wanted=(*AFTER_NODES, *config.more_addons), after=pools.groups, opts=cloud)
reaching(config, cluster=cluster, foundation=foundation, opts=cloud)
if config.autoscaler == "karpenter":
    Karpenter("karpenter", config, cluster=cluster.name, node_role=pools.role_name, opts=cloud)
if config.autoscaler == "auto":
    AutoNodes("auto", config, cluster=cluster.name, opts=cloud)
if config.monitoring:
    Monitoring("monitoring", config, config.monitoring, cluster=cluster.name, foundation=foundation, opts=cloud)
Access("access", config, cluster=cluster.name, opts=cloud)
PodIdentities("identities", config, cluster=cluster.name, opts=cloud)

export(ClusterOutputs(**cluster.published, node_role_arn=pools.role_arn, pools=Output.from_input(pools.names)))
