"""Tell the health of Kubernetes objects: pure functions from a live object to a verdict. Knows no cluster.

`judge.py` has the order of the rules; each built-in kind has a module; all other kinds are rows of `table/`.
"""

from lastgood.core.errors import MalformedResource
from lastgood.targets.kubernetes.health.judge import OwnRules, health_of
from lastgood.targets.kubernetes.health.verdict import HealthVerdict
from lastgood.targets.kubernetes.health.workload import WorkloadHealth, workload_health

__all__ = ["HealthVerdict", "MalformedResource", "OwnRules", "WorkloadHealth", "health_of", "workload_health"]
