"""Judge a StatefulSet. Pure. Its controller sets no conditions: whether it has failed, only its pods can tell.

Source: the StatefulSet controller's own rules; vectors in tests.
"""

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.replicas import too_few, too_many
from lastgood.targets.kubernetes.health.verdict import HealthVerdict, healthy, progressing


def stateful_set_health(live: Live) -> HealthVerdict:
    """Say how far a StatefulSet has come.

    With `OnDelete` the new version waits for somebody to delete the pods: ready is all that it can be.
    With a partition only the pods from there on get the new version.
    """
    wanted = live.count("spec", "replicas", default=1)
    have, ready = live.count("status", "replicas"), live.count("status", "readyReplicas")
    if waiting := too_few("LessReplicas", have, wanted, "there") or too_few("LessReady", ready, wanted, "ready"):
        return waiting
    if waiting := too_many(have, wanted):
        return waiting
    if not live.mapping("status"):
        return progressing("NotObserved", "its controller has not seen it yet")
    if live.count("spec", "minReadySeconds") and (
        waiting := too_few("LessAvailable", live.count("status", "availableReplicas"), wanted, "available")
    ):
        return waiting
    done = healthy("Ready", f"{ready} of {wanted} ready")
    if live.text("spec", "updateStrategy", "type") == "OnDelete":
        return done
    updated = live.count("status", "updatedReplicas")
    partition = live.count("spec", "updateStrategy", "rollingUpdate", "partition")
    if partition:
        return too_few("PartitionRollout", updated, max(wanted - partition, 0), "of the new version") or done
    current, new = live.text("status", "currentRevision"), live.text("status", "updateRevision")
    if current != new:
        return too_few("LessUpdated", updated, wanted, "of the new version") or progressing(
            "RevisionMismatch", "the new version is not yet the current one"
        )
    return too_few("LessCurrent", live.count("status", "currentReplicas"), wanted, "of the current version") or done
