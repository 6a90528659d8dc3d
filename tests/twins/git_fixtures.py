"""Real Git repositories for tests and benchmarks: made with fast-import, with hooks, shallow, partial, broken.

Everything runs the `git` program directly, not lastgood's own code: what these say is what Git says.
"""

import asyncio
import contextlib
import datetime as dt
import io
import os
import subprocess
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from lastgood.core.commit import Person
from twins.config_repo import PRIYA, START, Content, MemoryRemote, Objects


def git(folder: Path, *args: str, stdin: bytes | None = None, ok: Sequence[int] = (0,)) -> str:
    """Run git in a folder; return its output without the last line's end. Raises AssertionError with its words."""
    done = subprocess.run(  # noqa: PLW1510 - the code is looked at below
        ["git", *args],  # noqa: S607 - whichever git the tests run
        cwd=folder,
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    assert done.returncode in ok, f"git {' '.join(args)}: {done.stderr.decode('utf-8', 'replace')}"
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")


def bare(folder: Path, *, branch: str = "main") -> Path:
    """Make an empty bare repository that serves partial clones and single commits, too."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", f"--initial-branch={branch}", ".")
    with (folder / "config").open("a") as config:
        config.write("[uploadpack]\nallowFilter = true\nallowAnySHA1InWant = true\n[gc]\nauto = 0\n")
    return folder


def hook(repo: Path, name: str, script: str) -> None:
    """Give a bare repository a hook: a shell script without its first line."""
    file = repo / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("#!/bin/sh\n" + textwrap.dedent(script))
    file.chmod(0o755)


def unhook(repo: Path, name: str) -> None:
    """Take a hook away."""
    (repo / "hooks" / name).unlink(missing_ok=True)


def clone(url: Path | str, folder: Path, *options: str) -> Path:
    """Clone over file:// (a plain path would share objects and ignore depth and filters)."""
    address = url if isinstance(url, str) else f"file://{url}"
    git(folder.parent, "clone", "-q", *options, "--", address, str(folder))
    return folder


def snapshot(clone_folder: Path) -> dict[str, bytes]:
    """Return, byte by byte, what of a clone belongs to its person: work tree, index, HEAD, local branches, settings."""
    ours = ("objects", "lastgood", "refs/remotes", "refs/lastgood", "logs/refs/remotes", "shallow", "packed-refs")
    found = {}
    for file in sorted(clone_folder.rglob("*")):
        name = file.relative_to(clone_folder).as_posix()
        if file.is_file() and not any(name.startswith(f".git/{o}") for o in ours):
            found[name] = file.readlink().as_posix().encode() if file.is_symlink() else file.read_bytes()
    return found


class BareRemote:
    """A bare repository with the helper methods of `MemoryRemote`, so that one suite drives both."""

    def __init__(self, folder: Path) -> None:
        self.folder = bare(folder)
        self.url = f"file://{folder}"
        self._memory = MemoryRemote()
        self._seen: set[str] = set()

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
        """See MemoryRemote.commit_files: the same commit with the same id."""
        ref = f"refs/heads/{branch}"
        head = await asyncio.to_thread(self.ref, ref)
        known = self._memory.refs
        known.pop(ref, None)
        if head is not None:
            if head not in self._memory.objects:
                await asyncio.to_thread(self._learn, head)
            known[ref] = head
        oid = await self._memory.commit_files(
            branch, files, message=message, author=author, at=at, parents=parents, base=base, move=move
        )
        await asyncio.to_thread(self._store)
        if move:
            self.set(ref, oid)
        return oid

    @property
    def objects(self) -> Objects:
        """What `commit_files` made of a tree's objects, as MemoryRemote has them."""
        return self._memory.objects

    def _store(self) -> None:
        # As loose objects, without a process for each; whoever reads one sees to it that its id is right.
        for oid in self._memory.objects:
            if oid not in self._seen:
                kind = self._memory.objects.kind(oid)
                data = self._memory.objects.read(kind, oid)
                file = self.folder / "objects" / oid[:2] / oid[2:]
                file.parent.mkdir(exist_ok=True)
                file.write_bytes(zlib.compress(f"{kind} {len(data)}\0".encode() + data))
                self._seen.add(oid)

    def _learn(self, head: str) -> None:
        listed = git(self.folder, "rev-list", "--objects", "--no-object-names", head)
        told = io.BytesIO(
            subprocess.run(
                ["git", "cat-file", "--batch"],  # noqa: S607 - whichever git the tests run
                cwd=self.folder,
                input=listed.encode(),
                capture_output=True,
                check=True,
            ).stdout
        )
        while header := told.readline().decode():
            oid, kind, size = header.split()
            self._memory.objects.write(kind, told.read(int(size) + 1)[:-1])
            self._seen.add(oid)

    def ref(self, ref: str) -> str | None:
        """Return where a ref is: read where it stands alone, as it does for most commits of most tests."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / ref).read_text().strip()
        return git(self.folder, "rev-parse", "-q", "--verify", ref, ok=(0, 1)) or None

    @property
    def refs(self) -> dict[str, str]:
        """All refs, as MemoryRemote has them."""
        lines = git(self.folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def set(self, ref: str, commit: str | None) -> None:
        """Move or delete a ref without asking anybody."""
        if commit is None:
            git(self.folder, "update-ref", "-d", ref)
            return
        # As git does it, without a process for each commit.
        file = self.folder / ref
        lock = file.with_name(f"{file.name}.lock")
        file.parent.mkdir(parents=True, exist_ok=True)
        with lock.open("x") as text:
            text.write(f"{commit}\n")
        lock.replace(file)


def long_history(
    folder: Path,
    *,
    commits: int,
    files: int = 5000,
    applications: int = 100,
    merge_every: int = 50,
    revert_every: int = 100,
    seed: int = 1,
) -> Path:
    """Make a bare repository with a long history in seconds, always the same for the same arguments.

    `apps/<service>/<environment>/file<n>.conf`, which nothing renders; one file changed in each commit, a merged
    side branch every `merge_every` commits, content that goes back to what it was every
    `revert_every`; the head is `main`.
    """
    repo = bare(folder)
    stream = io.BytesIO()
    names = [
        f"apps/app{n % applications:04d}/{'production' if n // applications % 2 else 'staging'}/file{n:05d}.conf"
        for n in range(files)
    ]
    state = seed
    now = int(START.timestamp()) - commits * 600
    content: dict[str, list[bytes]] = {}
    mark = 0

    def commit(ref: str, message: str, changes: Sequence[tuple[str, bytes]], *parents: int) -> int:
        nonlocal mark
        mark += 1
        who = f"{PRIYA.name} <{PRIYA.email}> {now + mark * 600} +0000"
        lines = [f"commit {ref}\nmark :{mark}\nauthor {who}\ncommitter {who}\ndata {len(message)}\n{message}\n"]
        lines += [f"from :{parents[0]}\n"] if parents else []
        lines += [f"merge :{p}\n" for p in parents[1:]]
        stream.write("".join(lines).encode())
        for path, data in changes:
            stream.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        return mark

    first = [(name, f"image: registry.example.com/{name}:v0\n".encode()) for name in names]
    yaml = (
        b'version: 1\napplications:\n  - name: "{service}-{environment}"\n    path: "apps/{service}/{environment}"\n'
        b'    environment: "{environment}"\n    destination: "{environment}"\n'
    )
    head = commit("refs/heads/main", "Begin\n", [*first, ("lastgood.yaml", yaml)])
    for number in range(1, commits):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64  # a fixed sequence on every machine
        name = names[(state >> 33) % files]
        versions = content.setdefault(name, [f"image: registry.example.com/{name}:v0\n".encode()])
        back = number % revert_every == 0 and len(versions) > 1
        versions.append(versions[-2] if back else f"image: registry.example.com/{name}:v{number}\n".encode())
        change = (name, versions[-1])
        if merge_every and number % merge_every == 0:
            side = commit("refs/heads/side", f"Release {number} on a branch\n", [change], head)
            head = commit("refs/heads/main", f"Merge release {number}\n", [change], head, side)
        else:
            head = commit("refs/heads/main", f"Release {number}\n", [change], head)
    git(repo, "fast-import", "--quiet", stdin=stream.getvalue())
    git(repo, "update-ref", "-d", "refs/heads/side")
    return repo
