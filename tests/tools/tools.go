//go:build tools

// Package tools pins the programs that the tests build from source; nothing here is linked into Falaj.
package tools

import _ "github.com/open-policy-agent/opa"
