"""One file per peer, run by a Python that has that peer. Each opens a model and does the bench's work on it."""
