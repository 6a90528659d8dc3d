"""Which module judges which built-in kind. A new kind is a module and a line here."""

from collections.abc import Callable

from lastgood.targets.kubernetes.health.api_service import api_service_health
from lastgood.targets.kubernetes.health.cron_job import cron_job_health
from lastgood.targets.kubernetes.health.custom_resource_definition import custom_resource_definition_health
from lastgood.targets.kubernetes.health.daemon_set import daemon_set_health
from lastgood.targets.kubernetes.health.deployment import deployment_health
from lastgood.targets.kubernetes.health.horizontal_pod_autoscaler import horizontal_pod_autoscaler_health
from lastgood.targets.kubernetes.health.ingress import ingress_health
from lastgood.targets.kubernetes.health.job import job_health
from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.namespace import namespace_health
from lastgood.targets.kubernetes.health.node import node_health
from lastgood.targets.kubernetes.health.persistent_volume import persistent_volume_health
from lastgood.targets.kubernetes.health.persistent_volume_claim import persistent_volume_claim_health
from lastgood.targets.kubernetes.health.pod_disruption_budget import pod_disruption_budget_health
from lastgood.targets.kubernetes.health.replica_set import replica_set_health
from lastgood.targets.kubernetes.health.service import service_health
from lastgood.targets.kubernetes.health.stateful_set import stateful_set_health
from lastgood.targets.kubernetes.health.verdict import HealthVerdict

# Only a Pod's rule needs to know what time it is.
POD = ("", "Pod")

BUILT_IN: dict[tuple[str, str], Callable[[Live], HealthVerdict]] = {
    ("apps", "Deployment"): deployment_health,
    ("extensions", "Deployment"): deployment_health,
    ("apps", "StatefulSet"): stateful_set_health,
    ("apps", "DaemonSet"): daemon_set_health,
    ("extensions", "DaemonSet"): daemon_set_health,
    ("apps", "ReplicaSet"): replica_set_health,
    ("extensions", "ReplicaSet"): replica_set_health,
    ("", "ReplicationController"): replica_set_health,
    ("batch", "Job"): job_health,
    ("batch", "CronJob"): cron_job_health,
    ("", "PersistentVolumeClaim"): persistent_volume_claim_health,
    ("", "PersistentVolume"): persistent_volume_health,
    ("", "Service"): service_health,
    ("networking.k8s.io", "Ingress"): ingress_health,
    ("extensions", "Ingress"): ingress_health,
    ("autoscaling", "HorizontalPodAutoscaler"): horizontal_pod_autoscaler_health,
    ("policy", "PodDisruptionBudget"): pod_disruption_budget_health,
    ("apiregistration.k8s.io", "APIService"): api_service_health,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): custom_resource_definition_health,
    ("", "Namespace"): namespace_health,
    ("", "Node"): node_health,
}
