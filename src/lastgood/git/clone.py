"""A person's clone as a config repo: read through the git program, written to without touching what is theirs.

The local branch, the index and the work tree are never changed. Knows no libgit2, which cannot read partial clones.
"""

import asyncio
import contextlib
import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from lastgood.core.application import AnyScope, DeclaredScope
from lastgood.core.commit import MODE_SUBMODULE, MODE_TREE, Commit, Edit, FileChange, History, Person, TreeEntry
from lastgood.core.commit_object import format_commit, parse_commit
from lastgood.core.declared_inputs import Declared
from lastgood.core.errors import (
    AmbiguousVersion,
    GitFailed,
    HistoryTruncated,
    LastgoodError,
    RepoUnsupported,
    UnknownVersion,
)
from lastgood.core.message import CLAIM
from lastgood.core.tree import Tree, edit_tree, find, format_tree, name_bytes, name_text, object_id, version_id
from lastgood.git.clone_history import CloneHistory
from lastgood.git.merge import MAX_MERGED_BYTES, merge_contents
from lastgood.git.names import own_branch, own_ref, ref_of_branch, searchable
from lastgood.git.objects import ObjectReader, checked
from lastgood.git.program import Git, unsupported
from lastgood.git.read_files import read_files
from lastgood.git.remote import Remote, propose, push_and_judge

_HEX = re.compile(r"[0-9a-fA-F]{4,40}")


class Upstream(NamedTuple):
    """Where a branch comes from: the remote, the branch's name there, the ref that remembers it here, and the URL."""

    remote: str
    branch: str
    ref: str
    url: str


