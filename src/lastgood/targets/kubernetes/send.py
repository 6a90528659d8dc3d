"""Send one object to a cluster: server-side apply, whose refusals become words for people. Knows no application.

Fields of other managers are taken over or left alone as the operator says; what earlier tools set becomes ours.
"""

import asyncio
import re
from collections.abc import Collection
from typing import Any

import msgspec

from lastgood.core.value import Value
from lastgood.targets.kubernetes.adopt import MANAGER, adopted, is_tool, tools_in
from lastgood.targets.kubernetes.connection import Answer, Connection
from lastgood.targets.kubernetes.kinds import Kind
from lastgood.targets.kubernetes.options import PRECIOUS, Options
from lastgood.targets.kubernetes.trouble import Answered, ClusterTrouble, Impossible

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
# How a workload is rolled out. What the API server itself filled in for another way is nobody's field: no apply takes
# it out, and it refuses the way that leaves no room for it.
_WAYS = {"Deployment": "strategy", "StatefulSet": "updateStrategy"}
_ROLLING = "rollingUpdate"
CONFLICT, INVALID, NOT_FOUND = 409, 422, 404
CREATED = 201
GONE_S = 60.0
LOOK_AGAIN_S = 0.1
ADOPT_TRIES = 5
_CONFLICT_WITH = re.compile(r'conflict with "([^"]{1,200})"')
_UNCHANGEABLE = re.compile(
    r"immutable|may not (be )?change|cannot be changed|cannot change|not be updated|updates? to .{0,60}(spec|fields)",
    re.IGNORECASE,
)


class Sent(Value, frozen=True, kw_only=True):
    """What became of an object. live: as the API server answered; created: it was not there; notes: sentences."""

    live: dict[str, Any]
    created: bool
    notes: tuple[str, ...] = ()


