"""Stack `foundation`: what outlives every cluster."""

from pulumi import ResourceOptions

from infra.components.audit_trail import AuditTrail
from infra.components.backups import Backups
from infra.components.buckets import Storage
from infra.components.contracts import FoundationOutputs, export
from infra.components.database import database_of
from infra.components.files import SharedFiles
from infra.components.iam import People
from infra.components.keys import DataKeys
from infra.components.network import Network
from infra.components.providers import aws_provider
from infra.components.registry import Registry
from infra.components.secrets import SecretPlaces, wanted
from infra.components.teams import Teams
from infra.components.watch import Watch
from infra.config.load import load

config = load("foundation")
cloud = ResourceOptions(providers=[aws_provider(config, "foundation")])
keys = DataKeys("keys", config, opts=cloud)
storage = Storage("storage", config, keys=keys.arns, opts=cloud)
logs, evidence = storage.buckets["logs"], storage.buckets["evidence"]
network = Network("network", config, log_bucket_arn=logs.arn, key=keys.arns["internal"], after=logs.ready, opts=cloud)
registry, people = Registry("registry", config, key=keys.arns["confidential"], opts=cloud), People("people", config, opts=cloud)
AuditTrail("trail", config, bucket=evidence.name, key=keys.arns["evidence"], after=evidence.ready, opts=cloud)
Watch("watch", config, bucket=logs.name, key=keys.arns["internal"], after=logs.ready, opts=cloud)
teams = Teams("teams", config, after=people.boundaries, opts=cloud)
files = SharedFiles("files", config, keys={**keys.arns, **teams.key_arns}, network=network, opts=cloud)
if wanted(config):
    SecretPlaces("secrets", config, keys=keys.arns, opts=cloud)
database = database_of("database", config, keys=keys.arns, network=network, opts=cloud)
Backups("backups", config, key=keys.arns["confidential"], after=people.boundaries, opts=cloud)
own = teams.beside(keys=keys.arns, buckets=storage.names, repositories=registry.urls, roles=people.role_arns)
export(FoundationOutputs(**own, **network.published, **files.published, database=database))
