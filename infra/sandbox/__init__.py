"""The `local` environment: an emulated AWS and a cluster of processes, on loopback."""
