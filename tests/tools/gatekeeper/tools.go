//go:build tools

// Package tools pins Gatekeeper and gator, its command line; nothing here is linked into Falaj.
package tools

import (
	_ "github.com/open-policy-agent/gatekeeper/v3"
	_ "github.com/open-policy-agent/gatekeeper/v3/cmd/gator"
)
