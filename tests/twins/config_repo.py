"""The in-memory twin of a config repo: real Git object ids, no repository on disk.

Several `MemoryConfigRepo` may share one `MemoryRemote`, so that tests can race pushes; the remote can refuse by a
rule, lose a reply after applying, be unreachable, or let a bot push at any step.
"""

import asyncio
import datetime as dt
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from lastgood.core.application import AnyScope, DeclaredScope
from lastgood.core.commit import (
    MODE_FILE,
    MODE_SUBMODULE,
    MODE_TREE,
    Commit,
    Edit,
    FileChange,
    History,
    HistoryEntry,
    Person,
    TreeEntry,
)
from lastgood.core.commit_object import LASTGOOD, format_commit, parse_commit
from lastgood.core.declared_inputs import Declared, DeclaredInputs
from lastgood.core.errors import (
    AmbiguousVersion,
    GitFailed,
    HeadMoved,
    HistoryTruncated,
    ObjectMissing,
    ObjectTooLarge,
    PushRefused,
    PushUnknown,
    RemoteUnreachable,
    UnknownVersion,
)
from lastgood.core.message import CLAIM
from lastgood.core.push import judge_push
from lastgood.core.tree import (
    EMPTY_TREE,
    Tree,
    diff_trees,
    edit_tree,
    find,
    format_tree,
    object_id,
    parse_tree,
    version_id,
)

Content = bytes | str | tuple[int, bytes | str] | None
"""A file for `commit_files`: its content, (mode, content or, for trees and submodules, id), or None to remove it."""

PRIYA = Person(name="Priya Raman", email="priya@example.com")
START = dt.datetime(2026, 11, 1, 9, 0, tzinfo=dt.UTC)