class Sender:
    """Sends objects as one account. take_over: whether fields that somebody else manages become ours.

    may_delete: names of precious kinds that may be deleted and made anew where an object asks for that.
    Every method raises ClusterTrouble: Unreachable, or Answered with a sentence that says what to do.
    """

    def __init__(
        self, connection: Connection, *, account: str | None, take_over: bool, may_delete: Collection[str] = ()
    ) -> None:
        self.account = account
        self._may_delete = may_delete
        self._connection = connection
        self._take_over = take_over

    async def apply(self, kind: Kind, manifest: dict[str, Any], options: Options) -> Sent:
        """Make an object so."""
        path = _path(kind, manifest)
        if options.create_only or options.replace:
            there = await self.get(path)
            if there is not None and options.create_only:
                return Sent(live=there, created=False, notes=("it is there and asks to be left alone",))
            if there is not None:
                return await self._replace(kind, path, manifest, there, options)
        try:
            return await self._patch(path, manifest, keep_kubectl=options.keep_kubectl)
        except Answered as no:
            if not is_unchangeable(no):
                raise
            if not self._may_make_anew(kind, options):
                raise unchangeable(no, kind.kind, forced=options.force) from no
            return await self._make_anew(kind, path, manifest)

    async def probe(self, kind: Kind, manifest: dict[str, Any], options: Options) -> None:
        """Ask whether `apply` would be refused now; nothing changes. Raises as it would."""
        path = _path(kind, manifest)
        there = await self.get(path) if options.create_only or options.replace else None
        if there is not None and options.create_only:
            return
        try:
            if there is not None:
                await self._put(path, manifest, there, dry_run=True)
            else:
                await self._taken(path, manifest, dry_run=True)
        except Answered as no:
            if _way_in_the_way(manifest, no) is None and not (
                is_unchangeable(no) and self._may_make_anew(kind, options)
            ):
                raise

    async def dry_run(self, kind: Kind, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return what the object would be if it were applied now; nothing changes."""
        path = _path(kind, manifest)
        try:
            answer = await self._ask_patch(path, manifest, force=True, dry_run=True)
        except Answered as no:
            way = _way_in_the_way(manifest, no)
            if way is None:
                raise
            # Not all that an apply would do, and enough to see that it would do something.
            answer = await self._merge(path, way, dry_run=True)
        return _object(answer)

    async def get(self, path: str) -> dict[str, Any] | None:
        """Return an object, None where there is none."""
        try:
            answer = await self._connection.ask("GET", path, as_account=self.account)
        except Answered as no:
            if no.status == NOT_FOUND:
                return None
            raise
        return _object(answer)

    async def delete(
        self, path: str, *, uid: str | None, version: str | None = None, dry_run: bool = False
    ) -> dict[str, Any] | None:
        """Delete an object, its own only; what it owns goes in the background.

        Returns what the server said: the object, where it is on its way out; None where it was not there.
        version: its resourceVersion; one that is another by now is not deleted: raises Answered (CONFLICT).
        """
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if dry_run:
            body["dryRun"] = ["All"]
        if uid is not None:
            body["preconditions"] = {"uid": uid, **({"resourceVersion": version} if version else {})}
        try:
            answer = await self._connection.ask("DELETE", path, body=body, as_account=self.account)
        except Answered as no:
            # Another object of that name is not the one that was meant.
            if no.status == NOT_FOUND or (no.status == CONFLICT and uid is not None and not version):
                return None
            raise
        return answer.body if isinstance(answer.body, dict) else {}

    async def delete_and_wait(self, path: str, *, uid: str | None) -> None:
        """Delete an object and return when it is gone. Raises Answered where it does not go."""
        if await self.delete(path, uid=uid) is None:
            return
        loop = asyncio.get_running_loop()
        until = loop.time() + GONE_S
        while True:
            there = await self.get(path)
            if there is None or (uid is not None and there["metadata"].get("uid") != uid):
                return
            if loop.time() > until:
                finalizers = there["metadata"].get("finalizers")
                waits = f"; it waits for {', '.join(map(str, finalizers))}" if isinstance(finalizers, list) else ""
                raise Answered(CONFLICT, "NotGone", f"it was deleted and is not gone after {GONE_S:.0f} s{waits}")
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _taken(self, path: str, manifest: dict[str, Any], *, dry_run: bool = False) -> tuple[Answer, list[str]]:
        """Ask as the operator says of other managers' fields; return notes of what was taken over."""
        try:
            return await self._ask_patch(path, manifest, force=False, dry_run=dry_run), []
        except Answered as no:
            managers = managers_in(no)
            if no.status != CONFLICT or not managers:
                raise
            if not self._take_over and not all(map(is_tool, managers)):
                raise conflict(no) from no
            answer = await self._ask_patch(path, manifest, force=True, dry_run=dry_run)
            return answer, [f"took over {', '.join(fields_in(no))} from {', '.join(managers)}"]

    async def _patch(self, path: str, manifest: dict[str, Any], *, keep_kubectl: bool = False) -> Sent:
        try:
            answer, notes = await self._taken(path, manifest)
        except Answered as no:
            way = _way_in_the_way(manifest, no)
            if way is None:
                raise
            await self._merge(path, way)
            answer, notes = await self._taken(path, manifest)
        live = _object(answer)
        for _ in range(ADOPT_TRIES):
            fields = live["metadata"].get("managedFields")
            entries = adopted(fields, keep_kubectl=keep_kubectl)
            if entries is None:
                break
            if await self._adopt(path, live, entries):
                tools = tools_in(fields, keep_kubectl=keep_kubectl)
                notes += [f"took over what earlier tools managed: {', '.join(tools)}"] if tools else []
                live = _object(await self._ask_patch(path, only_if(manifest, None), force=True))
            else:
                live = await self.get(path) or live
        return Sent(live=live, created=answer.status == CREATED, notes=tuple(notes))

    async def _merge(self, path: str, body: dict[str, Any], *, dry_run: bool = False) -> Answer:
        params = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
        return await self._connection.ask(
            "PATCH", path, params=params, body=body, content_type=MERGE_PATCH, as_account=self.account
        )

    async def _adopt(self, path: str, live: dict[str, Any], entries: list[dict[str, Any]]) -> bool:
        """Write the managers anew; False where the object changed meanwhile."""
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        ]
        try:
            await self._connection.ask(
                "PATCH", path, body=patch, content_type=JSON_PATCH, as_account=self.account, repeat=False
            )
        except Answered as no:
            if no.status == CONFLICT:
                return False
            raise
        return True

    async def _replace(
        self, kind: Kind, path: str, manifest: dict[str, Any], there: dict[str, Any], options: Options
    ) -> Sent:
        try:
            answer = await self._put(path, manifest, there)
        except Answered as no:
            if not is_unchangeable(no):
                raise
            if not self._may_make_anew(kind, options):
                raise unchangeable(no, kind.kind, forced=options.force) from no
            return await self._make_anew(kind, path, manifest)
        return Sent(live=_object(answer), created=False, notes=("replaced",))

    async def _put(
        self, path: str, manifest: dict[str, Any], there: dict[str, Any], *, dry_run: bool = False
    ) -> Answer:
        """Put an object in the place of the one that is there.

        One that changed meanwhile may be our own, of a request whose answer was lost: it is put in place once more.
        """
        for attempt in range(1, ADOPT_TRIES + 1):
            metadata = {**manifest["metadata"], "resourceVersion": there["metadata"].get("resourceVersion")}
            body = {**manifest, "metadata": metadata}
            params = {"fieldManager": MANAGER, **({"dryRun": "All"} if dry_run else {})}
            try:
                return await self._connection.ask("PUT", path, params=params, body=body, as_account=self.account)
            except Answered as no:
                now = await self.get(path) if no.status == CONFLICT and attempt < ADOPT_TRIES else None
                if now is None:
                    raise
                there = now
        raise AssertionError("the last attempt returns or raises")

    def _may_make_anew(self, kind: Kind, options: Options) -> bool:
        return options.force and (kind.group_kind not in PRECIOUS or kind.kind in self._may_delete)

    async def _make_anew(self, kind: Kind, path: str, manifest: dict[str, Any]) -> Sent:
        there = await self.get(path)
        if there is not None:
            await self.delete_and_wait(path, uid=there["metadata"].get("uid"))
        sent = await self._patch(path, only_if(manifest, None))
        note = f"deleted and made anew, as this {kind.kind} asks where it cannot be changed"
        return msgspec.structs.replace(sent, notes=(*sent.notes, note))

    async def _ask_patch(self, path: str, manifest: dict[str, Any], *, force: bool, dry_run: bool = False) -> Answer:
        params = {"fieldManager": MANAGER, "force": "true" if force else "false"}
        if dry_run:
            params["dryRun"] = "All"
        return await self._connection.ask(
            "PATCH", path, params=params, body=manifest, content_type=APPLY, as_account=self.account
        )


