"""What differs between two versions of an application: files, and resources where something renders them.

Awaits the ports; writes nothing. Secrets are taken out of what it returns.
"""

import difflib
import re
from collections.abc import Sequence

import msgspec

from lastgood.core.application import Scope
from lastgood.core.choose import choose, current_version
from lastgood.core.commit import FileChange
from lastgood.core.declared_inputs import scope_at
from lastgood.core.errors import GitFailed, NoRenderer, RenderFailed
from lastgood.core.inputs import joined, uses
from lastgood.core.plan import PlannedFile, PlannedResource
from lastgood.core.ports import Clock, ConfigRepo, Renderer, Store
from lastgood.core.redact import redact
from lastgood.core.request import DiffView
from lastgood.core.resource import Resource
from lastgood.core.version import Version
from lastgood.core.words import Change
from lastgood.queries.followed import Followed, Place, place_of

MAX_FILES = 10_000
MAX_SHOWN_FILES = 200
MAX_SHOWN_BYTES = 256 * 1024
# `kind: Secret` or `SecretList` in YAML (behind an anchor or a tag, too) or JSON, and a generator of them: such a file
# is not shown at all.
_SECRET_MANIFEST = re.compile(
    r"""(?m)["']?\bkind["']?\s*:\s*(?:[&!]\S{0,100}\s+){0,3}["']?Secret(?:List)?\b|^\s*-?\s*secretGenerator\s*:"""
)


class Diffs:
    """Compares versions."""

    def __init__(
        self, followed: Sequence[Followed], *, renderer: Renderer, clock: Clock, store: Store | None = None
    ) -> None:
        self._followed = followed
        self._renderer = renderer
        self._clock = clock
        self._store = store

    async def diff(self, app: str, from_: str, to: str | None) -> DiffView:
        """Compare two versions; to None: with the current one. Raises UnknownApplication, UnknownVersion, ..."""
        place = await place_of(app, self._followed)
        before = await self._choose(place, from_)
        if to is None:
            after = await current_version(app=place.application, repo=place.repo, store=self._store, head=place.head)
        else:
            after = await self._choose(place, to)
        files = await self._files(place, before, after)
        resources, rendered, why = await self._resources(place, before, after)
        return DiffView(
            app=app,
            from_=before,
            to=after,
            rendered=rendered,
            why=why,
            resources=resources,
            files=tuple(
                PlannedFile(path=f.path, change=f.change, added=f.added, removed=f.removed, new=f.new) for f in files
            ),
            file_diffs=await file_diffs(place.repo, files),
        )

    async def _choose(self, place: Place, text: str) -> Version:
        return await choose(
            text,
            app=place.application,
            repo=place.repo,
            store=self._store,
            head=place.head,
            now=self._clock.now(),
            holds=await place.readable_holds(),
        )

    @staticmethod
    async def _files(place: Place, before: Version, after: Version) -> list[FileChange]:
        """Return the inputs that differ, by path from the repo's root."""
        if before.version == after.version or before.commit is None or after.commit is None:
            return []
        scope = joined(*[await scope_at(place.application, place.repo, v) for v in (before.commit, after.commit)])
        found: dict[str, FileChange] = {}
        for root in _roots(scope):
            for change in await _changes_at(place.repo, root, before.commit, after.commit):
                if uses(scope, change.path):
                    found[change.path] = change
        return [found[path] for path in sorted(found)][:MAX_FILES]

    async def _resources(
        self, place: Place, before: Version, after: Version
    ) -> tuple[tuple[PlannedResource, ...], bool, str]:
        """Return changed resources, whether both versions were rendered, and if not, why."""
        if before.version == after.version:
            return (), True, ""
        try:
            old = await self._render(place, before)
            new = await self._render(place, after)
        except (NoRenderer, RenderFailed) as wrong:
            return (), False, wrong.message
        # Imported here: comparing writes YAML, which most diffs of files alone do without.
        from lastgood.core.resource_diff import resource_changes  # noqa: PLC0415

        return resource_changes(old, new), True, ""

    async def _render(self, place: Place, version: Version) -> tuple[Resource, ...]:
        if version.version is None or version.commit is None:
            return ()
        return (await self._renderer.render(place.application, place.repo, version.commit)).resources


def _roots(scope: Scope) -> tuple[str, ...]:
    return (scope.path, *scope.others)


async def _changes_at(repo: ConfigRepo, root: str, before: str, after: str) -> list[FileChange]:
    """Compare what stands at a path of two commits; paths are from the repo's root."""
    old, new = await repo.entry(before, root), await repo.entry(after, root)
    if (old and (old.mode, old.oid)) == (new and (new.mode, new.oid)):
        return []
    trees = [entry.oid if entry is not None and entry.is_tree else None for entry in (old, new)]
    changes = [
        msgspec.structs.replace(change, path=f"{root}/{change.path}" if root else change.path)
        for change in (await repo.changes(trees[0], trees[1]) if any(trees) else [])
    ]
    files = [entry.oid if entry is not None and not entry.is_tree else None for entry in (old, new)]
    if any(files):
        kind: Change = "modified" if all(files) else "added" if files[1] else "removed"
        changes.append(FileChange(path=root, change=kind, added=None, removed=None, old=files[0], new=files[1]))
    return changes


async def file_diffs(repo: ConfigRepo, files: Sequence[FileChange]) -> dict[str, str]:
    """Return unified diffs by path, of as many files as a person reads; secrets are taken out before comparing."""
    diffs: dict[str, str] = {}
    for change in files[:MAX_SHOWN_FILES]:
        old, new = await _text(repo, change.old, change.path), await _text(repo, change.new, change.path)
        diffs[change.path] = _file_diff(old, new)
    return diffs


def _file_diff(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "not shown: binary, too large, or not a file here"
    if _SECRET_MANIFEST.search(old) or _SECRET_MANIFEST.search(new):
        return "not shown: the file holds a Secret"
    # Redacted first, so that a changed secret leaves nothing behind, not even where it changed.
    before, after = redact(old).splitlines(), redact(new).splitlines()
    return "\n".join(list(difflib.unified_diff(before, after, lineterm="", n=3))[2:])


async def _text(repo: ConfigRepo, blob: str | None, path: str) -> str | None:
    if blob is None:
        return ""
    try:
        data = await repo.read(blob, max_bytes=MAX_SHOWN_BYTES, path=path)
    except GitFailed:
        return None
    return None if b"\0" in data else data.decode(errors="replace")
