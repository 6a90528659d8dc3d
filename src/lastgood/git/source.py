"""A source repo as a bare mirror: find a revision, give out a commit's files from tree objects.

Never checks out and never archives: no attribute, filter, hook or symlink acts. Knows nothing of releases.
"""

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pygit2

from lastgood.core.commit import MODE_SUBMODULE, TreeEntry
from lastgood.core.errors import GitFailed, ObjectTooLarge, UnknownVersion
from lastgood.core.redact import without_credentials
from lastgood.core.tree import MAX_DEPTH, shown_path
from lastgood.git.mirror_folder import open_mirror
from lastgood.git.mirror_objects import MirrorObjects
from lastgood.git.names import searchable
from lastgood.git.program import Git
from lastgood.git.remote import Remote

_ALL = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_HEAD = "refs/lastgood/head"
_HEX = re.compile(r"[0-9a-fA-F]{4,40}")


class MirrorSourceRepo:
    """The port SourceRepo over a bare mirror with all branches and tags.

    max_file_bytes, max_bytes, max_files: what one commit may hold; more is refused, not cut.
    """

    def __init__(
        self,
        path: Path | str,
        url: str,
        *,
        max_file_bytes: int = 100 << 20,
        max_bytes: int = 1 << 30,
        max_files: int = 100_000,
    ) -> None:
        self.folder = Path(path)
        self._max_file_bytes, self._max_bytes, self._max_files = max_file_bytes, max_bytes, max_files
        self._url = url
        open_mirror(self.folder, url)
        self._remote = Remote(Git(self.folder), "origin", shown=url)
        self._objects = MirrorObjects(self.folder)
        self._fetching = threading.Lock()

    async def resolve(self, revision: str) -> str:
        """See SourceRepo.resolve: a full id, a tag, a branch of the remote, or a prefix of an id.

        What can move (a branch) or is not here is looked up after a fetch; a known full id or tag needs no network.
        Raises UnknownVersion; RemoteUnreachable if it is not here and the remote gives no answer.
        """
        return await asyncio.to_thread(self._resolve, revision)

    def _resolve(self, revision: str) -> str:
        if not searchable(revision):
            raise UnknownVersion(f"there is no revision {shown_path(revision[:80])}", hint="", version=revision)
        found = self._here(revision, branches=False)
        if found is None:
            self.fetch()
            found = self._here(revision, branches=True)
        if found is None:
            shown = without_credentials(self._url)
            raise UnknownVersion(f"there is no revision {revision} in {shown}", hint="push it there", version=revision)
        return found

    def find(self, revision: str) -> str | None:
        """Return the commit that an id, a prefix of one or a tag names here, without the network; None for nothing.

        A branch names nothing: it moves. Raises UnknownVersion for a prefix of several.
        """
        return self._here(revision, branches=False) if searchable(revision) else None

    def has_branch(self, name: str) -> bool:
        """Say whether a branch of that name was there when it was fetched last."""
        return searchable(name) and f"refs/heads/{name}" in self._objects.repository.references

    def fetch(self) -> None:
        """Bring all branches and tags, and where the remote's HEAD is; into a new mirror where this one is gone.

        Raises RemoteUnreachable.
        """
        with self._fetching:
            if self._objects.damaged or not (self.folder / "HEAD").is_file():
                open_mirror(self.folder, self._url)
                self._objects.reopen()
            # A remote may have no HEAD that exists: an empty one, or one whose default branch was renamed.
            if not self._remote.fetch(*_ALL, f"+HEAD:{_HEAD}"):
                self._remote.fetch(*_ALL)

    def head(self) -> str | None:
        """Return the commit of the remote's HEAD as last fetched, None where it has none."""
        found = self._head()
        return str(found.id) if found is not None else None

    def at_head(self, path: str) -> TreeEntry | None:
        """Return what stands at a path of the remote's HEAD as last fetched, None for nothing."""
        found = self._head()
        return self._objects.entry_at(str(found.tree_id), path) if found is not None else None

    def _head(self) -> pygit2.Commit | None:
        try:
            return self._objects.repository.references[_HEAD].peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            return None

    def read(self, blob: str, *, max_bytes: int) -> bytes:
        """Read one blob. Raises ObjectMissing, ObjectTooLarge."""
        return self._objects.read("blob", blob, max_bytes=max_bytes)

    def _here(self, revision: str, *, branches: bool) -> str | None:
        repository = self._objects.repository
        names = (f"refs/tags/{revision}", *((f"refs/heads/{revision}",) if branches else ()))
        full = len(revision) == 40 and _HEX.fullmatch(revision)  # noqa: PLR2004 - the length of SHA-1
        for name in () if full else names:
            try:
                return str(repository.references[name].peel(pygit2.Commit).id)
            except (KeyError, ValueError, pygit2.GitError):
                continue
        if not _HEX.fullmatch(revision):
            return None
        try:
            return str(repository[revision.lower()].peel(pygit2.Commit).id)
        except (KeyError, pygit2.GitError):
            return None
        except ValueError as several:
            raise UnknownVersion(
                f"{revision} is ambiguous", hint="give one more character", version=revision
            ) from several

    async def files(self, commit: str) -> AsyncIterator[tuple[TreeEntry, bytes]]:
        """See SourceRepo.files. Raises GitFailed for a name that must not be written, ObjectTooLarge past a limit.

        Every name is looked at before the first file is given out.
        """
        entries = await asyncio.to_thread(self._entries, commit)
        total = 0
        for entry in entries:
            data = await asyncio.to_thread(
                self._objects.read, "blob", entry.oid, max_bytes=self._max_file_bytes, path=shown_path(entry.path)
            )
            total += len(data)
            if total > self._max_bytes:
                raise ObjectTooLarge(path=f"commit {commit}", size_bytes=total, limit_bytes=self._max_bytes)
            yield entry, data

    def _entries(self, commit: str) -> list[TreeEntry]:
        found: list[TreeEntry] = []
        todo = [("", self._objects.commit(commit).tree, 0)]
        trees = 0
        while todo:
            prefix, tree, depth = todo.pop()
            trees += 1
            seen: set[str] = set()
            for entry in self._objects.tree(tree):
                path = prefix + entry.path
                if is_hostile(entry.path) or entry.path in seen or depth >= MAX_DEPTH:
                    raise GitFailed(f"{shown_path(path)} in commit {commit:.7} is a name that must not be written")
                seen.add(entry.path)
                if entry.is_tree:
                    todo.append((f"{path}/", entry.oid, depth + 1))
                elif entry.mode != MODE_SUBMODULE:
                    found.append(TreeEntry(path=path, mode=entry.mode, oid=entry.oid))
                # Trees count, too: a few objects can name each other until they stand for millions of folders.
                if len(found) + len(todo) + trees > self._max_files:
                    raise GitFailed(f"commit {commit:.7} has more than {self._max_files} files and folders")
        return sorted(found, key=lambda entry: entry.path)


def is_hostile(name: str) -> bool:
    """Say whether a name in a tree would reach outside its folder, or into a `.git`, when written."""
    plain = name.lower().rstrip(". ")
    return name in {"", ".", ".."} or "/" in name or "\\" in name or "\0" in name or plain in {".git", "git~1"}
