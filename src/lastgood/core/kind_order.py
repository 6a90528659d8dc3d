"""In which order objects of different kinds are applied, where nobody says otherwise. Pure.

Most kinds need what stands before them in the table, and what others call (webhooks, APIs) comes when it can answer.
"""

_BEFORE = (
    "PriorityClass",
    "RuntimeClass",
    "StorageClass",
    "IngressClass",
    "GatewayClass",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
)
_WORKLOADS = (
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "StatefulSet",
    "HorizontalPodAutoscaler",
    "Job",
    "CronJob",
    "Ingress",
    "HTTPRoute",
    "APIService",
)
_LAST = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_RANK = {
    kind: rank
    for start, kinds in ((0, _BEFORE), (200, _WORKLOADS), (400, _LAST))
    for rank, kind in enumerate(kinds, start)
}
# Custom objects stand between the two halves: after the roles and secrets that they need, before webhooks.
_OTHERS = 300


def rank(kind: str) -> int:
    """Return the place of a kind among others."""
    return _RANK.get(kind, _OTHERS)
