"""The node form of Kubernetes: a real single-node cluster in namespaces of its own, without a container engine."""
