"""Write an application's inputs into a private folder, from Git objects: no checkout, no filter, no attribute acts.

Awaits the port ConfigRepo; knows nothing of what the files say, and starts nothing.
"""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from lastgood.core.application import Application, Scope
from lastgood.core.commit import MODE_EXECUTABLE, MODE_SUBMODULE, MODE_SYMLINK, TreeEntry
from lastgood.core.declared_inputs import inputs_at
from lastgood.core.errors import GitFailed, ObjectTooLarge, RenderFailed
from lastgood.core.inputs import uses
from lastgood.core.ports import ConfigRepo
from lastgood.core.tree import OURS, outside_inputs, shown_path, split_path

MAX_FILE_BYTES = 10_000_000
MAX_TOTAL_BYTES = 50_000_000
MAX_ENTRIES = 20_000
MAX_LINK_BYTES = 4_000


class WorkFolder(NamedTuple):
    """files: what the repo's root is here. home: an empty folder that may be written. submodules: not here."""

    files: Path
    home: Path
    submodules: tuple[str, ...]
    size_bytes: int

    def at(self, path: str) -> Path:
        """Return where a path of the repo is here."""
        return self.files / path


async def inputs_of(app: Application, repo: ConfigRepo, commit: str) -> Scope:
    """Say which files go into the folder: the inputs at a commit. Raises RenderFailed where they are too many."""
    found = await inputs_at(app, repo, commit)
    if found.wrong:
        raise _wrong(app, app.path or None, found.wrong)
    return found.scope


@contextlib.asynccontextmanager
async def work_folder(app: Application, repo: ConfigRepo, commit: str) -> AsyncIterator[WorkFolder]:
    """Write the inputs, and take everything away afterwards.

    Raises RenderFailed: no such folder, a symlink that leads outside, a strange name, too much of it.
    """
    try:
        scope = await inputs_of(app, repo, commit)
        entries = await _entries(app, repo, commit, scope)
    except GitFailed as missing:
        raise _wrong(app, app.path or None, missing.message) from missing
    top = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="lastgood-render-"))
    try:
        yield await _write(app, repo, scope, entries, top)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, top, ignore_errors=True))


async def _entries(app: Application, repo: ConfigRepo, commit: str, scope: Scope) -> dict[str, TreeEntry]:
    """Return what is to be written, by path from the root, folders before what is in them."""
    root = await repo.entry(commit, scope.path)
    if root is None or not root.is_tree:
        raise _wrong(app, app.path or None, f"there is no folder {app.path or 'at the root'}")
    left_out = {*OURS, *scope.left_out}
    found: dict[str, TreeEntry] = {}
    for path in (scope.path, *outside_inputs(scope)):
        entry = await repo.entry(commit, path)
        todo = [] if entry is None else [TreeEntry(path=path, mode=entry.mode, oid=entry.oid)]
        while todo:
            here = todo.pop()
            if here.path in left_out or here.path in found:
                continue
            split_path(here.path)
            found[here.path] = here
            if len(found) > MAX_ENTRIES:
                raise _wrong(app, here.path, f"there are more than {MAX_ENTRIES} files and folders in it")
            if here.is_tree:
                prefix = f"{here.path}/" if here.path else ""
                below = await repo.list_tree(here.oid)
                todo += [TreeEntry(path=f"{prefix}{one.path}", mode=one.mode, oid=one.oid) for one in below]
    return found


async def _write(
    app: Application, repo: ConfigRepo, scope: Scope, entries: dict[str, TreeEntry], top: Path
) -> WorkFolder:
    contents: dict[str, bytes] = {}
    total = 0
    for entry in entries.values():
        if entry.is_tree or entry.mode == MODE_SUBMODULE:
            continue
        most = MAX_LINK_BYTES if entry.mode == MODE_SYMLINK else MAX_FILE_BYTES
        contents[entry.path] = await _read(app, repo, entry, most)
        total += len(contents[entry.path])
        if total > MAX_TOTAL_BYTES:
            raise _wrong(app, entry.path, f"the files together have more than {MAX_TOTAL_BYTES} bytes")
    submodules = sorted(entry.path for entry in entries.values() if entry.mode == MODE_SUBMODULE)
    folder = WorkFolder(top / "files", top / "home", tuple(submodules), total)
    await asyncio.to_thread(_write_all, app, folder, scope, list(entries.values()), contents)
    return folder


def _write_all(
    app: Application, folder: WorkFolder, scope: Scope, entries: list[TreeEntry], contents: dict[str, bytes]
) -> None:
    folder.files.mkdir()
    folder.home.mkdir()
    links = []
    for entry in entries:
        if entry.is_tree or entry.mode == MODE_SUBMODULE:
            _make_folder(app, folder, entry.path)
        elif entry.mode == MODE_SYMLINK:
            links.append(entry.path)
        else:
            _make_file(app, folder, entry, contents[entry.path])
    # Links last: until then no name in the folder leads anywhere else.
    for path in links:
        _make_link(app, folder, path, contents[path])
    for path in links:
        _check_link(app, folder, scope, path, contents[path])


async def _read(app: Application, repo: ConfigRepo, entry: TreeEntry, most: int) -> bytes:
    try:
        return await repo.read(entry.oid, max_bytes=most, path=entry.path)
    except ObjectTooLarge as too_large:
        raise _wrong(app, entry.path, too_large.message) from too_large
    except GitFailed as missing:
        raise _wrong(app, entry.path, f"{shown_path(entry.path)}: {missing.message}") from missing


def _make_folder(app: Application, folder: WorkFolder, path: str) -> None:
    try:
        folder.at(path).mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as wrong:
        raise _unwritten(app, path, wrong) from wrong


def _make_file(app: Application, folder: WorkFolder, entry: TreeEntry, content: bytes) -> None:
    path = folder.at(entry.path)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = 0o700 if entry.mode == MODE_EXECUTABLE else 0o600
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    except OSError as wrong:
        raise _unwritten(app, entry.path, wrong) from wrong


def _make_link(app: Application, folder: WorkFolder, path: str, target: bytes) -> None:
    where = folder.at(path)
    try:
        where.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        where.symlink_to(os.fsdecode(target))
    except (OSError, ValueError) as wrong:
        raise _unwritten(app, path, wrong) from wrong


def _check_link(app: Application, folder: WorkFolder, scope: Scope, path: str, target: bytes) -> None:
    """Follow a link as the system does, through all others. Raises RenderFailed where it leads outside the inputs."""
    leads = folder.at(path).resolve()
    inside = os.path.relpath(leads, folder.files.resolve())
    inside = "" if inside == "." else inside
    shown = shown_path(target.decode("utf-8", "surrogateescape"))
    if target.startswith(b"/") or inside == ".." or inside.startswith("../"):
        raise _wrong(app, path, f"{shown_path(path)} is a symlink to {shown}, which is outside the repo's files")
    if not uses(scope, inside) and not leads.exists():
        reason = f"{shown_path(path)} is a symlink to {shown}, which is not among the application's inputs"
        raise _wrong(app, path, reason)


def _unwritten(app: Application, path: str, wrong: Exception) -> RenderFailed:
    reason = wrong.strerror if isinstance(wrong, OSError) else str(wrong)
    return _wrong(app, path, f"{shown_path(path)} cannot be written for the renderer: {reason}")


def _wrong(app: Application, file: str | None, reason: str) -> RenderFailed:
    return RenderFailed(app=app.name, file=file and shown_path(file), line=None, reason=reason)
