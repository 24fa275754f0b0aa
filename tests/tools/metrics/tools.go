//go:build tools

// Package tools pins metrics-server, which tells autoscalers what pods use; nothing here is linked into Falaj.
package tools

import _ "sigs.k8s.io/metrics-server/cmd/metrics-server"
