"""Falaj's infrastructure: config, components, engines, the local sandbox, the gate and the evidence."""
