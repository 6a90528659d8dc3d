"""Commit objects as bytes: read hostile ones without falling over, write exact ones. Knows no repository."""

import datetime as dt
import re
from collections.abc import Sequence

from lastgood.core.commit import Commit, Person
from lastgood.core.errors import GitFailed
from lastgood.core.value import utc

LASTGOOD = Person(name="lastgood", email="lastgood@localhost")
"""The committer of every commit that lastgood makes."""

_LATEST_S = 253402300799  # the last second of the year 9999: datetime knows none later
_IDENTITY = re.compile(rb"^(.*?)\s*<([^>]*)>(?:\s+(-?\d{1,20}))?(?:\s+([+-]\d{1,4}))?")
_CONTROL = dict.fromkeys([*range(32), 127], None)
_MAX_MESSAGE = 1 << 20


def parse_commit(oid: str, data: bytes) -> Commit:
    """Read a commit object (without its header). oid: its id, as asked for.

    Text in another encoding is decoded as the commit says, else as UTF-8; what does not decode is replaced.
    A missing or impossible time is 1970. A message over 1 MiB is cut. Raises GitFailed if it is not a commit.
    """
    head, _, message = data.partition(b"\n\n")
    headers: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        if not line.startswith(b" "):  # a continued header, such as a signature
            key, _, value = line.partition(b" ")
            headers.setdefault(key, []).append(value)
    if b"tree" not in headers:
        raise GitFailed(f"commit {oid} is damaged")
    encoding = headers.get(b"encoding", [b"utf-8"])[0].decode("ascii", "replace")
    author, authored_at = _identity(headers.get(b"author", [b""])[0], encoding)
    committer, committed_at = _identity(headers.get(b"committer", [b""])[0], encoding)
    return Commit(
        oid=oid,
        tree=headers[b"tree"][0].decode("ascii", "replace"),
        parents=tuple(p.decode("ascii", "replace") for p in headers.get(b"parent", ())),
        author=author,
        committer=committer,
        authored_at=authored_at,
        committed_at=committed_at,
        message=_decode(message[:_MAX_MESSAGE], encoding).replace("\0", ""),
    )


def _identity(line: bytes, encoding: str) -> tuple[Person, dt.datetime]:
    match = _IDENTITY.match(line)
    if match is None:
        return Person(name=_clean(_decode(line, encoding)), email=""), utc(0)
    name, email, seconds, _zone = match.groups()
    at = min(max(int(seconds or 0), 0), _LATEST_S)
    return Person(name=_clean(_decode(name, encoding)), email=_clean(_decode(email, encoding))), utc(at)


def _decode(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding)
    except (LookupError, ValueError):
        return text.decode("utf-8", "replace")


def _clean(text: str) -> str:
    return text.translate(_CONTROL).strip()


def format_commit(
    *, tree: str, parents: Sequence[str], author: Person, authored_at: dt.datetime, message: str
) -> bytes:
    """Write a commit object (without its header) whose committer is lastgood.

    Both times are `authored_at`, in UTC, so that the same plan makes the same commit. The message ends in a newline.
    """
    at = f"{int(authored_at.timestamp())} +0000"
    lines = [
        f"tree {tree}",
        *(f"parent {parent}" for parent in parents),
        f"author {_identity_text(author)} {at}",
        f"committer {_identity_text(LASTGOOD)} {at}",
    ]
    text = message.replace("\0", "").rstrip("\n") + "\n"
    return ("\n".join(lines) + "\n\n" + text).encode("utf-8", "replace")


def _identity_text(person: Person) -> str:
    name, email = (_clean(t.replace("<", "").replace(">", "")) for t in (person.name, person.email))
    # Git and its servers refuse a commit whose author has no name at all.
    return f"{name or email.partition('@')[0] or 'unknown'} <{email}>"
