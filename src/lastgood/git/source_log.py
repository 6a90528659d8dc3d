"""Read a source repo's commits as `git log --raw` streams them, oldest first, one at a time. Keeps nothing."""

import hashlib
import struct
from binascii import unhexlify
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from lastgood.core.commit import Person
from lastgood.core.commit_facts import MAX_MESSAGE
from lastgood.core.errors import GitFailed
from lastgood.git.program import Git

MAX_PATHS = 1000
MAX_RECORD_BYTES = 4 * MAX_MESSAGE
INDEXING_S = 3600
_MAX_NAME = 200
_MOST_PEOPLE = 1000
_NUMBER = struct.Struct(">q")


class LoggedCommit(NamedTuple):
    """One commit. paths: at most MAX_PATHS + 1 of what it changed against its first parent.

    did, undoes: what it did to the blobs at these paths, and the exact opposite, each as a number of 64 bits; None for
    a commit that changed nothing.
    """

    oid: bytes
    parents: tuple[bytes, ...]
    time: int
    author: Person
    message: str
    paths: list[bytes]
    did: int | None
    undoes: int | None


def read_log(git: Git, *, known: Sequence[bytes]) -> Iterator[LoggedCommit]:
    """Yield every commit of all refs that the known ones do not reach, parents before children.

    known: commits, which need not be here any more. Memory: git's own for the walk, and one commit.
    """
    records = git.stream(
        "log",
        "--all",
        "--ignore-missing",
        "--stdin",
        "--topo-order",
        "--reverse",
        "--diff-merges=first-parent",
        "--root",
        "--raw",
        "--no-abbrev",
        "-z",
        "--encoding=UTF-8",
        "--format=%H%x00%P%x00%ct%x00%an%x00%ae%x00%B",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--no-color",
        "--no-show-signature",
        "--no-notes",
        "--ignore-submodules=none",
        stdin=b"".join(b"^%s\n" % oid.hex().encode() for oid in known),
        limit_s=INDEXING_S,
        max_record_bytes=MAX_RECORD_BYTES,
    )
    try:
        yield from _commits(records)
    except (ValueError, StopIteration, RuntimeError) as wrong:
        raise GitFailed("git log gave something else than was asked for") from wrong


def _commits(records: Iterator[bytes]) -> Iterator[LoggedCommit]:
    people: dict[tuple[bytes, bytes], Person] = {}
    record = next(records, None)
    while record is not None:
        oid = record.lstrip(b"\n")
        if not oid:
            record = next(records, None)
            continue
        parents, time, name, email, message = islice(records, 5)
        paths, did, undoes, record = _changes(records)
        author = people.get((name, email))
        if author is None:
            author = Person(name=_name(name), email=_name(email))
            if len(people) >= _MOST_PEOPLE:
                people.clear()
            people[name, email] = author
        yield LoggedCommit(
            unhexlify(oid),
            tuple([unhexlify(parent) for parent in parents.split()]),
            int(time or 0),
            author,
            message.decode("utf-8", "replace"),
            paths,
            did,
            undoes,
        )


def _changes(records: Iterator[bytes]) -> tuple[list[bytes], int | None, int | None, bytes | None]:
    """Return the paths that one commit changed, what it did to them, its opposite, and the record that follows."""
    paths: list[bytes] = []
    forth: list[bytes] = []
    back: list[bytes] = []
    did, undoes = hashlib.blake2b(digest_size=8), hashlib.blake2b(digest_size=8)
    following = None
    for record in records:
        change = record.lstrip(b"\n") if record[:1] == b"\n" else record
        if change[:1] == b":":
            # :<old mode> <new mode> <old id> <new id> <letter>, then the path
            path = next(records)
            old, new = change[1:7] + change[15:55], change[8:14] + change[56:96]
            forth += (old, new, path)
            back += (new, old, path)
            if len(paths) <= MAX_PATHS:
                paths.append(path)
            elif len(forth) > 3 * MAX_PATHS:
                did.update(b"\0".join(forth) + b"\0")
                undoes.update(b"\0".join(back) + b"\0")
                forth, back = [], []
        elif change:
            following = record
            break
    if not paths:
        return paths, None, None, following
    did.update(b"\0".join(forth))
    undoes.update(b"\0".join(back))
    return paths, _NUMBER.unpack(did.digest())[0], _NUMBER.unpack(undoes.digest())[0], following


def _name(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return text[:_MAX_NAME] if text.isprintable() else "".join(c for c in text if c.isprintable())[:_MAX_NAME]