def only_if(manifest: dict[str, Any], version: str | None) -> dict[str, Any]:
    """Return a manifest that is applied only while the object has this resourceVersion; None: whatever it has."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "resourceVersion"}
    return {**manifest, "metadata": {**metadata, **({"resourceVersion": version} if version else {})}}


def is_outdated(no: Answered) -> bool:
    """Say whether a request was refused since the object is no longer what the request was made for."""
    return no.status == CONFLICT and no.reason == "Conflict" and not managers_in(no)


def _way_in_the_way(manifest: dict[str, Any], no: Answered) -> dict[str, Any] | None:
    """Return what to merge first, where a refusal is about what is left of another way of rolling out; else None."""
    name = _WAYS.get(str(manifest.get("kind")))
    if name is None or no.status != INVALID or f"spec.{name}.{_ROLLING}" not in {field for field, _, _ in no.causes}:
        return None
    spec = manifest.get("spec")
    way = spec.get(name) if isinstance(spec, dict) else None
    if not isinstance(way, dict) or _ROLLING in way or not str(manifest["apiVersion"]).startswith("apps/"):
        return None
    return {"spec": {name: {**way, _ROLLING: None}}}


def managers_in(no: Answered) -> list[str]:
    """Return the names of the field managers that a conflict is with."""
    found = (match for _, message, _ in no.causes for match in _CONFLICT_WITH.findall(message))
    return list(dict.fromkeys(found))


def fields_in(no: Answered) -> list[str]:
    """Return the fields that a refusal names."""
    return list(dict.fromkeys(field for field, _, _ in no.causes if field)) or ["fields"]


def conflict(no: Answered) -> Answered:
    """Say whose fields are in the way."""
    others = ", ".join(managers_in(no))
    words = f"{', '.join(fields_in(no))} is managed by {others}"
    ways = "this destination leaves such fields alone: take it out of Git, or let the other one go"
    told = Answered(no.status, no.reason, f"{words}; {ways}", no.causes)
    told.owner = others
    return told


def is_unchangeable(no: Answered) -> bool:
    """Say whether a field was refused because it can never change."""
    if no.status != INVALID:
        return False
    return any(_UNCHANGEABLE.search(message) for _, message, _ in no.causes) or (
        not no.causes and _UNCHANGEABLE.search(str(no)) is not None
    )


def unchangeable(no: Answered, kind: str, *, forced: bool) -> Answered:
    """Name the field that cannot change, and the ways that there are. forced: it asks to be made anew, and may not."""
    allow = "allow it to be deleted and made anew (`argocd.argoproj.io/sync-options: Force=true`)"
    if forced:
        allow = (
            f"it asks to be deleted and made anew, and a {kind} takes more with it: allow that with"
            f' "{kind}" in `may_delete` of the destination in lastgood.toml'
        )
    ways = f"{allow}, or give it another name"
    return Answered(no.status, no.reason, f"{', '.join(fields_in(no))} cannot be changed: {no}; {ways}", no.causes)


def _path(kind: Kind, manifest: dict[str, Any]) -> str:
    metadata = manifest["metadata"]
    version = str(manifest["apiVersion"]).rpartition("/")[2]
    try:
        return kind.path(metadata.get("namespace"), metadata["name"], version=version)
    except ValueError as wrong:
        raise Impossible(str(wrong)) from wrong


def _object(answer: Answer) -> dict[str, Any]:
    body = answer.body
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise ClusterTrouble("the API server answered with something that is no object")
    return body
