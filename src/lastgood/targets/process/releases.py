"""Release folders: the files of a source commit, written once, read-only, and checked before each use.

A release is `releases/<commit>/`: `tree` holds the files, `manifest.json` says what they must be. It is written
elsewhere and moved in, so a folder of that name is whole or was damaged since, and then it is written anew.
Takes a SourceRepo's files as they are stored; knows no application's processes.
"""

import asyncio
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from lastgood.core.application import Application
from lastgood.core.commit import MODE_EXECUTABLE, MODE_SYMLINK, TreeEntry
from lastgood.core.ports import SourceRepo
from lastgood.core.value import Value
from lastgood.targets.process.folder import Folder, remove_tree

# Says which source repo an artifact comes from and by which revision it is asked; None: `sources` names none.
FindSource = Callable[[Application, str, str], Awaitable[tuple[SourceRepo, str] | None]]

MAX_FILES = 50_000
MAX_BYTES = 1 << 30
MAX_PATH_BYTES = 4096
_COMMIT = re.compile(r"[0-9a-f]{40}")


class ReleaseWrong(Exception):
    """A release cannot be had; the text is the reason."""


class ReleaseUnfit(ReleaseWrong):
    """The source commit holds what no release may: it is the same whenever it is tried."""


class ReleaseFile(Value, frozen=True, kw_only=True):
    """One file or symlink of a release. sha256: of the content, or of a symlink's target."""

    path: str
    mode: int
    size_bytes: int
    sha256: str


class Manifest(Value, frozen=True, kw_only=True):
    """What a release folder must hold. left_out: symlinks that point outside, and are therefore not there."""

    commit: str
    files: tuple[ReleaseFile, ...]
    left_out: tuple[str, ...] = ()


class Release(Value, frozen=True, kw_only=True):
    """A release that is there and whole."""

    commit: str
    tree: str
    left_out: tuple[str, ...] = ()


class ArtifactUse(Value, frozen=True, kw_only=True, order=True):
    """An artifact as an application's version names it: an item of `Rendered.images`."""

    app: str
    artifact: str
    revision: str


class Releases:
    """The release folders below one root."""

    def __init__(self, folder: Folder, find_source: FindSource) -> None:
        self._folder = folder
        self._find_source = find_source
        self._known_file = folder.releases / "revisions.json"
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._remembering = asyncio.Lock()

    async def stage(self, app: Application, artifact: str, revision: str) -> Release:
        """Have the release of an artifact's revision; ask the source repo only for what is not here.

        A revision that was once resolved for this application keeps its commit, so a tag that was moved since does
        not change what a version is, and a rollback works while the source repo is away.
        Raises ReleaseWrong; the errors of SourceRepo pass.
        """
        use = ArtifactUse(app=app.name, artifact=artifact, revision=revision)
        commit = self.known().get(_key(use))
        if commit is not None:
            # One at a time for each commit; another application's slow source repo is waited for by nobody else.
            async with self._one_at_a_time(commit):
                found = await asyncio.to_thread(self._checked, commit)
            if found is not None:
                return found
        source = await self._find_source(app, artifact, revision)
        if source is None:
            raise ReleaseWrong(f"no source repo is named for the artifact {artifact}; see `sources` in lastgood.yaml")
        repo, asked = source
        if commit is None:
            commit = await repo.resolve(asked)
            if not _COMMIT.fullmatch(commit):
                raise ReleaseWrong(f"the source repo names {commit[:80]!r} as the commit of {revision}")
        async with self._one_at_a_time(commit):
            found = await asyncio.to_thread(self._checked, commit) or await self._write(repo, commit)
        async with self._remembering:
            await asyncio.to_thread(self._folder.write_json, self._known_file, {**self.known(), _key(use): commit})
        return found

    def _one_at_a_time(self, commit: str) -> asyncio.Lock:
        return self._writing.setdefault(commit, asyncio.Lock())

    async def collect(self, keep: Collection[ArtifactUse], *, in_use: Collection[str]) -> list[str]:
        """Delete every release that neither `keep` nor `in_use` (commits) names; return the commits deleted.

        To be called while nobody stages: what a killed agent was writing is deleted too.
        """
        async with self._remembering:
            return await asyncio.to_thread(self._collect, {_key(use) for use in keep}, set(in_use))

    def known(self) -> dict[str, str]:
        """Return which commit each revision was resolved to, by `<app> <artifact> <revision>`."""
        try:
            return msgspec.json.decode(self._known_file.read_bytes(), type=dict[str, str])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}

    def _collect(self, keep: set[str], in_use: set[str]) -> list[str]:
        known = {key: commit for key, commit in self.known().items() if key in keep or commit in in_use}
        kept = in_use | set(known.values())
        doomed = [place for place in self._folder.releases.iterdir() if place.is_dir() and place.name not in kept]
        self._folder.write_json(self._known_file, known)
        for place in doomed:
            # Moved away first: whatever interrupts the deletion, no half of it stands under a commit's name.
            away = self._folder.temporary / f"collected-{secrets.token_hex(8)}"
            place.rename(away)
        for left in (*self._folder.temporary.glob("collected-*"), *self._folder.temporary.glob("release-*")):
            remove_tree(left)
        return sorted(place.name for place in doomed)

    def _checked(self, commit: str) -> Release | None:
        """Return a release if it is there and every file is what the manifest says."""
        place = self._folder.releases / commit
        try:
            manifest = msgspec.json.decode((place / "manifest.json").read_bytes(), type=Manifest)
            if manifest.commit != commit or not all(_is_as_said(place / "tree", file) for file in manifest.files):
                return None
        except (OSError, msgspec.DecodeError):
            return None
        return Release(commit=commit, tree=str(place / "tree"), left_out=manifest.left_out)

    async def _write(self, repo: SourceRepo, commit: str) -> Release:
        place = self._folder.temporary / f"release-{secrets.token_hex(8)}"
        try:
            writing = _Writing(place)
            async for entry, content in repo.files(commit):
                await asyncio.to_thread(writing.add, entry, content)
            await asyncio.to_thread(self._finish, writing, place, commit)
        except BaseException as wrong:
            await asyncio.shield(asyncio.to_thread(remove_tree, place))
            if isinstance(wrong, OSError):
                raise ReleaseWrong(f"the release {commit[:7]} cannot be written: {wrong.strerror}") from wrong
            raise
        found = await asyncio.to_thread(self._checked, commit)
        if found is None:
            raise ReleaseWrong(f"the release {commit[:7]} was written and is not what was written")
        return found

    def _finish(self, writing: "_Writing", place: Path, commit: str) -> None:
        manifest = writing.finish(commit)
        with (place / "manifest.json").open("xb") as out:
            out.write(msgspec.json.encode(manifest))
        for folder, _, _ in os.walk(place, topdown=False):
            Path(folder).chmod(0o555)
        # A folder that fails its check goes; what still runs from it keeps its open files.
        place.chmod(0o755)
        target = self._folder.releases / commit
        if target.exists():
            target.rename(self._folder.temporary / f"collected-{secrets.token_hex(8)}")
        place.rename(target)
        target.chmod(0o555)


