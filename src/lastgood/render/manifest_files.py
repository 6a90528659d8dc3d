"""Which files of an application are plain manifests, and their content: read as Git objects, never checked out.

Awaits the port ConfigRepo; knows nothing of what stands in the files.
"""

from collections.abc import Collection
from typing import NamedTuple

from lastgood.core.application import Application
from lastgood.core.commit import MODE_SUBMODULE, MODE_TREE, TreeEntry
from lastgood.core.errors import GitFailed, ObjectMissing, ObjectTooLarge, RenderFailed
from lastgood.core.ports import ConfigRepo
from lastgood.core.renderer_kind import MANIFEST_ENDINGS
from lastgood.core.tree import OURS, name_bytes, shown_path

MAX_FILE_BYTES = 5_000_000
MAX_TOTAL_BYTES = 20_000_000
MAX_FILES = 5_000
MAX_FOLDERS = 10_000


class Found(NamedTuple):
    """files: manifests, paths from the repo's root, in the order in which `kubectl apply -R` takes them.

    submodules: folders whose content this repo does not have.
    """

    files: tuple[TreeEntry, ...]
    submodules: tuple[str, ...]


def left_out_of(app: Application) -> Collection[str]:
    """Return the paths from the repo's root that are never part of an application."""
    return {*OURS, *app.scope.left_out}


async def find_manifests(app: Application, repo: ConfigRepo, commit: str) -> Found:
    """Walk an application's folder, name by name, folders included; a symlink to a folder is not followed.

    Raises RenderFailed: no such folder, a symlink or another strange thing in a manifest's place, too much of it.
    """
    try:
        root = await repo.entry(commit, app.path)
        if root is None or not root.is_tree:
            raise _wrong(app, app.path or None, f"there is no folder {app.path or 'at the root'}")
        return await _walk(app, repo, root.oid)
    except GitFailed as missing:
        raise _wrong(app, app.path or None, missing.message) from missing


async def _walk(app: Application, repo: ConfigRepo, tree: str) -> Found:
    files: list[TreeEntry] = []
    submodules: list[str] = []
    folders = 0
    todo = [TreeEntry(path=app.path, mode=MODE_TREE, oid=tree)]
    # Depth first, names in the order of their bytes: a folder's files stand where its own name does.
    while todo:
        here = todo.pop()
        if not here.is_tree:
            files.append(here)
            if len(files) > MAX_FILES:
                raise _wrong(app, here.path, f"there are more than {MAX_FILES} manifests in {app.path or 'the repo'}")
            continue
        folders += 1
        if folders > MAX_FOLDERS:
            raise _wrong(app, here.path, f"there are more than {MAX_FOLDERS} folders in {app.path or 'the repo'}")
        below = await _below(app, repo, here)
        submodules += [entry.path for entry in below if entry.mode == MODE_SUBMODULE]
        wanted = [entry for entry in below if entry.is_tree or entry.is_file]
        todo += sorted(wanted, key=lambda one: name_bytes(one.path), reverse=True)
    return Found(tuple(files), tuple(sorted(submodules)))


async def _below(app: Application, repo: ConfigRepo, folder: TreeEntry) -> list[TreeEntry]:
    """Return the folders, submodules and manifests in a folder, with their paths from the repo's root."""
    left_out = left_out_of(app)
    below = []
    for entry in await repo.list_tree(folder.oid):
        path = f"{folder.path}/{entry.path}" if folder.path else entry.path
        if path in left_out:
            continue
        if entry.is_tree or entry.mode == MODE_SUBMODULE:
            below.append(TreeEntry(path=path, mode=entry.mode, oid=entry.oid))
        elif entry.path.endswith(MANIFEST_ENDINGS):
            if not entry.is_file:
                reason = f"{shown_path(path)} is a symlink, which is never followed; put the file itself there"
                raise _wrong(app, path, reason)
            below.append(TreeEntry(path=path, mode=entry.mode, oid=entry.oid))
    return below


async def read_manifests(app: Application, repo: ConfigRepo, files: Collection[TreeEntry]) -> list[tuple[str, bytes]]:
    """Read the files. Raises RenderFailed where one, or all together, are too large."""
    try:
        contents = await repo.read_all(list(files), max_bytes=MAX_FILE_BYTES, max_total_bytes=MAX_TOTAL_BYTES)
    except ObjectTooLarge as too_large:
        together = too_large.facts["limit_bytes"] == MAX_TOTAL_BYTES
        reason = f"the manifests together have more than {MAX_TOTAL_BYTES} bytes" if together else too_large.message
        raise _wrong(app, str(too_large.facts["path"]), reason) from too_large
    except ObjectMissing as missing:
        path = next(entry.path for entry in files if entry.oid == missing.facts["object"])
        raise _wrong(app, path, f"{shown_path(path)}: {missing.message}") from missing
    except GitFailed as failed:
        raise _wrong(app, app.path or None, failed.message) from failed
    return [(shown_path(entry.path), content) for entry, content in zip(files, contents, strict=True)]


def _wrong(app: Application, file: str | None, reason: str) -> RenderFailed:
    return RenderFailed(app=app.name, file=file and shown_path(file), line=None, reason=reason)
