"""The agent's own bare mirror as a config repo: libgit2 reads and makes commits, the git program fetches and pushes.

Holds the followed branches and the tags, never `refs/replace` or a forge's pull requests. Knows no work tree.
"""

import asyncio
import contextlib
import datetime as dt
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pygit2

from lastgood.core.application import AnyScope, DeclaredScope, Scope
from lastgood.core.commit import MODE_SUBMODULE, Commit, Edit, FileChange, History, HistoryEntry, Person, TreeEntry
from lastgood.core.commit_object import LASTGOOD, format_commit
from lastgood.core.declared_inputs import Declared, DeclaredInputs
from lastgood.core.errors import AmbiguousVersion, GitFailed, ObjectMissing, RemoteUnreachable, UnknownVersion
from lastgood.core.message import CLAIM
from lastgood.core.redact import without_credentials
from lastgood.core.tree import (
    EMPTY_TREE,
    TreeChange,
    diff_trees,
    edit_tree,
    find,
    format_tree,
    name_bytes,
    outside_inputs,
    version_id,
)
from lastgood.git.first_parent import FirstParentIndex, Step, claiming, scan
from lastgood.git.history import State, changes_of, declared_hits
from lastgood.git.merge import MAX_MERGED_BYTES, merge_contents
from lastgood.git.mirror_folder import free_name, make_mirror, open_mirror
from lastgood.git.mirror_objects import MirrorObjects
from lastgood.git.names import own_branch, own_ref, ref_of_branch, searchable
from lastgood.git.program import Git
from lastgood.git.read_files import read_files
from lastgood.git.remote import Remote, propose, push_and_judge

_HEX = re.compile(r"[0-9a-fA-F]{4,40}")
_TAGS = "+refs/tags/*:refs/tags/*"
_MAX_SCOPES = 2000
_FEW_STEPS = 50
_COUNTED_BYTES = 8 << 20  # larger files are counted as binary
_DAMAGED = re.compile(
    r"is corrupt|is empty|inflate:|packfile|bad object|not a git repository|unable to read|unresolved delta"
    r"|did not send all necessary objects|missing (?:blob|tree|commit)|invalid (?:sha1|index)|bad config"
)


class _Known:
    """What is remembered of a scope by commit, all of it in bytes, as there are many.

    ids: (version, path tree). inputs: what the declarations led to; scopes: these, each once.
    """

    def __init__(self) -> None:
        self.ids: dict[bytes, tuple[bytes | None, bytes | None]] = {}
        self.inputs: dict[bytes, Scope] = {}
        self.scopes: dict[Scope, Scope] = {}