class Objects:
    """Git objects by id."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, bytes]] = {}
        self.reads = 0
        self.write("tree", b"")

    def __contains__(self, oid: str) -> bool:
        return oid in self._kept

    def __iter__(self):
        return iter(list(self._kept))

    def write(self, kind: str, data: bytes) -> str:
        oid = object_id(kind, data)
        self._kept[oid] = (kind, data)
        return oid

    def read(self, kind: str, oid: str) -> bytes:
        self.reads += 1
        found = self._kept.get(oid)
        if found is None or found[0] != kind:
            raise ObjectMissing(object=oid)
        return found[1]

    def kind(self, oid: str) -> str | None:
        found = self._kept.get(oid)
        return found[0] if found else None

    def commit(self, oid: str) -> Commit:
        return parse_commit(oid, self.read("commit", oid))

    def tree(self, oid: str) -> Tree:
        return parse_tree(self.read("tree", oid))

    def write_tree(self, entries: Sequence[TreeEntry]) -> str:
        return self.write("tree", format_tree(entries))

    def edit(self, base: str, edits: Sequence[Edit]) -> str:
        return edit_tree(base, edits, read=self.tree, write=self.write_tree)

    def bring(self, other: "Objects", oid: str) -> None:
        """Copy a commit and all that it is made of."""
        todo = [oid]
        while todo:
            here = todo.pop()
            if here in self._kept or here not in other._kept:
                continue
            kind, data = self._kept[here] = other._kept[here]
            if kind == "commit":
                commit = parse_commit(here, data)
                todo += [commit.tree, *commit.parents]
            elif kind == "tree":
                todo += [e.oid for e in parse_tree(data) if e.mode != MODE_SUBMODULE]

    def reachable(self, start: str, shallow: frozenset[str] = frozenset()) -> dict[str, Commit]:
        """Return all commits that can be reached, the start among them."""
        found: dict[str, Commit] = {}
        todo = [start]
        while todo:
            oid = todo.pop()
            if oid not in found and self.kind(oid) == "commit":
                found[oid] = self.commit(oid)
                if oid not in shallow:
                    todo += found[oid].parents
        return found


Hook = Callable[[], Awaitable[object]]


class MemoryRemote:
    """A remote that exists in memory, and its moods.

    refuse: a rule of the server, (ref, commit) -> its words, or None to accept. before_push, after_push: run once
    each, before the push is judged and after it was applied. lose_replies: how many pushes are applied without
    an answer. deaf_after_push: after such a push the remote gives no answer at all until this is set back.
    """

    def __init__(self, url: str = "memory://config.git") -> None:
        self.url = url
        self.objects = Objects()
        self.refs: dict[str, str] = {}
        self.refuse: Callable[[str, str], str | None] = lambda ref, commit: None
        self.before_push: list[Hook] = []
        self.after_push: list[Hook] = []
        self.lose_replies = 0
        self.deaf_after_push = False
        self.unreachable = False
        self.pushes: list[tuple[str, str]] = []
        self.fetches = 0
        self._ticks = 0

    def now(self) -> dt.datetime:
        """Return a time one minute later each time: commits without a time of their own get it."""
        self._ticks += 1
        return START + dt.timedelta(minutes=self._ticks)

    async def commit_files(
        self,
        branch: str,
        files: Mapping[str, Content],
        *,
        message: str = "Change files",
        author: Person = PRIYA,
        at: dt.datetime | None = None,
        parents: Sequence[str] | None = None,
        base: str | None = None,
        move: bool = True,
    ) -> str:
        """Commit on the branch as a colleague would; return the commit.

        parents: default the branch's head. base: the commit whose tree is edited, default the first parent.
        move False: make the commit, but leave the branch where it is.
        """
        ref = f"refs/heads/{branch}"
        if parents is None:
            parents = (self.refs[ref],) if ref in self.refs else ()
        base = base or (parents[0] if parents else None)
        tree = self.objects.commit(base).tree if base else EMPTY_TREE
        tree = self.objects.edit(tree, [self._edit(path, content) for path, content in files.items()])
        commit = format_commit(tree=tree, parents=parents, author=author, authored_at=at or self.now(), message=message)
        # A colleague's commit has the colleague as its committer.
        committer = f"committer {LASTGOOD.name} <{LASTGOOD.email}>".encode()
        commit = commit.replace(committer, f"committer {author.name} <{author.email}>".encode(), 1)
        oid = self.objects.write("commit", commit)
        if move:
            self.refs[ref] = oid
        return oid

    def _edit(self, path: str, content: Content) -> Edit:
        if content is None:
            return Edit(path=path)
        mode, data = content if isinstance(content, tuple) else (MODE_FILE, content)
        if mode in {MODE_SUBMODULE, MODE_TREE}:
            return Edit(path=path, mode=mode, oid=str(data))
        return Edit(
            path=path, mode=mode, oid=self.objects.write("blob", data.encode() if isinstance(data, str) else data)
        )

    def set(self, ref: str, commit: str | None) -> None:
        """Move (or delete) a ref without asking anybody: `refs/heads/main`, `refs/tags/v1`."""
        if commit is None:
            self.refs.pop(ref, None)
        else:
            self.refs[ref] = commit


class MemoryConfigRepo:
    """The port ConfigRepo in memory. shallow: commits whose parents this clone does not have."""

    def __init__(
        self,
        remote: MemoryRemote | None = None,
        *,
        name: str = "config",
        author: Person = PRIYA,
        shallow: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.remote = remote or MemoryRemote()
        self.objects = Objects()
        self.heads: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.own: dict[str, str] = {}
        self.shallow = shallow
        self._author = author
        self._declared = DeclaredInputs()

    # helpers of tests

    async def commit_files(self, branch: str, files: Mapping[str, Content], **words) -> str:
        """Commit on the remote's branch as a colleague would, and fetch it. Words: see MemoryRemote.commit_files."""
        oid = await self.remote.commit_files(branch, files, **words)
        self._bring(branch)
        self.objects.bring(self.remote.objects, oid)
        return oid

    async def merge(self, branch: str, other: str, files: Mapping[str, Content] = {}, **words) -> str:
        """Merge another commit into the branch; `files` is what the merge changes on the branch."""
        head = self.remote.refs[f"refs/heads/{branch}"]
        words.setdefault("message", f"Merge {other[:7]}")
        return await self.commit_files(branch, files, parents=(head, other), **words)

    async def file(self, commit: str, path: str) -> bytes | None:
        """Return a file's content at a commit, None where there is none."""
        entry = await self.entry(commit, path)
        return None if entry is None else self.objects.read("blob", entry.oid)

    def _bring(self, branch: str) -> str | None:
        head = self.remote.refs.get(f"refs/heads/{branch}")
        if head is None:
            self.heads.pop(branch, None)
        else:
            self.objects.bring(self.remote.objects, head)
            self.heads[branch] = head
        for ref, oid in self.remote.refs.items():
            if ref.startswith("refs/tags/"):
                self.objects.bring(self.remote.objects, oid)
                self.tags[ref.removeprefix("refs/tags/")] = oid
        return head

    # the port

    async def fetch(self, branch: str) -> str | None:
        self._reach()
        self.remote.fetches += 1
        return self._bring(branch)

    async def head(self, branch: str) -> str | None:
        return self.heads.get(branch)

    async def remote_head(self, branch: str) -> str | None:
        self._reach()
        return self.remote.refs.get(f"refs/heads/{branch}")

    def _reach(self) -> None:
        if self.remote.unreachable:
            raise RemoteUnreachable(remote=self.remote.url)

    async def resolve(self, text: str) -> Commit:
        named = self.tags.get(text) or self.heads.get(text)
        if named:
            return self.objects.commit(named)
        prefix = text.lower()
        found = []
        if len(prefix) >= 4 and not set(prefix) - set("0123456789abcdef"):  # four is the least that Git accepts
            found = sorted(o for o in self.objects if o.startswith(prefix) and self.objects.kind(o) == "commit")
        if not found:
            raise UnknownVersion(f"there is no commit {text}", hint="", version=text)
        if len(found) > 1:
            candidates = [{"oid": o, "subject": self.objects.commit(o).subject} for o in found]
            raise AmbiguousVersion(f"{text} is ambiguous", version=text, candidates=candidates)
        return self.objects.commit(found[0])

    async def commit(self, oid: str) -> Commit:
        return self.objects.commit(oid)

    def _first_parents(self, head: str):
        oid: str | None = head
        while oid is not None:
            commit = self.objects.commit(oid)
            yield commit
            oid = commit.parents[0] if commit.parents and oid not in self.shallow else None

    async def at_date(self, head: str, when: dt.datetime) -> Commit | None:
        for commit in self._first_parents(head):
            if commit.committed_at <= when:
                return commit
            if commit.oid in self.shallow:
                raise HistoryTruncated
        return None

    async def is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        reachable = self.objects.reachable(self.objects.commit(descendant).oid, self.shallow)
        if ancestor in reachable:
            return True
        return None if self.shallow & reachable.keys() else False

    async def commits_between(self, exclude: str, include: str, *, limit: int = 1000) -> list[Commit]:
        kept_out = self.objects.reachable(exclude, self.shallow)
        found = [c for c in self.objects.reachable(include, self.shallow).values() if c.oid not in kept_out]
        return sorted(found, key=lambda c: c.committed_at, reverse=True)[:limit]

    def _root(self, commit_or_tree: str) -> str:
        if self.objects.kind(commit_or_tree) == "commit":
            return self.objects.commit(commit_or_tree).tree
        return commit_or_tree

    async def entry(self, commit_or_tree: str, path: str) -> TreeEntry | None:
        root = self._root(commit_or_tree)
        self.objects.tree(root)
        return find(root, path, self.objects.tree)

    async def list_tree(self, tree: str) -> list[TreeEntry]:
        return self.objects.tree(tree)

    async def read(self, blob: str, *, max_bytes: int, path: str = "") -> bytes:
        return self._blob(blob, max_bytes, path)

    async def read_all(self, files: Sequence[TreeEntry], *, max_bytes: int, max_total_bytes: int) -> list[bytes]:
        contents = [self._blob(one.oid, max_bytes, one.path) for one in files]
        for n, one in enumerate(files):
            total = sum(map(len, contents[: n + 1]))
            if total > max_total_bytes:
                raise ObjectTooLarge(path=one.path, size_bytes=total, limit_bytes=max_total_bytes)
        return contents

    def _blob(self, blob: str, max_bytes: int, path: str = "") -> bytes:
        data = self.objects.read("blob", blob)
        if len(data) > max_bytes:
            raise ObjectTooLarge(path=path or blob, size_bytes=len(data), limit_bytes=max_bytes)
        return data

    async def changes(self, old: str | None, new: str | None, *, lines: bool = True) -> list[FileChange]:
        roots = [self._root(tree) if tree else EMPTY_TREE for tree in (old, new)]
        found = diff_trees(*roots, read=self.objects.tree)
        return [c.as_file_change(*(self._count(c.old, c.new) if lines else (None, None))) for c in found]

    def _count(self, a: TreeEntry | None, b: TreeEntry | None) -> tuple[int | None, int | None]:
        if MODE_SUBMODULE in {a and a.mode, b and b.mode}:
            return None, None
        old, new = (self.objects.read("blob", e.oid) if e else b"" for e in (a, b))
        if b"\0" in old or b"\0" in new:
            return None, None
        added = removed = 0
        matcher = SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag != "equal":
                removed += i2 - i1
                added += j2 - j1
        return added, removed

    async def history(self, head: str, scope: AnyScope, *, limit: int | None = None) -> History:
        entries: list[HistoryEntry] = []
        newer: HistoryEntry | None = None
        for commit in self._first_parents(head):
            version, path_tree = self._version(commit.tree, scope)
            if newer is not None and newer.version != version:
                entries.append(newer)
                if limit is not None and len(entries) >= limit:
                    return History(entries=tuple(entries))
            newer = HistoryEntry(commit=commit, version=version, path_tree=path_tree)
        if newer is not None and newer.commit.oid in self.shallow:
            return History(entries=tuple(entries), truncated=True)
        if newer is not None and newer.version is not None:
            entries.append(newer)
        return History(entries=tuple(entries))

    async def claiming(self, head: str, scope: AnyScope) -> Sequence[Commit]:
        entries = (await self.history(head, scope)).entries
        return [entry.commit for entry in entries if CLAIM in entry.commit.message]

    async def inputs(self, commit: str, scope: DeclaredScope) -> Declared:
        return self._inputs(self._root(commit), scope)

    def _inputs(self, root: str, scope: AnyScope) -> Declared:
        return self._declared.at(
            scope, look=lambda path: find(root, path, self.objects.tree), tree=self.objects.tree, blob=self._blob
        )

    async def version(self, commit: str, scope: AnyScope) -> tuple[str | None, str | None]:
        return self._version(self._root(commit), scope)

    def _version(self, root: str, scope: AnyScope) -> tuple[str | None, str | None]:
        return version_id(root, self._inputs(root, scope).scope, self.objects.tree)

    async def write_blob(self, data: bytes) -> str:
        return self.objects.write("blob", data)

    async def write_tree(self, base: str, edits: Sequence[Edit]) -> str:
        return self.objects.edit(self._root(base), edits)

    async def merge_files(self, base: str, ours: str, theirs: str) -> str | None:
        return await asyncio.to_thread(self._merge, base, ours, theirs)

    def _merge(self, base: str, ours: str, theirs: str) -> str | None:
        with tempfile.TemporaryDirectory() as folder:
            names = []
            for name, oid in (("ours", ours), ("base", base), ("theirs", theirs)):
                (Path(folder) / name).write_bytes(self.objects.read("blob", oid))
                names.append(name)
            merged = subprocess.run(["git", "merge-file", "-p", *names], cwd=folder, capture_output=True, check=False)  # noqa: S607 - whichever git the tests run
        return self.objects.write("blob", merged.stdout) if merged.returncode == 0 else None

    async def make_commit(
        self, *, tree: str, parents: Sequence[str], author: Person, authored_at: dt.datetime, message: str
    ) -> str:
        self.objects.read("tree", tree)
        data = format_commit(tree=tree, parents=parents, author=author, authored_at=authored_at, message=message)
        return self.objects.write("commit", data)

    async def author(self) -> Person:
        return self._author

    async def keep(self, ref: str, commit: str) -> None:
        if not ref.startswith("refs/lastgood/"):
            raise GitFailed(f"{ref} is not a ref of lastgood's own")
        self.own[ref] = self.objects.commit(commit).oid

    async def kept(self, prefix: str) -> dict[str, str]:
        return {ref: oid for ref, oid in sorted(self.own.items()) if ref.startswith(prefix)}

    async def drop(self, ref: str) -> None:
        self.own.pop(ref, None)

    async def push(self, branch: str, commit: str, *, expected: str) -> None:
        ref, remote = f"refs/heads/{branch}", self.remote
        self._reach()
        while remote.before_push:
            await remote.before_push.pop(0)()
        remote.pushes.append((ref, commit))
        refusal = None
        if remote.refs.get(ref) == expected:
            refusal = remote.refuse(ref, commit)
            if refusal is None:
                remote.objects.bring(self.objects, commit)
                remote.refs[ref] = commit
                while remote.after_push:
                    await remote.after_push.pop(0)()
                if remote.lose_replies:
                    remote.lose_replies -= 1
                    remote.unreachable = remote.deaf_after_push
        await self._judge(branch, commit, expected, refusal)

    async def _judge(self, branch: str, commit: str, expected: str, refusal: str | None) -> None:
        """Decide by where the remote's branch is, as the real adapters do; what the server said comes second."""
        if self.remote.unreachable:
            raise PushUnknown(commit=commit, branch=branch)
        await judge_push(
            branch=branch,
            commit=commit,
            expected=expected,
            found=self._bring(branch),
            refusal=refusal,
            is_ancestor=self.is_ancestor,
        )

    async def push_ref(self, ref: str, commit: str) -> bool:
        if self.remote.unreachable or self.remote.refuse(ref, commit) is not None:
            return False
        self.remote.objects.bring(self.objects, commit)
        self.remote.refs[ref] = commit
        return True

    async def propose(self, branch: str, commit: str, *, replaces: str | None) -> None:
        ref, remote = f"refs/heads/{branch}", self.remote
        if not branch.startswith("lastgood/"):
            raise GitFailed(f"{branch} is not a branch of lastgood's own")
        self._reach()
        if remote.refs.get(ref) == commit:
            return
        if remote.refs.get(ref) not in {None, replaces}:
            raise HeadMoved(branch=branch, expected=replaces or "", found=remote.refs.get(ref))
        remote.pushes.append((ref, commit))
        refusal = remote.refuse(ref, commit)
        if refusal is not None:
            raise PushRefused(branch=branch, remote_message=refusal)
        remote.objects.bring(self.objects, commit)
        remote.refs[ref] = commit
        if remote.lose_replies and remote.deaf_after_push:
            remote.lose_replies -= 1
            remote.unreachable = True
            raise PushUnknown(commit=commit, branch=branch)