class CloneConfigRepo:
    """The port ConfigRepo over a clone (work tree, linked work tree or bare) at or above a folder.

    A branch is named as the remote names it; for the checked-out one that is its upstream's name, and its `head`
    is HEAD as it is here. Raises GitFailed where there is no repository, RepoUnsupported for SHA-256 and
    for clones without folders (`--filter=tree:…`).
    """

    def __init__(self, path: Path | str) -> None:
        here = Git(Path(path))
        told = here.run(
            "rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--is-bare-repository",
            "--show-object-format",
        ).lines  # fmt: skip
        if told[3] != "sha1":
            raise unsupported()
        self.git_dir, common = Path(told[0]), Path(told[1])
        self.folder = self.git_dir if told[2] == "true" else Path(here.run("rev-parse", "--show-toplevel").text)
        self.name = self.folder.name.removesuffix(".git") or "config"
        self.memory = common / "lastgood"
        """Where lastgood remembers what it must: `.git/lastgood`."""
        self._git = Git(self.folder)
        self._settings = self._read_settings()
        if any(v.startswith("tree:") for k, v in self._settings.items() if k.endswith(".partialclonefilter")):
            raise RepoUnsupported(
                reason="it is a partial clone without folders",
                hint="`git fetch --refetch --filter=blob:none` brings them",
            )
        self.objects = ObjectReader(self._git)
        self._history = CloneHistory(self._git, self.objects, common=common, memory=self.memory)

    def _read_settings(self) -> dict[str, str]:
        out = self._git.run("config", "-z", "--get-regexp", r"^(branch|remote)\.", ok=(0, 1)).out
        pairs = (item.partition(b"\n") for item in out.split(b"\0") if item)
        return {name_text(key): name_text(value) for key, _, value in pairs}

    def close(self) -> None:
        """End the helper processes."""
        self.objects.close()

    # the person's branch

    def checked_out(self) -> str | None:
        """Return the local branch that HEAD is on, born or not; None if HEAD is detached."""
        # Git's own answer costs a process; it is asked only where the file does not say it (reftable's does not).
        stands = (self.git_dir / "HEAD").read_text(errors="surrogateescape").removesuffix("\n")
        if stands.startswith("ref: refs/heads/") and not stands.endswith("/.invalid"):
            return stands.removeprefix("ref: refs/heads/")
        found = self._git.run("symbolic-ref", "-q", "HEAD", ok=(0, 1)).text
        return found.removeprefix("refs/heads/") if found.startswith("refs/heads/") else None

    def branch(self) -> str | None:
        """Return the checked-out branch by its name on the remote (its own without one); None if detached."""
        local = self.checked_out()
        upstream = self.upstream(local) if local else None
        return upstream.branch if upstream else local

    def upstream(self, local: str | None = None) -> Upstream | None:
        """Say where a local branch (default: the checked-out one) comes from; None where there is no remote.

        Without an upstream of its own: the same name on `origin`, or on the only remote.
        """
        local = local or self.checked_out()
        if local is None:
            return None
        remote = self._settings.get(f"branch.{local}.remote")
        merge = self._settings.get(f"branch.{local}.merge", f"refs/heads/{local}").removeprefix("refs/heads/")
        if remote is None:
            return self._on_default_remote(local)
        return None if remote == "." else self._upstream(remote, merge)

    def _on_default_remote(self, branch: str) -> Upstream | None:
        remotes = [k[7:-4] for k in self._settings if k.startswith("remote.") and k.endswith(".url")]
        if "origin" in remotes:
            return self._upstream("origin", branch)
        return self._upstream(remotes[0], branch) if len(remotes) == 1 else None

    def _upstream(self, remote: str, branch: str) -> Upstream:
        url = self._settings.get(f"remote.{remote}.url")
        if url is None:  # `branch.<name>.remote` may be a URL
            return Upstream(remote, branch, f"refs/lastgood/fetched/{branch}", remote)
        spec = self._settings.get(f"remote.{remote}.fetch", "")
        target = spec.partition(":")[2]
        kept = target.replace("*", branch) if spec.startswith("+refs/heads/*:") else f"refs/remotes/{remote}/{branch}"
        return Upstream(remote, branch, kept, url)

    def _where(self, branch: str) -> Upstream | None:
        local = self.checked_out()
        upstream = self.upstream(local) if local else None
        if upstream is not None and upstream.branch == branch:
            return upstream
        return self._on_default_remote(branch)

    def address(self, branch: str) -> str | None:
        """Return where a branch comes from, credentials and all; None where there is no remote."""
        where = self._where(branch)
        return where.url if where is not None else None

    async def behind(self) -> int | None:
        """Count the commits of the last fetched upstream that HEAD does not have; None where there is none."""
        return await asyncio.to_thread(self._behind)

    def _behind(self) -> int | None:
        upstream = self.upstream()
        ahead = self._ref(upstream.ref) if upstream else None
        here = self._ref("HEAD")
        if ahead is None or here is None:
            return None
        return int(self._git.run("rev-list", "--count", ahead, f"^{here}").text)

    def _ref(self, ref: str) -> str | None:
        found = self._git.run("rev-parse", "-q", "--verify", "--end-of-options", ref + "^{commit}", ok=(0, 1, 128))
        return found.text if found.code == 0 else None

    # the port: heads

    async def fetch(self, branch: str) -> str | None:
        """See ConfigRepo.fetch; moves the remote-tracking ref and nothing else."""
        return await asyncio.to_thread(self._fetch, branch)

    def _fetch(self, branch: str) -> str | None:
        ref, where = ref_of_branch(branch), self._where(branch)
        if where is None:
            return self._head(branch)
        remote = Remote(self._git, where.remote, shown=where.url)
        return self._ref(where.ref) if remote.fetch(f"+{ref}:{where.ref}") else None

    async def head(self, branch: str) -> str | None:
        """See ConfigRepo.head; of the checked-out branch, and of "HEAD", HEAD as it is here."""
        return await asyncio.to_thread(self._head, branch)

    def _head(self, branch: str) -> str | None:
        if branch in {"HEAD", self.branch()}:
            return self._ref("HEAD")
        ref, where = ref_of_branch(branch), self._where(branch)
        return (self._ref(where.ref) if where else None) or self._ref(ref)

    async def remote_head(self, branch: str) -> str | None:
        """See ConfigRepo.remote_head."""
        where = self._where(branch)
        if where is None:
            return await self.head(branch)
        remote = Remote(self._git, where.remote, shown=where.url)
        return await asyncio.to_thread(remote.head, ref_of_branch(branch))

    # the port: reading

    async def resolve(self, text: str) -> Commit:
        """See ConfigRepo.resolve; also `HEAD`, and `~` and `^` after any of them."""
        return await asyncio.to_thread(self._resolve, text)

    def _resolve(self, text: str) -> Commit:
        if searchable(text):
            found = self._ref(text)
            if found is not None:
                return self.objects.commit(found)
            if _HEX.fullmatch(text):
                several = self._git.run("rev-parse", f"--disambiguate={text}", ok=(0, 128)).lines
                commits = [self.objects.commit(oid) for oid in several if self.objects.kind(oid) == "commit"]
                if len(commits) > 1:
                    candidates = [{"oid": c.oid, "subject": c.subject} for c in commits]
                    raise AmbiguousVersion(f"{text} is ambiguous", version=text, candidates=candidates)
        raise UnknownVersion(f"there is no commit {text}", hint="", version=text)

    async def commit(self, oid: str) -> Commit:
        """See ConfigRepo.commit."""
        return await asyncio.to_thread(self.objects.commit, oid)

    async def at_date(self, head: str, when: dt.datetime) -> Commit | None:
        """See ConfigRepo.at_date. Raises HistoryTruncated where a shallow clone does not reach that far."""
        return await asyncio.to_thread(self._at_date, head, when)

    def _at_date(self, head: str, when: dt.datetime) -> Commit | None:
        before = f"--min-age={int(when.timestamp())}"
        found = self._git.run("rev-list", "--first-parent", "--max-count=1", before, checked(head)).text
        if found:
            return self.objects.commit(found)
        if self._history.ends_shallow(head):
            raise HistoryTruncated
        return None

    async def is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        """See ConfigRepo.is_ancestor."""
        return await asyncio.to_thread(self._is_ancestor, ancestor, descendant)

    def _is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        if self.objects.kind(ancestor) is None:
            # What is not here cannot be reached from here, unless the clone ends before it.
            return None if self._history.shallow_below(descendant) else False
        answer = self._git.run("merge-base", "--is-ancestor", checked(ancestor), checked(descendant), ok=(0, 1))
        if answer.code == 0:
            return True
        return None if self._history.shallow_below(descendant) else False

    async def commits_between(self, exclude: str, include: str, *, limit: int = 1000) -> list[Commit]:
        """See ConfigRepo.commits_between."""
        return await asyncio.to_thread(self._commits_between, exclude, include, limit)

    def _commits_between(self, exclude: str, include: str, limit: int) -> list[Commit]:
        args = ("rev-list", "--date-order", f"--max-count={limit}", checked(include), f"^{checked(exclude)}")
        return list(self.objects.commits(self._git.run(*args).lines))

    async def entry(self, commit_or_tree: str, path: str) -> TreeEntry | None:
        """See ConfigRepo.entry."""
        return await asyncio.to_thread(lambda: find(self._root(commit_or_tree), path, self.objects.tree))

    def _root(self, commit_or_tree: str) -> str:
        if self.objects.kind(commit_or_tree) == "commit":
            return self.objects.commit(commit_or_tree).tree
        self.objects.tree(commit_or_tree)
        return commit_or_tree

    async def list_tree(self, tree: str) -> list[TreeEntry]:
        """See ConfigRepo.list_tree."""
        return list(await asyncio.to_thread(self.objects.tree, tree))

    async def read(self, blob: str, *, max_bytes: int, path: str = "") -> bytes:
        """See ConfigRepo.read; a partial clone asks its remote for what it left there."""
        return await asyncio.to_thread(self.objects.read, "blob", blob, max_bytes=max_bytes, path=path)

    async def read_all(self, files: Sequence[TreeEntry], *, max_bytes: int, max_total_bytes: int) -> list[bytes]:
        """See ConfigRepo.read_all."""
        return await asyncio.to_thread(
            read_files, files, read=self.objects.read, max_bytes=max_bytes, max_total_bytes=max_total_bytes
        )

    async def changes(self, old: str | None, new: str | None, *, lines: bool = True) -> list[FileChange]:
        """See ConfigRepo.changes."""
        return await asyncio.to_thread(self._changes, old, new, lines)

    def _changes(self, old: str | None, new: str | None, lines: bool) -> list[FileChange]:  # noqa: FBT001 - the port's
        empty = object_id("tree", b"")
        trees = (checked(old or empty), checked(new or empty))
        forms = ("--raw", "--numstat") if lines else ("--raw",)
        out = self._git.run(
            "diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", "--no-textconv", "--no-commit-id",
            *forms, *trees,
        ).out  # fmt: skip
        return read_diff(out, lines=lines)

    async def history(self, head: str, scope: AnyScope, *, limit: int | None = None) -> History:
        """See ConfigRepo.history; remembered in `.git/lastgood`."""
        return await asyncio.to_thread(self._history.history, checked(head), scope, limit)

    async def claiming(self, head: str, scope: AnyScope) -> Sequence[Commit]:
        """See ConfigRepo.claiming."""
        history = await self.history(head, scope)
        return [entry.commit for entry in history.entries if CLAIM in entry.commit.message]

    async def inputs(self, commit: str, scope: DeclaredScope) -> Declared:
        """See ConfigRepo.inputs."""
        return await asyncio.to_thread(lambda: self._inputs(self._root(commit), scope))

    def _inputs(self, root: str, scope: AnyScope) -> Declared:
        return self._history.inputs(scope, lambda path: find(root, path, self.objects.tree))

    async def version(self, commit: str, scope: AnyScope) -> tuple[str | None, str | None]:
        """See ConfigRepo.version."""
        return await asyncio.to_thread(self._version, commit, scope)

    def _version(self, commit: str, scope: AnyScope) -> tuple[str | None, str | None]:
        root = self._root(commit)
        return version_id(root, self._inputs(root, scope).scope, self.objects.tree)

    # the port: writing

    async def write_blob(self, data: bytes) -> str:
        """See ConfigRepo.write_blob."""
        return await asyncio.to_thread(self._write, "blob", data)

    def _write(self, kind: str, data: bytes) -> str:
        return self._git.run("hash-object", "-w", "-t", kind, "--stdin", stdin=data).text

    async def write_tree(self, base: str, edits: Sequence[Edit]) -> str:
        """See ConfigRepo.write_tree."""
        return await asyncio.to_thread(self._write_tree, base, edits)

    def _write_tree(self, base: str, edits: Sequence[Edit]) -> str:
        made: dict[str, Tree] = {}

        def write(entries: Sequence[TreeEntry]) -> str:
            oid = object_id("tree", format_tree(entries))
            made[oid] = Tree(entries)
            return oid

        root = edit_tree(
            self._root(base), edits, read=lambda oid: made[oid] if oid in made else self.objects.tree(oid), write=write
        )
        if made:
            # In a partial clone `--missing` keeps git from fetching each file that the tree merely names.
            listed = b"\0".join(b"".join(_mktree_line(e) for e in entries) for entries in made.values())
            written = self._git.run("mktree", "--batch", "-z", "--missing", stdin=listed + b"\0").lines
            if set(made) - set(written):
                raise GitFailed("git stored another tree than was asked for")
        return root

    async def merge_files(self, base: str, ours: str, theirs: str) -> str | None:
        """See ConfigRepo.merge_files."""
        return await asyncio.to_thread(self._merge_files, base, ours, theirs)

    def _merge_files(self, base: str, ours: str, theirs: str) -> str | None:
        first, left, right = (self.objects.read("blob", b, max_bytes=MAX_MERGED_BYTES) for b in (base, ours, theirs))
        merged = merge_contents(self._git, base=first, ours=left, theirs=right)
        return None if merged is None else self._write("blob", merged)

    async def make_commit(
        self, *, tree: str, parents: Sequence[str], author: Person, authored_at: dt.datetime, message: str
    ) -> str:
        """See ConfigRepo.make_commit."""
        data = format_commit(tree=tree, parents=parents, author=author, authored_at=authored_at, message=message)
        return await asyncio.to_thread(self._write, "commit", data)

    async def author(self) -> Person:
        """See ConfigRepo.author."""
        try:
            told = await asyncio.to_thread(self._git.run, "var", "GIT_AUTHOR_IDENT")
        except LastgoodError as unknown:
            raise GitFailed(
                "git does not know who you are", hint="`git config user.name` and `user.email` say it"
            ) from unknown
        return parse_commit("", b"tree \nauthor " + told.out).author

    async def keep(self, ref: str, commit: str) -> None:
        """See ConfigRepo.keep."""
        await asyncio.to_thread(self._git.run, "update-ref", "--no-deref", own_ref(ref), checked(commit))

    async def kept(self, prefix: str) -> dict[str, str]:
        """See ConfigRepo.kept."""
        found = await asyncio.to_thread(
            self._git.run, "for-each-ref", "--format=%(objectname) %(refname)", "refs/lastgood/"
        )
        pairs = (line.split(" ", 1) for line in found.lines)
        return {ref: oid for oid, ref in pairs if ref.startswith(prefix)}

    async def drop(self, ref: str) -> None:
        """See ConfigRepo.drop."""
        await asyncio.to_thread(self._git.run, "update-ref", "--no-deref", "-d", own_ref(ref))

    async def push(self, branch: str, commit: str, *, expected: str) -> None:
        """See ConfigRepo.push."""
        remote = self._remote(branch)
        await push_and_judge(
            remote, self, branch=branch, remote_branch=branch, commit=checked(commit), expected=checked(expected)
        )

    async def push_ref(self, ref: str, commit: str) -> bool:
        """See ConfigRepo.push_ref."""
        with contextlib.suppress(GitFailed):
            remote = self._remote(self.branch() or "main")
            return (await asyncio.to_thread(remote.push_once, own_ref(ref), checked(commit), expected=None)).done
        return False

    async def propose(self, branch: str, commit: str, *, replaces: str | None) -> None:
        """See ConfigRepo.propose."""
        remote = self._remote(self.branch() or "main")
        await asyncio.to_thread(propose, remote, own_branch(branch), checked(commit), replaces=replaces)

    def _remote(self, branch: str) -> Remote:
        ref_of_branch(branch)
        where = self._where(branch)
        if where is None:
            raise GitFailed(
                "this clone has no remote to push to", hint="nothing was changed; `git remote add origin URL` adds one"
            )
        return Remote(self._git, where.remote, shown=where.url)


