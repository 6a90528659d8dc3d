"""Run applications on a Kubernetes cluster."""

from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.target import ClusterRules, KubernetesTarget

__all__ = ["ClusterAccess", "ClusterRules", "KubernetesTarget"]
