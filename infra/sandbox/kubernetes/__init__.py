"""The process form of Kubernetes: the API and the controllers that the workloads use; pods are local processes."""
