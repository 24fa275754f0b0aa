"""Where an environment lies: in zones of a region that is allowed, or on a site whose country is; what belongs to the one is refused on the other."""

from __future__ import annotations

from ipaddress import IPv4Network

from falaj.errors import UsageError
from infra.config.classes import CLASSES, DataClass, Residency
from infra.config.model import BUCKETS, ClusterConfig, Common, FoundationConfig, PlatformStackConfig
from infra.config.regions import region
from infra.config.site import SiteConfig

_OF_A_CLOUD = {
    "region": "the store's requests are signed for a region of the site's own name",
    "account": "nothing there belongs to an account",
    "zones": "the cluster's nodes say which zone they are in",
    "network_cidr": "pods there go to the store alone",
    "object_store_cidrs": "site.store says where the store is",
    "controllers": "whoever runs the cluster runs its controllers",
    "pools": "its nodes are there, and carry the label falaj/kind",
    "publish_features": "the table of online features is a cloud's",
    "fabric_plugin": "EFA is a network of EC2's",
    "monitored": "a scraper on the cluster reaches the servers by their namespaces' rules",
}
"""Key of a cloud's environment -> why a site has none."""


def require_place(config: Common, file: str) -> None:
    """Raise UsageError, in the words of the file it came from, for the first thing that is not right about where an environment lies."""
    if config.site is not None:
        _site(config, config.site, file)
        return
    _region(config, file)
    _zones(config, file)


def missing_places(config: Common) -> list[str]:
    """Keys that say where in a cloud an environment lies, and are not there."""
    needed = ("region", "account", "zones", *(["network_cidr"] if isinstance(config, PlatformStackConfig) else []))
    return [] if config.site else [name for name in needed if not getattr(config, name)]


def require_reached(cidrs: tuple[str, ...], namespace: str | None, file: str, key: str, *, what: str, who: str) -> None:
    """Raise UsageError where neither networks nor a namespace say where something is that pods may reach."""
    if not cidrs and not namespace:
        raise UsageError(
            f"{key}: it does not say where the {what} is",
            given=key_of(file, key),
            allowed="cidrs, or the namespace it runs in",
            why=f"{who} may go nowhere but there",
            next="name one of them",
        )


def require_networks(cidrs: tuple[str, ...], file: str, key: str) -> None:
    """Raise UsageError for the first of `cidrs` that is no network."""
    for cidr in cidrs:
        try:
            IPv4Network(cidr)
        except ValueError as problem:
            raise UsageError(
                f"{key}: '{cidr}' is not a network",
                given=key_of(file, key),
                allowed="networks such as 10.40.0.0/16",
                why=str(problem),
                next="put it right",
            ) from problem


def key_of(file: str, key: str) -> str:
    """Where a key stands, as an error gives it."""
    return f"{file}, key falaj:{key}"


def _strictest() -> DataClass:
    return next((CLASSES[bucket.data_class] for bucket in BUCKETS if CLASSES[bucket.data_class].residency is Residency.PDPL_22), CLASSES["confidential"])


def _site(config: Common, site: SiteConfig, file: str) -> None:
    if isinstance(config, FoundationConfig | ClusterConfig):
        raise UsageError(
            "site: a site has no such stack",
            given=key_of(file, "site"),
            allowed="the stacks platform and workloads",
            why="there is no account to make keys, networks and clusters in: somebody else made the cluster",
            next="remove the file",
        )
    countries = sorted({region(name, given=key_of(file, "allowed_regions")).country for name in config.allowed_regions})
    if site.country not in countries:
        raise UsageError(
            f"site.country: '{site.country}' is not allowed for data class '{_strictest().name}'",
            given=key_of(file, "site.country"),
            allowed=", ".join(countries),
            why=f"{_strictest().residency.reason} (rule site_inside)",
            next=f"choose a site in {' or '.join(countries)}, or have the exception decided: runbooks/residency_exception.md",
        )
    for name, why in _OF_A_CLOUD.items():
        if name in config.model_fields_set:
            raise UsageError(f"{name}: a site has none", given=key_of(file, name), why=why, next="remove it")
    for name, allowed, why in (("autoscaler", "groups", "its nodes are those that are there"), ("queues", "quotas", "queues divide pools whose size is known")):
        if getattr(config, name, allowed) != allowed:
            raise UsageError(f"{name}: '{getattr(config, name)}' cannot be on a site", given=key_of(file, name), allowed=allowed, why=why, next="remove it")
    _store(site, file)


def _store(site: SiteConfig, file: str) -> None:
    store = site.store
    if (store.endpoint is None) == (store.volumes is None):
        raise UsageError(
            "site.store: it is a server or a folder",
            given=key_of(file, "site.store") + f": {'both' if store.endpoint else 'neither'}",
            allowed="endpoint, or volumes",
            why="data and releases lie in one place",
            next="name one of the two",
        )
    if store.endpoint is not None:
        require_reached(store.cidrs, store.namespace, file, "site.store", what="server", who="pods")
    require_networks(store.cidrs, file, "site.store.cidrs")


def _region(config: Common, file: str) -> None:
    given = key_of(file, "region")
    if config.region not in config.allowed_regions:
        strictest = _strictest()
        raise UsageError(
            f"region: '{config.region}' is not allowed for data class '{strictest.name}'",
            given=given,
            allowed=", ".join(config.allowed_regions),
            why=f"{strictest.residency.reason} (rule provider_region)",
            next=f"choose {' or '.join(config.allowed_regions)}, or have the exception decided: runbooks/residency_exception.md",
        )
    for name in config.allowed_regions:
        region(name, given=key_of(file, "allowed_regions"))


def _zones(config: Common, file: str) -> None:
    known = region(config.region, given=key_of(file, "region")).zones
    wrong = [zone for zone in config.zones if zone not in known]
    if wrong or len(set(config.zones)) != len(config.zones):
        raise UsageError(
            f"zones: {', '.join(wrong) or 'a zone stands there twice'}" + (f" is not a zone of {config.region}" if wrong else ""),
            given=key_of(file, "zones"),
            allowed=f"different ones of {', '.join(known)}",
            why="subnets are cut per zone before anything is asked of the cloud",
            next="choose from those",
        )
