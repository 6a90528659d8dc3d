"""The message of a commit that lastgood makes, and what the trailers of any commit claim.

Texts from people and from Git are hostile both ways: a reason cannot add a trailer, and a trailer is only a claim
(`core/claim.py` says when it counts).
"""

import re
import uuid
from collections.abc import Sequence

from lastgood.core.inert import inert
from lastgood.core.operation import Moved, OperationClaim
from lastgood.core.words import OperationKind

CLAIM = "Lastgood-Operation: "
MAX_MESSAGE = 64 * 1024
MAX_REASON = 4000
MAX_MOVED = 1000
MAX_LISTED = 20
MAX_LINE = 200

_KINDS: dict[str, OperationKind] = {"rollback": "rollback", "undo": "undo", "hold": "hold", "unhold": "unhold"}
_TRAILER = re.compile(r"(Lastgood-[A-Za-z]{1,20}): (.{1,400})")
_MOVED = re.compile(r"([a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?) ([0-9a-f]{40}) ([0-9a-f]{40})")
_CHECK = re.compile(r"[a-z][a-z-]{0,40}")
_NOT_FROM_PEOPLE = re.compile(
    r"[A-Za-z0-9-]+\s*:|\(cherry picked from commit|What (?:leaves(?: of this repo)?|returns):"
)
# In this order, each at most once, before the trailers.
_LISTS = ("What leaves:", "What leaves of this repo:", "What returns:", "Settings:")


def clean_reason(reason: str) -> str:
    """Return a reason as it may stand in a commit, a record and a hold: no control characters, bounded, trimmed."""
    text = reason.replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(c for c in text if c == "\n" or c.isprintable())
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()[:MAX_REASON].strip()


def operation_message(
    *,
    operation: str,
    kind: OperationKind,
    subject: str,
    reason: str,
    leaving: Sequence[str] = (),
    commits: Sequence[str] = (),
    returning: Sequence[str] = (),
    settings: Sequence[str] = (),
    moved: Sequence[Moved],
    despite: Sequence[str] = (),
) -> str:
    """Write a commit's message: subject, the reason, what leaves, what returns, the settings that change, trailers.

    operation: its id (a UUID). reason: as `clean_reason` returns it. leaving, returning, settings: one line for each
    thing; commits: of the config repo that leave, apart where anything else does. Of each list the first 20 are
    written, and how many more there are.
    """
    lists = (leaving or commits, commits if leaving else (), returning, settings)
    paragraphs = [_one_line(subject)]
    if reason:
        # Git takes a last paragraph of `Word: text` lines for trailers, and we one of ours for a list; an indented
        # line is never the beginning of either.
        paragraphs.append(
            "\n".join(f" {line}" if _NOT_FROM_PEOPLE.match(line) else line for line in reason.split("\n"))
        )
    paragraphs += [_list(heading, lines) for heading, lines in zip(_LISTS, lists, strict=True) if lines]
    trailers = [f"{CLAIM}{kind}", f"Lastgood-Id: {operation}"]
    trailers += [f"Lastgood-Moved: {move.app} {move.from_} {move.to}" for move in moved]
    trailers += [f"Lastgood-Despite: {name}" for name in despite]
    paragraphs.append("\n".join(trailers))
    return "\n\n".join(paragraphs) + "\n"


def _list(heading: str, lines: Sequence[str]) -> str:
    shown = [inert(_one_line(line)[:MAX_LINE].rstrip()) for line in lines[:MAX_LISTED]]
    more = [f"and {len(lines) - MAX_LISTED} more"] if len(lines) > MAX_LISTED else []
    return "\n".join([heading, *(f"- {line}" for line in (*shown, *more))])


def trailers_of(message: str) -> tuple[str, ...]:
    """Return the lines of the last paragraph of a message."""
    return tuple(message.rstrip("\n").rpartition("\n\n")[2].split("\n"))


def request_body(message: str, reason: str) -> str:
    """Return what a pull request says of a commit to people, as Markdown: the reason, then what leaves and returns.

    The lists come from Git and from source repos: in a block of code they mention nobody and close no issue.
    """
    lists = [part for part in message.split("\n\n") if any(part.startswith(f"{head}\n- ") for head in _LISTS)]
    text = "\n\n".join(lists)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    block = f"{fence}text\n{text}\n{fence}" if text else ""
    return "\n\n".join(part for part in (reason, block) if part)


def read_claim(message: str) -> OperationClaim | None:
    """Return what a commit's trailers claim, None where they claim nothing that could be true.

    message: hostile. Only the last paragraph counts; our trailers may stand among others; a known trailer that is
    malformed or contradicts another makes the whole claim void.
    """
    if len(message) > MAX_MESSAGE:
        return None
    found: dict[str, list[str]] = {}
    for line in trailers_of(message):
        if trailer := _TRAILER.fullmatch(line):
            found.setdefault(trailer[1], []).append(trailer[2])
    kinds, ids = found.get("Lastgood-Operation", []), found.get("Lastgood-Id", [])
    moved = [_MOVED.fullmatch(text) for text in found.get("Lastgood-Moved", [])]
    despite = found.get("Lastgood-Despite", [])
    if len(kinds) != 1 or kinds[0] not in _KINDS or len(ids) != 1 or not _is_uuid(ids[0]):
        return None
    moves = [Moved(app=move[1], from_=move[2], to=move[3]) for move in moved if move]
    if len(moves) != len(moved) or not 0 < len(moves) <= MAX_MOVED or len({m.app for m in moves}) != len(moves):
        return None
    if not all(_CHECK.fullmatch(name) for name in despite):
        return None
    return OperationClaim(
        id=ids[0], kind=_KINDS[kinds[0]], moved=tuple(moves), despite=tuple(despite), reason=_reason(message)
    )


def _reason(message: str) -> str:
    paragraphs = message.rstrip("\n").split("\n\n")[1:-1]
    for heading in reversed(_LISTS):
        if paragraphs and paragraphs[-1].startswith(heading + "\n- "):
            paragraphs.pop()
    text = "\n\n".join(paragraphs)
    return clean_reason("\n".join(line.removeprefix(" ") for line in text.split("\n")))


def _one_line(text: str) -> str:
    return " ".join(clean_reason(text).split())


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
