"""Runs in MLflow, whether its server is up or down: each is written to a folder first, sent from there, and removed when all of it has arrived."""

from __future__ import annotations

from workloads.tracking.entry import Entry, flat
from workloads.tracking.server import EXPERIMENT, open_client, tracking_uri
from workloads.tracking.spool import Outcome, Spool, enter, wanted

__all__ = ["EXPERIMENT", "Entry", "Outcome", "Spool", "enter", "flat", "open_client", "tracking_uri", "wanted"]
