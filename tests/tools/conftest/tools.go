//go:build tools

// Package tools pins conftest, which judges documents by the rules in the form that `falaj policy build` gives them.
package tools

import _ "github.com/open-policy-agent/conftest"