class _Writing:
    """A release being written: plain files first, symlinks last, so that no file can be written through one."""

    def __init__(self, place: Path) -> None:
        place.mkdir(mode=0o755)
        self.tree = place / "tree"
        self.tree.mkdir(mode=0o755)
        self.tree.chmod(0o755)
        self.files: list[ReleaseFile] = []
        self.symlinks: list[tuple[str, bytes]] = []
        self.size_bytes = 0

    def add(self, entry: TreeEntry, content: bytes) -> None:
        path = _safe(entry.path)
        self.size_bytes += len(content)
        if len(self.files) + len(self.symlinks) >= MAX_FILES or self.size_bytes > MAX_BYTES:
            raise ReleaseUnfit(f"the source commit has more than {MAX_FILES} files or {MAX_BYTES} bytes")
        if entry.mode == MODE_SYMLINK:
            self.symlinks.append((path, content))
            return
        mode = 0o555 if entry.mode == MODE_EXECUTABLE else 0o444
        file = self.tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(content)
            os.fchmod(out.fileno(), mode)
        self.files.append(_release_file(path, mode, content))

    def finish(self, commit: str) -> Manifest:
        for path, target in self.symlinks:
            link = self.tree / path
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.fsdecode(target))
        left_out = self._without_escapes()
        links = [_release_file(path, 0o777, target) for path, target in self.symlinks if path not in left_out]
        return Manifest(commit=commit, files=(*self.files, *links), left_out=tuple(sorted(left_out)))

    def _without_escapes(self) -> set[str]:
        """Take away the symlinks that lead outside; again, because a link may lead outside through another."""
        left_out: set[str] = set()
        root = self.tree.resolve()
        for path, target in self.symlinks:
            if target.startswith(b"/") or not _inside(self.tree / path, root):
                left_out.add(path)
        for path in left_out:
            (self.tree / path).unlink()
        return left_out


def _inside(link: Path, root: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):
        # Links in a circle lead nowhere: not outside either, but of no use.
        return False


def _safe(path: str) -> str:
    """Return a path of a tree that names a place below it. Git stores whatever it was given."""
    parts = path.split("/")
    if not path or len(path.encode(errors="surrogateescape")) > MAX_PATH_BYTES or "\0" in path:
        raise ReleaseUnfit("the source commit holds a file without a usable name")
    if any(part in ("", ".", "..") for part in parts):
        raise ReleaseUnfit(f"the source commit holds a path that leads outside: {path[:200]!r}")
    return path


def _release_file(path: str, mode: int, content: bytes) -> ReleaseFile:
    return ReleaseFile(path=path, mode=mode, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def _is_as_said(tree: Path, said: ReleaseFile) -> bool:
    file = tree / said.path
    found = file.lstat()
    if stat.S_ISLNK(found.st_mode):
        content = os.fsencode(file.readlink())
        return said.mode == 0o777 and hashlib.sha256(content).hexdigest() == said.sha256  # noqa: PLR2004  # mode of links
    if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != said.mode or found.st_size != said.size_bytes:
        return False
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == said.sha256


def _key(use: ArtifactUse) -> str:
    return f"{use.app} {use.artifact} {use.revision}"
