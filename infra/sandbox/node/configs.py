"""What each program of a node is told: flags, and files in the node's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from falaj.files import write_durably, write_json
from infra.sandbox.node.certificates import Authority, Pair, keep_service_key
from infra.sandbox.node.policies import QUEUE, USER
from infra.sandbox.node.settings import DOMAIN, FILES_DRIVER, NODE, TOOLS, Settings

PAUSE_IMAGE = "localhost/falaj-pause:1"
CONTAINERD = Path("/run/containerd/containerd.sock")
FILES = Path("/run/falaj/files.sock")
"""Both below /run, which is the node's own."""
METRICS = "metrics-server"
STORE = "https://127.0.0.1:2379"
Flags = Mapping[str, Any]


def make_credentials(settings: Settings) -> None:
    """Make all certificates, each part's own, and the kubeconfig of each part that talks to the API. The store trusts the API server alone."""
    folder, networks = settings.certificates, settings.networks
    cluster, store, front = (Authority(folder, name) for name in ("cluster", "store", "front"))
    keep_service_key(_service_key(settings))
    users = {
        "controller-manager": ("system:kube-controller-manager", ()),
        "scheduler": ("system:kube-scheduler", ()),
        "proxy": ("system:kube-proxy", ()),
        "policies": (USER, ()),
        "kubelet": (f"system:node:{NODE}", ("system:nodes",)),
    }
    for name, (user, groups) in users.items():
        _kubeconfig(folder / f"{name}.kubeconfig", settings.url, cluster.certificate, cluster.issue(name, user=user, groups=groups))
    _kubeconfig(settings.kubeconfig, settings.url, cluster.certificate, cluster.issue("admin", user="falaj", groups=("system:masters",)))
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DOMAIN}", "localhost", "127.0.0.1")
    cluster.issue("api-server", user="kube-apiserver", hosts=(*names, networks.node, networks.api))
    cluster.issue("api-server-to-kubelet", user="kube-apiserver", groups=("system:masters",))
    cluster.issue("kubelet-server", user=f"system:node:{NODE}", groups=("system:nodes",), hosts=(NODE, networks.node))
    cluster.issue(METRICS, user=METRICS, hosts=(f"{METRICS}.kube-system.svc",))
    store.issue("api-server-to-store", user="kube-apiserver")
    store.issue("store-server", user="etcd", hosts=("127.0.0.1",))
    front.issue("front-proxy", user="front-proxy")


def pair(settings: Settings, name: str) -> Pair:
    """A certificate that was made, with its key."""
    return Pair(settings.certificates / f"{name}.crt", settings.certificates / f"{name}.key")


def authority(settings: Settings, name: str = "cluster") -> Path:
    """The certificate of who signs: for the cluster, the store, or the front proxy."""
    return settings.certificates / f"{name}.crt"


def _service_key(settings: Settings) -> Path:
    return settings.certificates / "service-accounts.key"


def _kubeconfig(path: Path, url: str, authority: Path, pair: Pair) -> None:
    cluster = {"server": url, "certificate-authority": str(authority)}
    user = {"client-certificate": str(pair.certificate), "client-key": str(pair.key)}
    entries = {"clusters": ("cluster", cluster), "users": ("user", user), "contexts": ("context", {"cluster": "falaj", "user": "falaj"})}
    lists = {plural: [{"name": "falaj", kind: value}] for plural, (kind, value) in entries.items()}
    content = {"apiVersion": "v1", "kind": "Config", "current-context": "falaj", **lists}
    write_durably(path, json.dumps(content, indent=1).encode(), mode=0o600)


def etcd(settings: Settings) -> Flags:
    """The store: it answers the API server, on the node's own loopback."""
    return {
        "data-dir": settings.folder / "etcd",
        "listen-client-urls": STORE,
        "advertise-client-urls": STORE,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "cert-file": pair(settings, "store-server").certificate,
        "key-file": pair(settings, "store-server").key,
        "client-cert-auth": "true",
        "trusted-ca-file": authority(settings, "store"),
        "log-level": "warn",
    }


def api_server(settings: Settings) -> Flags:
    """The API: who asks shows a certificate or a token, and a kubelet may touch what runs on its own node."""
    return {
        "etcd-servers": STORE,
        "etcd-cafile": authority(settings, "store"),
        "etcd-certfile": pair(settings, "api-server-to-store").certificate,
        "etcd-keyfile": pair(settings, "api-server-to-store").key,
        "advertise-address": settings.networks.node,
        "secure-port": 6443,
        "tls-cert-file": pair(settings, "api-server").certificate,
        "tls-private-key-file": pair(settings, "api-server").key,
        "client-ca-file": authority(settings),
        "anonymous-auth": "false",
        "profiling": "false",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "service-cluster-ip-range": settings.networks.services,
        "service-account-issuer": f"https://kubernetes.default.svc.{DOMAIN}",
        "service-account-key-file": _service_key(settings),
        "service-account-signing-key-file": _service_key(settings),
        "kubelet-certificate-authority": authority(settings),
        "kubelet-client-certificate": pair(settings, "api-server-to-kubelet").certificate,
        "kubelet-client-key": pair(settings, "api-server-to-kubelet").key,
        "kubelet-preferred-address-types": "InternalIP",
        "requestheader-client-ca-file": authority(settings, "front"),
        "requestheader-allowed-names": "front-proxy",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": pair(settings, "front-proxy").certificate,
        "proxy-client-key-file": pair(settings, "front-proxy").key,
    }


