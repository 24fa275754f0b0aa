"""Engines that run a Pulumi program: the real CLI, or the embedded one."""