class MirrorConfigRepo:
    """The port ConfigRepo over a bare mirror that nobody else writes to; made when it is not there.

    path: the mirror's folder. url: the remote, credentials and all (kept in the mirror's configuration, never shown).
    A mirror that cannot be read, or is gone, is rebuilt by the next fetch; lastgood's own refs are carried over where
    they can be.
    """

    def __init__(self, path: Path | str, url: str, name: str) -> None:
        self.name = name
        self.folder = Path(path)
        self._url = url
        open_mirror(self.folder, url)
        self._git = Git(self.folder)
        self._remote = Remote(self._git, "origin", shown=url)
        self._fetching = threading.Lock()
        self.objects = MirrorObjects(self.folder)
        self._index = FirstParentIndex(self.objects.first_parent, self._scan)
        self._states: OrderedDict[AnyScope, _Known] = OrderedDict()
        self._declared = DeclaredInputs()

    def let_go(self) -> None:
        """Give back the memory that reading has gathered; what is asked next is read again."""
        self.objects.let_go()

    # the port: heads

    async def fetch(self, branch: str) -> str | None:
        """See ConfigRepo.fetch; brings the tags, too."""
        return await asyncio.to_thread(self._fetch, branch)

    def _fetch(self, branch: str) -> str | None:
        ref = ref_of_branch(branch)
        with self._fetching:
            if self.objects.damaged or not self.folder.is_dir():
                return self._rebuild(ref)
            try:
                there = self._remote.fetch(f"+{ref}:{ref}", _TAGS)
            except GitFailed as failed:
                own_words = "\n".join(x for x in failed.message.splitlines() if "remote:" not in x)
                if not _DAMAGED.search(own_words):
                    raise
                return self._rebuild(ref)
            if not there:
                self._delete(ref)
                return None
        return self._ref(ref)

    def _rebuild(self, ref: str) -> str | None:
        """Fetch into a new mirror, and only when that has worked put it in the place of the old one, or of none."""
        fresh = free_name(self.folder, "new")
        try:
            make_mirror(fresh, self._url)
            git = Git(fresh)
            branches = [f"+{r}:{r}" for r in self._branches() if r != ref]
            there = Remote(git, "origin", shown=self._url).fetch(f"+{ref}:{ref}", _TAGS)
            for refspec in branches:
                Remote(git, "origin", shown=self._url).fetch(refspec)
            if self.folder.is_dir():
                git.run(
                    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options", str(self.folder),
                    "+refs/lastgood/*:refs/lastgood/*", ok=range(256),
                )  # fmt: skip
                self.folder.rename(free_name(self.folder, "damaged"))
            fresh.rename(self.folder)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        self.objects.reopen()
        self._index.forget()
        self._states.clear()
        return self._ref(ref) if there else None

    def _branches(self) -> list[str]:
        heads = self.folder / "refs" / "heads"
        return [f"refs/heads/{f.relative_to(heads).as_posix()}" for f in heads.rglob("*") if f.is_file()]

    async def head(self, branch: str) -> str | None:
        """See ConfigRepo.head."""
        return await asyncio.to_thread(self._ref, ref_of_branch(branch))

    def _ref(self, ref: str) -> str | None:
        try:
            return str(self.objects.repository.references[ref].peel(pygit2.Commit).id)
        except (KeyError, ValueError):
            return None
        except pygit2.GitError:
            self.objects.damaged = True
            return None

    def _delete(self, ref: str) -> None:
        references = self.objects.repository.references
        if ref in references:
            references.delete(ref)

    async def remote_head(self, branch: str) -> str | None:
        """See ConfigRepo.remote_head."""
        return await asyncio.to_thread(self._remote.head, ref_of_branch(branch))

    # the port: reading

    async def resolve(self, text: str) -> Commit:
        """See ConfigRepo.resolve."""
        return await asyncio.to_thread(self._resolve, text)

    def _resolve(self, text: str) -> Commit:
        if searchable(text):
            named = None if len(text) == 40 else self._ref(f"refs/tags/{text}") or self._ref(f"refs/heads/{text}")  # noqa: PLR2004 - a full id is never a name
            if named is not None:
                return self.objects.commit(named)
            found = (
                [self.objects.commit(oid) for oid in self._with_prefix(text.lower())] if _HEX.fullmatch(text) else []
            )
            if len(found) > 1:
                candidates = [{"oid": c.oid, "subject": c.subject} for c in found]
                raise AmbiguousVersion(f"{text} is ambiguous", version=text, candidates=candidates)
            if found:
                return found[0]
        raise UnknownVersion(f"there is no commit {text}", hint="", version=text)

    def _with_prefix(self, prefix: str) -> list[str]:
        repository = self.objects.repository
        try:
            oids = [str(repository[prefix].id)]
        except KeyError:
            return []
        except ValueError:  # several objects: look which of them are commits
            oids = [oid for oid in map(str, repository.odb) if oid.startswith(prefix)]
        except pygit2.GitError as wrong:
            self.objects.damaged = True
            raise ObjectMissing(object=prefix) from wrong
        return sorted(oid for oid in oids if (self.objects.header(oid) or ("",))[0] == "commit")

    async def commit(self, oid: str) -> Commit:
        """See ConfigRepo.commit."""
        known = self.objects.remembered_commit(oid)
        return known if known is not None else await asyncio.to_thread(self.objects.commit, oid)

    async def at_date(self, head: str, when: dt.datetime) -> Commit | None:
        """See ConfigRepo.at_date."""
        return await asyncio.to_thread(self._at_date, head, when)

    def _at_date(self, head: str, when: dt.datetime) -> Commit | None:
        here: bytes | None = bytes.fromhex(self.objects.commit(head).oid)
        before = when.timestamp()
        while here is not None:
            if self.objects.committed_at(here) <= before:
                return self.objects.commit(here.hex())
            here = self.objects.first_parent(here)
        return None

    async def is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        """See ConfigRepo.is_ancestor; a mirror is never shallow, so there is always an answer."""
        return await asyncio.to_thread(self._is_ancestor, ancestor, descendant)

    def _is_ancestor(self, ancestor: str, descendant: str) -> bool:
        self.objects.commit(descendant)
        if self.objects.header(ancestor) is None:
            return False
        return ancestor == descendant or bool(self.objects.repository.descendant_of(descendant, ancestor))

    async def commits_between(self, exclude: str, include: str, *, limit: int = 1000) -> list[Commit]:
        """See ConfigRepo.commits_between."""
        return await asyncio.to_thread(self._commits_between, exclude, include, limit)

    def _commits_between(self, exclude: str, include: str, limit: int) -> list[Commit]:
        for oid in (exclude, include):
            self.objects.commit(oid)
        walker = self.objects.repository.walk(include, pygit2.enums.SortMode.TIME | pygit2.enums.SortMode.TOPOLOGICAL)
        walker.hide(exclude)
        return [self.objects.commit(str(found.id)) for found, _ in zip(walker, range(limit), strict=False)]

    async def entry(self, commit_or_tree: str, path: str) -> TreeEntry | None:
        """See ConfigRepo.entry."""
        with contextlib.suppress(KeyError):
            return find(self._known_root(commit_or_tree), path, self.objects.known)
        return await asyncio.to_thread(lambda: find(self._root(commit_or_tree), path, self.objects.tree))

    def _known_root(self, commit_or_tree: str) -> str:
        """Do what `_root` does from memory; a thread's turn costs more than an answer. Raises KeyError."""
        commit = self.objects.remembered_commit(commit_or_tree)
        if commit is None:
            self.objects.known(commit_or_tree)
        return commit.tree if commit is not None else commit_or_tree

    def _root(self, commit_or_tree: str) -> str:
        header = self.objects.header(commit_or_tree)
        if header is not None and header[0] == "commit":
            return self.objects.commit(commit_or_tree).tree
        self.objects.tree(commit_or_tree)
        return commit_or_tree

    async def list_tree(self, tree: str) -> list[TreeEntry]:
        """See ConfigRepo.list_tree."""
        known = self.objects.remembered(tree)
        return list(known if known is not None else await asyncio.to_thread(self.objects.tree, tree))

    async def read(self, blob: str, *, max_bytes: int, path: str = "") -> bytes:
        """See ConfigRepo.read."""
        return await asyncio.to_thread(self.objects.read, "blob", blob, max_bytes=max_bytes, path=path)

    async def read_all(self, files: Sequence[TreeEntry], *, max_bytes: int, max_total_bytes: int) -> list[bytes]:
        """See ConfigRepo.read_all."""
        return await asyncio.to_thread(
            read_files, files, read=self.objects.read, max_bytes=max_bytes, max_total_bytes=max_total_bytes
        )

    async def changes(self, old: str | None, new: str | None, *, lines: bool = True) -> list[FileChange]:
        """See ConfigRepo.changes; of files over 8 MiB the lines are not counted."""
        return await asyncio.to_thread(self._changes, old, new, lines)

    def _changes(self, old: str | None, new: str | None, lines: bool) -> list[FileChange]:  # noqa: FBT001 - the port's
        roots = [self._root(tree) if tree else EMPTY_TREE for tree in (old, new)]
        found = []
        for change in diff_trees(*roots, read=self.objects.tree):
            added, removed = self._line_counts(change) if lines else (None, None)
            found.append(change.as_file_change(added, removed))
        return found

    def _line_counts(self, change: TreeChange) -> tuple[int | None, int | None]:
        sides = (change.old, change.new)
        blobs = [b"", b""]
        for n, side in enumerate(sides):
            if side is not None:
                if side.mode == MODE_SUBMODULE:
                    return None, None
                header = self.objects.header(side.oid)
                if header is None or header[1] > _COUNTED_BYTES:
                    return None, None
                blobs[n] = self.objects.read("blob", side.oid, max_bytes=_COUNTED_BYTES)
        patch = pygit2.Patch.create_from(blobs[0], blobs[1], context_lines=0)
        if patch.delta.is_binary:
            return None, None
        _, added, removed = patch.line_stats
        return added, removed

    async def history(self, head: str, scope: AnyScope, *, limit: int | None = None) -> History:
        """See ConfigRepo.history."""
        return await asyncio.to_thread(self._history, head, scope, limit)

    def _history(self, head: str, scope: AnyScope, limit: int | None) -> History:
        self.objects.commit(head)
        known = self._known(scope)
        hits = self._hits(head, scope, known)
        states = changes_of((self._state(oid, at, known) for oid, at in hits), before=None, limit=limit)
        return History(
            entries=tuple(
                HistoryEntry(commit=self.objects.commit(s.commit), version=s.version, path_tree=s.path_tree)
                for s in states
            )
        )

    def _hits(self, head: str, scope: AnyScope, known: "_Known") -> Iterable[tuple[str, Scope]]:
        """Yield the first-parent commits that touched the scope, with its inputs at each, newest first."""

        def hits(start: str, at: Scope) -> list[str]:
            return self._index.hits(start, [name_bytes(path) for path in (at.path, *outside_inputs(at))])

        if isinstance(scope, Scope):
            return ((oid, scope) for oid in hits(head, scope))
        declared = scope

        def inputs_at(oid: str) -> Scope:
            return self._inputs_at(oid, declared, known)

        return declared_hits(head, inputs_at=inputs_at, hits=hits, parent=self._parent)

    def _inputs_at(self, oid: str, scope: AnyScope, known: "_Known") -> Scope:
        """Return the inputs at a commit, remembered by its id."""
        if isinstance(scope, Scope):
            return scope
        key = bytes.fromhex(oid)
        if key not in known.inputs:
            found = self._inputs(oid, scope).scope
            known.inputs[key] = known.scopes.setdefault(found, found)
        return known.inputs[key]

    def _parent(self, oid: str) -> str | None:
        parent = self.objects.first_parent(bytes.fromhex(oid))
        return None if parent is None else parent.hex()

    async def claiming(self, head: str, scope: AnyScope) -> Sequence[Commit]:
        """See ConfigRepo.claiming."""
        return await asyncio.to_thread(self._claiming, head, scope)

    def _claiming(self, head: str, scope: AnyScope) -> list[Commit]:
        self.objects.commit(head)
        claims = self._index.hits(head, [b""], claims=True)
        touching: dict[tuple[str, ...], set[str]] = {}

        def touches(oid: str, paths: tuple[str, ...]) -> bool:
            if paths not in touching:
                touching[paths] = set(self._index.hits(head, [name_bytes(path) for path in paths], claims=True))
            return oid in touching[paths]

        # Few commits claim anything: their inputs are asked for, and not those of all that touched the scope. What a
        # commit took out of the inputs, it took out of a declaration, which is one.
        known = self._known(scope)
        found = [
            oid
            for oid in claims
            if touches(oid, (scope.path,)) or touches(oid, outside_inputs(self._inputs_at(oid, scope, known)))
        ]
        return [self.objects.commit(oid) for oid in found]

    def _scan(self, head: str, since: str | None) -> Iterable[Step]:
        few = self._few_steps(head, since) if since is not None else None
        if few is not None:
            return few
        marked = claiming(self._git, head, since=since)
        return (step._replace(claims=step.oid in marked) for step in scan(self._git, head, since=since))

    def _few_steps(self, head: str, since: str) -> list[Step] | None:
        """Do what `scan` does, without a process: what a poll or a rollback adds; None for more than a few commits."""
        steps: list[Step] = []
        here = bytes.fromhex(head)
        while here.hex() != since:
            parent = self.objects.first_parent(here)
            if parent is None or len(steps) == _FEW_STEPS:
                return None
            changed = diff_trees(self._root(parent.hex()), self._root(here.hex()), read=self.objects.tree)
            claims = CLAIM in self.objects.commit(here.hex()).message
            steps.append(Step(here, [name_bytes(change.path) for change in changed], claims))
            here = parent
        return steps[::-1]

    def _known(self, scope: AnyScope) -> "_Known":
        known = self._states.setdefault(scope, _Known())
        self._states.move_to_end(scope)
        if len(self._states) > _MAX_SCOPES:
            self._states.popitem(last=False)
        return known

    def _state(self, oid: str, scope: Scope, known: "_Known") -> State:
        key = bytes.fromhex(oid)
        ids = known.ids.get(key)
        if ids is None:
            version, path_tree = self._version_at(oid, scope)
            same = version == path_tree
            version_bytes = bytes.fromhex(version) if version else None
            ids = (version_bytes, version_bytes if same else bytes.fromhex(path_tree) if path_tree else None)
            known.ids[key] = ids
        return State(oid, *(None if i is None else i.hex() for i in ids))

    def _version_at(self, oid: str, scope: Scope) -> tuple[str | None, str | None]:
        if scope.path and not scope.left_out and not outside_inputs(scope):
            tree = self.objects.tree_at(oid, scope.path)
            return tree, tree
        return version_id(self._root(oid), scope, self.objects.tree)

    async def inputs(self, commit: str, scope: DeclaredScope) -> Declared:
        """See ConfigRepo.inputs."""
        with contextlib.suppress(KeyError):
            return self._known_inputs(self._known_root(commit), scope)
        return await asyncio.to_thread(self._inputs, commit, scope)

    def _inputs(self, commit_or_tree: str, scope: AnyScope) -> Declared:
        return self._declared.at(
            scope,
            look=partial(self.objects.entry_at, commit_or_tree),
            tree=self.objects.tree,
            blob=lambda oid, most: self.objects.read("blob", oid, max_bytes=most),
        )

    async def version(self, commit: str, scope: AnyScope) -> tuple[str | None, str | None]:
        """See ConfigRepo.version."""
        with contextlib.suppress(KeyError):
            return self._known_version(commit, scope)
        return await asyncio.to_thread(self._version, commit, scope)

    def _known_version(self, commit: str, scope: AnyScope) -> tuple[str | None, str | None]:
        """Answer from what was read lately, without a thread. Raises KeyError where anything has to be read."""
        root = self._known_root(commit)
        return version_id(root, self._known_inputs(root, scope).scope, self.objects.known)

    def _known_inputs(self, root: str, scope: AnyScope) -> Declared:
        """Read declarations among what was read lately, without a thread. Raises KeyError as above."""
        known = self.objects.known

        def blob(oid: str, _most: int) -> bytes:
            raise KeyError(oid)

        return self._declared.at(scope, look=lambda path: find(root, path, known), tree=known, blob=blob)

    def _version(self, commit_or_tree: str, scope: AnyScope) -> tuple[str | None, str | None]:
        return version_id(self._root(commit_or_tree), self._inputs(commit_or_tree, scope).scope, self.objects.tree)

    # the port: writing

    async def write_blob(self, data: bytes) -> str:
        """See ConfigRepo.write_blob."""
        return await asyncio.to_thread(self.objects.write, "blob", data)

    async def write_tree(self, base: str, edits: Sequence[Edit]) -> str:
        """See ConfigRepo.write_tree."""
        return await asyncio.to_thread(self._write_tree, base, edits)

    def _write_tree(self, base: str, edits: Sequence[Edit]) -> str:
        return edit_tree(
            self._root(base),
            edits,
            read=self.objects.tree,
            write=lambda entries: self.objects.write("tree", format_tree(entries)),
        )

    async def merge_files(self, base: str, ours: str, theirs: str) -> str | None:
        """See ConfigRepo.merge_files."""
        return await asyncio.to_thread(self._merge_files, base, ours, theirs)

    def _merge_files(self, base: str, ours: str, theirs: str) -> str | None:
        first, left, right = (self.objects.read("blob", b, max_bytes=MAX_MERGED_BYTES) for b in (base, ours, theirs))
        merged = merge_contents(self._git, base=first, ours=left, theirs=right)
        return None if merged is None else self.objects.write("blob", merged)

    async def make_commit(
        self, *, tree: str, parents: Sequence[str], author: Person, authored_at: dt.datetime, message: str
    ) -> str:
        """See ConfigRepo.make_commit."""
        data = format_commit(tree=tree, parents=parents, author=author, authored_at=authored_at, message=message)
        return await asyncio.to_thread(self.objects.write, "commit", data)

    async def author(self) -> Person:
        """See ConfigRepo.author: lastgood itself."""
        return LASTGOOD

    async def keep(self, ref: str, commit: str) -> None:
        """See ConfigRepo.keep."""
        await asyncio.to_thread(self._point, own_ref(ref), commit)

    def _point(self, ref: str, commit: str) -> None:
        try:
            self.objects.repository.references.create(ref, self.objects.commit(commit).oid, force=True)
        except (ValueError, OSError, pygit2.GitError) as wrong:
            raise GitFailed(f"{ref} cannot be written: {wrong}") from wrong

    async def kept(self, prefix: str) -> dict[str, str]:
        """See ConfigRepo.kept."""
        return await asyncio.to_thread(self._kept, prefix)

    def _kept(self, prefix: str) -> dict[str, str]:
        repository = self.objects.repository
        names = (name for name in repository.listall_references() if name.startswith("refs/lastgood/"))
        found = ((name, self._ref(name)) for name in sorted(names) if name.startswith(prefix))
        return {name: oid for name, oid in found if oid is not None}

    async def drop(self, ref: str) -> None:
        """See ConfigRepo.drop."""
        await asyncio.to_thread(self._delete, own_ref(ref))

    async def push(self, branch: str, commit: str, *, expected: str) -> None:
        """See ConfigRepo.push; afterwards `head` is the pushed commit, unless a fetch already knows better."""
        ref = ref_of_branch(branch)
        await push_and_judge(self._remote, self, branch=branch, remote_branch=branch, commit=commit, expected=expected)
        await asyncio.to_thread(self._follow, ref, expected, commit)

    def _follow(self, ref: str, expected: str, commit: str) -> None:
        if self._ref(ref) == expected:
            self._point(ref, commit)

    async def push_ref(self, ref: str, commit: str) -> bool:
        """See ConfigRepo.push_ref."""
        try:
            return (await asyncio.to_thread(self._remote.push_once, own_ref(ref), commit, expected=None)).done
        except RemoteUnreachable:
            return False

    async def propose(self, branch: str, commit: str, *, replaces: str | None) -> None:
        """See ConfigRepo.propose."""
        await asyncio.to_thread(propose, self._remote, own_branch(branch), commit, replaces=replaces)

    def __repr__(self) -> str:
        return f"MirrorConfigRepo({self.name}, {without_credentials(self._url)})"
