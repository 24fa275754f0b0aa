"""Measures serving beside its peers: the same work, the same machine, the same minutes. Nothing here is needed to serve."""
