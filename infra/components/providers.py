"""The providers that every resource of ours is given by hand: pinned to one region and account, to one cluster."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from infra.components.contracts import ClusterOutputs, upstream
from infra.config.model import Common


def aws_provider(config: Common, stack: str) -> aws.Provider:
    """AWS in the environment's region; it refuses to work in any account but the environment's own."""
    return aws.Provider(
        "aws",
        region=config.region,
        # A session that the global endpoint gives is not valid in a region that has to be switched on.
        sts_region=config.region,
        allowed_account_ids=[config.account],
        default_tags={"tags": {"managed-by": "falaj", "stack": stack}},
    )


def kubernetes_provider(config: Common) -> kubernetes.Provider:
    """The environment's cluster: the one that its stack made, or a site's, by a context of whoever applies. Locally the provider knows where it is."""
    if config.site is not None:
        return kubernetes.Provider("cluster", context=config.site.context, enable_server_side_apply=True)
    cluster = upstream(ClusterOutputs)
    if config.environment == "local":
        return kubernetes.Provider("cluster")
    content = pulumi.Output.all(cluster.name, cluster.endpoint, cluster.certificate_authority).apply(lambda found: kubeconfig(config, *found))
    return kubernetes.Provider("cluster", kubeconfig=content, enable_server_side_apply=True)


def kubeconfig(config: Common, name: str, endpoint: str, certificate_authority: str) -> str:
    """A kubeconfig without a credential: whoever uses it proves who they are to AWS."""
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "aws",
        "args": ["eks", "get-token", "--cluster-name", name, "--region", config.region],
        "env": [{"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"}],
        "interactiveMode": "Never",
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": endpoint, "certificate-authority-data": certificate_authority}}],
        "users": [{"name": name, "user": {"exec": command}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return json.dumps(document, sort_keys=True)
