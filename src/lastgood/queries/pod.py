"""The log and the events of one pod of an application, asked of its target. Awaits the ports; writes nothing."""

from lastgood.core.errors import CommandLineWrong
from lastgood.core.pod import MOST_LIMIT_BYTES, MOST_TAIL_LINES, PodEvent, PodLog, PodLogRequest
from lastgood.core.ports import Store
from lastgood.queries.destination import FindTarget, target_of


async def pod_events(
    app: str, pod: str, namespace: str | None, *, store: Store | None, targets: FindTarget | None
) -> list[PodEvent]:
    """Return what is told of a pod, newest first. Raises UnknownPod, TargetFailed, and as `target_of`."""
    target = await target_of(app, store=store, targets=targets)
    return list(await target.pod_events(app, pod, namespace=namespace))


async def pod_log(request: PodLogRequest, *, store: Store | None, targets: FindTarget | None) -> PodLog:
    """Return the end of a pod's log.

    Raises CommandLineWrong for a length out of bounds, UnknownPod, Unknown, TargetFailed, and as `target_of`.
    """
    if not 1 <= request.tail_lines <= MOST_TAIL_LINES:
        raise CommandLineWrong(f"tail_lines is from 1 to {MOST_TAIL_LINES}")
    if not 1 <= request.limit_bytes <= MOST_LIMIT_BYTES:
        raise CommandLineWrong(f"limit_bytes is from 1 to {MOST_LIMIT_BYTES}")
    target = await target_of(request.app, store=store, targets=targets)
    return await target.pod_log(request)
