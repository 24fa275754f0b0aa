"""Pulumi components, one per concern and file: `(name, config, *, what it stands on, opts)`, children parented, outputs typed."""