def _mktree_line(entry: TreeEntry) -> bytes:
    kind = b"tree" if entry.mode == MODE_TREE else b"commit" if entry.mode == MODE_SUBMODULE else b"blob"
    return b"%o %s %s\t%s\0" % (entry.mode, kind, entry.oid.encode(), name_bytes(entry.path))


def read_diff(out: bytes, *, lines: bool) -> list[FileChange]:
    """Read the output of `git diff-tree -r -z --no-renames --raw [--numstat]`."""
    fields = out.split(b"\0")[:-1]
    raw: dict[bytes, tuple[bytes, bytes, str, str]] = {}
    at = 0
    while at < len(fields) and fields[at].startswith(b":"):
        old_mode, new_mode, old, new, _ = fields[at][1:].split(b" ")
        raw[fields[at + 1]] = (old_mode, new_mode, old.decode(), new.decode())
        at += 2
    counts: dict[bytes, tuple[int | None, int | None]] = {}
    for field in fields[at:]:
        added, removed, path = field.split(b"\t", 2)
        counts[path] = (None, None) if added == b"-" else (int(added), int(removed))
    found = []
    for path, (old_mode, new_mode, old_blob, new_blob) in raw.items():
        submodule = b"160000" in {old_mode, new_mode}
        added_lines, removed_lines = (None, None) if submodule or not lines else counts.get(path, (0, 0))
        found.append(
            FileChange(
                path=name_text(path),
                change="added" if old_mode == b"000000" else "removed" if new_mode == b"000000" else "modified",
                added=added_lines,
                removed=removed_lines,
                old=None if old_mode == b"000000" else old_blob,
                new=None if new_mode == b"000000" else new_blob,
            )
        )
    return found
