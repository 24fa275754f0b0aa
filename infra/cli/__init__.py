"""The `falaj` command: one file per verb, imported on use."""
