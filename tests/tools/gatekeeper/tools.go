//go:build tools

// Package tools pins gator, the command line of Gatekeeper; nothing here is linked into Falaj.
package tools

import _ "github.com/open-policy-agent/gatekeeper/v3/cmd/gator"
