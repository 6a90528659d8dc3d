"""What failing containers printed last: asked once for each run that ended, beside the observing, and remembered.

Until the cluster has answered, and where it cannot, the container's own termination message stands in.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

from lastgood.core.redact import redact
from lastgood.core.value import Value
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.kinds import POD
from lastgood.targets.kubernetes.pod_reader import read_log
from lastgood.targets.kubernetes.reading import at, mappings, text, whole
from lastgood.targets.kubernetes.trouble import ClusterTrouble

LAST_WORDS_BYTES = 2048
TAIL_LINES = 50
WAIT_S = 0.5
AT_ONCE = 4
MAX_KEPT = 1_000


class EndedRun(Value, frozen=True, kw_only=True):
    """A run of a container that ended badly.

    restarts: of the container so far, which names the run with uid and container. previous: the container was started
    again since, or waits for it. message: what it left as its termination message.
    """

    uid: str
    namespace: str
    pod: str
    container: str
    restarts: int
    previous: bool
    message: str


def ended_run(pods: Sequence[dict[str, Any]]) -> EndedRun | None:
    """Return the run to ask about: of the first container of these pods that is not ready and ended with an error."""
    for pod in pods:
        for one in (
            status for key in ("initContainerStatuses", "containerStatuses") for status in mappings(pod, "status", key)
        ):
            now, before = at(one, "state", "terminated"), at(one, "lastState", "terminated")
            ended = now if now is not None else before
            if one.get("ready") is True or not (whole(ended, "exitCode") or whole(ended, "signal")):
                continue
            return EndedRun(
                uid=text(pod, "metadata", "uid"),
                namespace=text(pod, "metadata", "namespace"),
                pod=text(pod, "metadata", "name"),
                container=text(one, "name"),
                restarts=whole(one, "restartCount") or 0,
                previous=now is None,
                message=text(ended, "message"),
            )
    return None


class LastWords:
    """What is known of runs that ended. Tells of the set that they concern when more is known."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._known: dict[EndedRun, str] = {}
        self._asking: dict[EndedRun, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(AT_ONCE)

    def of(self, run: EndedRun) -> str:
        """Return the last words of a run as far as they are known now."""
        return self._known.get(run) or end_of(run.message)

    async def ask(self, runs: Sequence[EndedRun], set_id: str) -> bool:
        """Begin to ask about runs; return whether more is known now. Waits for WAIT_S at most, and once for a run."""
        begun = []
        for run in runs:
            if run not in self._known and run not in self._asking:
                self._asking[run] = asyncio.create_task(self._ask(run, set_id))
                begun.append(self._asking[run])
        if not begun:
            return False
        done, _ = await asyncio.wait(begun, timeout=WAIT_S)
        return bool(done)

    async def close(self) -> None:
        """Stop asking."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, run: EndedRun, set_id: str) -> None:
        words = ""
        try:
            async with self._places:
                with contextlib.suppress(ClusterTrouble):
                    words = await self._read(run)
            while len(self._known) >= MAX_KEPT:
                del self._known[next(iter(self._known))]
            self._known[run] = words if words.strip() else end_of(run.message)
            self._cluster.tell(set_id)
        finally:
            del self._asking[run]

    async def _read(self, run: EndedRun) -> str:
        pod = self._cluster.live.get((POD, run.namespace, run.pod))
        kind = await self._cluster.kinds.find(*POD) if pod is not None and pod.uid == run.uid else None
        if kind is None or pod is None:
            return ""
        words, _ = await read_log(
            self._cluster.connection,
            kind,
            pod,
            run.container,
            tail_lines=TAIL_LINES,
            limit_bytes=LAST_WORDS_BYTES,
            previous=run.previous,
        )
        return words


def end_of(message: str) -> str:
    """Return the end of a text, bounded and without secrets."""
    return redact(message).encode()[-LAST_WORDS_BYTES:].decode(errors="ignore")
