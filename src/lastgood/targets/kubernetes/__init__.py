"""Run applications on a Kubernetes cluster."""
