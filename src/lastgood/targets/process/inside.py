"""Show an application's processes as a tree and as services, and the end of a log. Starts and judges nothing."""

from collections.abc import Mapping
from pathlib import Path

from lastgood.core.observation import Observation, ResourceHealth
from lastgood.core.pod import PodLog, PodLogRequest
from lastgood.core.redact import redact
from lastgood.core.resource_tree import ResourceTree, TreeNode, node_id
from lastgood.core.service import Services, ServiceView
from lastgood.core.value import Value
from lastgood.targets.process.health import KIND

MAX_LINE_BYTES = 64 * 1024


class Part(Value, frozen=True, kw_only=True):
    """One process. release: the source commit that it runs from. asked: it stands in Git."""

    release: str | None
    asked: bool
    restarts: int


def tree_of(seen: Observation, parts: Mapping[str, Part]) -> ResourceTree:
    """Return the tree: what was observed, then what runs and is not asked for any more."""
    known = {one.name: one for one in seen.resources}
    nodes = tuple(
        TreeNode(
            id=node_id("", KIND, None, name),
            group="",
            kind=KIND,
            namespace=None,
            name=name,
            asked=part.asked,
            health=_health(known.get(name)).health,
            reason=_health(known.get(name)).reason,
            message=_health(known.get(name)).message,
            images=(part.release,) if part.release else (),
        )
        for name, part in parts.items()
    )
    return ResourceTree(app=seen.app, observed_at=seen.observed_at, nodes=nodes, trouble=_trouble(seen))


def services_of(seen: Observation, parts: Mapping[str, Part]) -> Services:
    """Return the services: each process that Git asks for, with itself as its only pod."""
    known = {one.name: one for one in seen.resources}
    services = tuple(
        ServiceView(
            group="",
            kind=KIND,
            namespace=None,
            name=name,
            health=_health(known.get(name)).health,
            reason=_health(known.get(name)).reason,
            message=_health(known.get(name)).message,
            ready=_health(known.get(name)).ready,
            wanted=_health(known.get(name)).wanted,
            restarts=part.restarts,
            images=(part.release,) if part.release else (),
            pods=(name,),
        )
        for name, part in parts.items()
        if part.asked
    )
    return Services(app=seen.app, observed_at=seen.observed_at, services=services, trouble=_trouble(seen))


def read_log(file: Path, request: PodLogRequest) -> PodLog:
    """Return the end of a log; what was not written yet is empty. Raises OSError."""
    data = b""
    whole = True
    most = min(request.limit_bytes + MAX_LINE_BYTES, 2 * request.limit_bytes + 4096)
    if file.exists():
        with file.open("rb") as opened:
            size = file.stat().st_size
            whole = size <= most
            opened.seek(max(0, size - most))
            data = opened.read(most)
    lines = data.splitlines(keepends=True)
    enough = len(lines) > request.tail_lines
    # Hidden before it is cut: half a secret has no name in front of it by which it could be known.
    clean = redact(b"".join(lines[-request.tail_lines :]).decode(errors="replace")).encode()
    return PodLog(
        app=request.app,
        pod=request.pod,
        namespace=None,
        container=None,
        previous=False,
        text=clean[-request.limit_bytes :].decode(errors="ignore"),
        cut=len(clean) > request.limit_bytes or not (whole or enough),
    )


def _health(found: ResourceHealth | None) -> ResourceHealth:
    if found is not None:
        return found
    return ResourceHealth(kind=KIND, name="", health="Unknown", reason="NotAskedFor", message="nobody asks for it now")


def _trouble(seen: Observation) -> str:
    """Return why nothing can be seen: what is observed as Unknown without any process."""
    return seen.message if seen.health == "Unknown" and not seen.resources else ""
