"""Options that many verbs share, so that they read and behave the same everywhere."""

from __future__ import annotations

import click

ENVIRONMENTS = ("local", "dev", "staging", "prod", "onprem")
FORMS = ("process", "node")
"""Forms of Kubernetes that `local` can have."""

environment_option = click.option("--env", "environment", default="local", show_default=True, type=click.Choice(ENVIRONMENTS), help="Environment to work on.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
engine_option = click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["embedded", "pulumi"]),
    help="The embedded engine (plans all, applies local and sites) or the Pulumi CLI; chosen by what is needed where left out.",
)
