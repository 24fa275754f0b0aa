//go:build tools

// Package tools pins a real Kubernetes control plane, its store, what a node of it runs, and kwok, which plays nodes; nothing here is linked into Falaj.
// One module for all: they share most packages, and what is compiled once is there for each.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kube-controller-manager"
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kube-scheduler"
	_ "k8s.io/kubernetes/cmd/kubelet"
	_ "sigs.k8s.io/kwok/cmd/kwok"
)
