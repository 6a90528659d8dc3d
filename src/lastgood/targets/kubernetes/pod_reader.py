"""Ask a cluster for the log and the events of one pod: bounded, secrets hidden. Knows no application."""

import asyncio
from typing import Any

from lastgood.core.errors import Unknown
from lastgood.core.pod import MAX_EVENTS, MOST_LIMIT_BYTES, PodEvent
from lastgood.core.redact import redact
from lastgood.core.resource import annotations_of
from lastgood.targets.kubernetes.connection import Connection
from lastgood.targets.kubernetes.health.live import read_time
from lastgood.targets.kubernetes.kinds import Kind
from lastgood.targets.kubernetes.live_object import LiveObject
from lastgood.targets.kubernetes.reading import at, mappings, text, whole
from lastgood.targets.kubernetes.trouble import said

PAGE = 500
MAX_CHARS = 200
_DEFAULT = "kubectl.kubernetes.io/default-container"
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


def containers_to_read(pod: dict[str, Any]) -> tuple[str, ...]:
    """Return the containers of a pod, its default one first, or else its first."""
    names = [text(one, "name") for key in _CONTAINERS for one in mappings(pod, "spec", key)]
    default = annotations_of(pod).get(_DEFAULT, "")
    return tuple(dict.fromkeys(name for name in ([default] if default in names else []) + names if name))


def container_to_read(pod: dict[str, Any], wanted: str | None) -> str:
    """Return the container whose log is meant. Raises Unknown where the pod has no such one."""
    names = containers_to_read(pod)
    if wanted is None:
        wanted = next(iter(names), "")
    if wanted not in names or not wanted:
        name = text(pod, "metadata", "name")
        hint = f"it has {', '.join(names[:20])}" if names else ""
        raise Unknown(f"the pod {name} has no container {wanted[:MAX_CHARS]}", hint=hint, name=wanted[:MAX_CHARS])
    return wanted


async def read_log(
    connection: Connection,
    kind: Kind,
    pod: LiveObject,
    container: str,
    *,
    tail_lines: int,
    limit_bytes: int,
    previous: bool,
) -> tuple[str, bool]:
    """Return the end of a log without secrets, and whether lines of what was asked for are left out.

    Raises ClusterTrouble.
    """
    path = f"{kind.path(pod.namespace, pod.name)}/log"
    lines, cut = tail_lines, False
    while True:
        params = {"container": container, "tailLines": str(lines), "limitBytes": str(MOST_LIMIT_BYTES)}
        if previous:
            params["previous"] = "true"
        data = await connection.read(path, params, most_bytes=MOST_LIMIT_BYTES)
        if len(data) < MOST_LIMIT_BYTES or lines == 1:
            break
        # The server leaves out the end of what is too long, and the end is what is wanted.
        lines, cut = max(1, lines // 16), True
    return await asyncio.to_thread(_end, data, limit_bytes, cut=cut or len(data) >= MOST_LIMIT_BYTES)


def _end(data: bytes, limit_bytes: int, *, cut: bool) -> tuple[str, bool]:
    # Hidden before it is cut: half a secret has no name in front of it by which it could be known.
    clean = redact(data.decode(errors="replace")).encode()
    return clean[-limit_bytes:].decode(errors="ignore"), cut or len(clean) > limit_bytes


async def read_events(connection: Connection, kind: Kind, pod: LiveObject) -> tuple[PodEvent, ...]:
    """Return what the cluster tells of a pod, newest first. Raises ClusterTrouble."""
    params = {"fieldSelector": f"involvedObject.uid={pod.uid}", "limit": str(PAGE)}
    listed = await connection.request("GET", kind.path(pod.namespace), params=params, repeat=False)
    events = [_event(one) for one in mappings(listed, "items")]
    events.sort(key=lambda one: one.at.timestamp() if one.at is not None else 0.0, reverse=True)
    return tuple(events[:MAX_EVENTS])


def _event(sent: dict[str, Any]) -> PodEvent:
    """Read an event, as the older API writes it (times and a count) and as the newer does (eventTime, a series)."""
    at_ = (
        read_time(at(sent, "series", "lastObservedTime"))
        or read_time(sent.get("lastTimestamp"))
        or read_time(sent.get("eventTime"))
        or read_time(at(sent, "metadata", "creationTimestamp"))
    )
    return PodEvent(
        at=at_,
        first_at=read_time(sent.get("firstTimestamp")) or read_time(sent.get("eventTime")) or at_,
        count=whole(sent, "series", "count") or whole(sent, "count") or 1,
        type=text(sent, "type")[:MAX_CHARS],
        reason=said(text(sent, "reason"))[:MAX_CHARS],
        message=said(text(sent, "message")),
        source=said(text(sent, "reportingComponent") or text(sent, "source", "component"))[:MAX_CHARS],
    )