def controller_manager(settings: Settings) -> Flags:
    """All controllers, each with the rights of its own account."""
    return {
        "kubeconfig": settings.certificates / "controller-manager.kubeconfig",
        "root-ca-file": authority(settings),
        "service-account-private-key-file": _service_key(settings),
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "secure-port": 0,
    }


def scheduler(settings: Settings) -> Flags:
    """The scheduler of the one node."""
    return {"kubeconfig": settings.certificates / "scheduler.kubeconfig", "leader-elect": "false", "secure-port": 0}


def policies(settings: Settings) -> Flags:
    """What holds pods to the cluster's NetworkPolicies."""
    return {"kubeconfig": settings.certificates / "policies.kubeconfig", "node": NODE, "queue": QUEUE}


def kubelet(settings: Settings) -> Flags:
    """Write the kubelet's configuration. Returns the flags that point at it."""
    networks, folder = settings.networks, settings.folder
    # Nobody outside answers names for pods; those of the cluster come from CoreDNS.
    write_durably(folder / "resolv.conf", b"options ndots:1\n")
    write_json(
        folder / "kubelet.json",
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}, "x509": {"clientCAFile": str(authority(settings))}},
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": str(pair(settings, "kubelet-server").certificate),
            "tlsPrivateKeyFile": str(pair(settings, "kubelet-server").key),
            "address": networks.node,
            "readOnlyPort": 0,
            "healthzPort": 0,
            "clusterDNS": [networks.dns],
            "clusterDomain": DOMAIN,
            "resolvConf": str(folder / "resolv.conf"),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
            "podLogsDir": str(folder / "pod-logs"),
            "volumePluginDir": str(folder / "volume-plugins"),
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{settings.name}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "seccompDefault": True,
            # Not every machine lets a process say that others are to go before it.
            "oomScoreAdj": 0,
            "enforceNodeAllocatable": ["pods"],
            "systemReserved": {"cpu": "100m", "memory": "512Mi"},
            # The disk is the machine's, and other things fill it.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
        },
    )
    return {
        "config": folder / "kubelet.json",
        "kubeconfig": settings.certificates / "kubelet.kubeconfig",
        "root-dir": _kubelet_folder(settings),
        "hostname-override": NODE,
        "node-ip": networks.node,
    }


def files(settings: Settings) -> Flags:
    """The driver of shared files: folders of this machine under the name of the cloud's own driver."""
    return {"name": FILES_DRIVER, "volumes": settings.volumes, "socket": FILES, "registry": _kubelet_folder(settings) / "plugins_registry"}


def _kubelet_folder(settings: Settings) -> Path:
    return settings.folder / "kubelet"


def proxy(settings: Settings) -> Flags:
    """Write kube-proxy's configuration. It leaves what the machine says about connections as it is."""
    write_json(
        settings.folder / "proxy.json",
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "hostnameOverride": NODE,
            "clientConnection": {"kubeconfig": str(settings.certificates / "proxy.kubeconfig")},
            "oomScoreAdj": 0,
            "clusterCIDR": settings.networks.pods,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        },
    )
    return {"config": settings.folder / "proxy.json"}


def containerd(settings: Settings) -> Flags:
    """Write the configuration of containerd and of the pods' network. Returns containerd's flags."""
    network = settings.folder / "network"
    write_json(
        network / "10-falaj.conflist",
        {
            "cniVersion": "1.0.0",
            "name": "falaj",
            "plugins": [
                {
                    # A link for each pod, and no bridge: answers of a Service's pods pass the node, which knows whom they are for.
                    "type": "ptp",
                    "ipam": {
                        "type": "host-local",
                        "dataDir": "/run/falaj-addresses",
                        "ranges": [[{"subnet": settings.networks.pods}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
    )
    write_durably(
        settings.folder / "containerd.toml",
        f"""\
version = 3
root = '{settings.folder / "containerd"}'
state = '/run/containerd'

[grpc]
address = '{CONTAINERD}'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '{PAUSE_IMAGE}'

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = true
device_ownership_from_security_context = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['{TOOLS / "cni"}']
conf_dir = '{network}'

[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = 'runc'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = '{TOOLS / "runc"}'
SystemdCgroup = false
""".encode(),
    )
    return {"config": settings.folder / "containerd.toml"}
