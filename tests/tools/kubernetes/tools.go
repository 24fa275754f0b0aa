//go:build tools

// Package tools pins a real Kubernetes API server and its store; nothing here is linked into Falaj.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
)
