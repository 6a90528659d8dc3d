"""What the message of a source commit says of it: pull request, issues, type, people, what it reverts or picks.

Text in, a value out. Messages are hostile: every search is bounded, and all that is found is a claim.
"""

import re
from collections.abc import Iterable
from typing import Literal

from lastgood.core.commit import Person
from lastgood.core.value import Value

MAX_MESSAGE = 64 * 1024
MAX_TITLE = 300
MAX_NAMED = 50
MAX_PEOPLE = 100

Forge = Literal["github", "gitlab", "bitbucket", "gitea", "azure"]


class Facts(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What one message claims.

    title: the pull request's where the message has one, else the subject without its number. pull: its number.
    forge: whose form the message has, None where several use it. issues: `#12` or `owner/repo#12`.
    keys: whatever looks like `ABC-12`; which of them are issues depends on the configured projects.
    reverts, picks: commit ids, 7 to 40 hex digits. reverts_pulls: pull requests, written as `issues` are. mainlines: of
    merges that it reverts, with the parent each was held against.
    """

    title: str
    pull: int | None = None
    forge: Forge | None = None
    issues: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    type: str | None = None
    scope: str | None = None
    breaking: bool = False
    co_authors: tuple[Person, ...] = ()
    reverts: tuple[str, ...] = ()
    reverts_pulls: tuple[str, ...] = ()
    picks: tuple[str, ...] = ()
    mainlines: tuple[tuple[str, str], ...] = ()


_NUMBER = r"(?P<number>[1-9]\d{0,8})"
# The forms of the forges, each with the number, and the title where the subject has it; the first that fits counts.
_SUBJECTS: tuple[tuple[Forge | None, re.Pattern[str]], ...] = (
    ("gitea", re.compile(rf"Merge pull request '(?P<title>.*)' \(#{_NUMBER}\) from (?P<branch>\S+)")),
    ("github", re.compile(rf"Merge pull request #{_NUMBER} from (?P<branch>\S+)")),
    ("bitbucket", re.compile(rf"Merge pull request #{_NUMBER} in \S+ from (?P<branch>\S+) to \S+$")),
    ("bitbucket", re.compile(rf"Merged in (?P<branch>\S+) \(pull request #{_NUMBER}\)$")),
    ("bitbucket", re.compile(rf"Pull request #{_NUMBER}: (?P<title>.+)")),
    ("azure", re.compile(rf"Merged PR {_NUMBER}: (?P<title>.+)")),
    ("azure", re.compile(rf"Merge pull request {_NUMBER} from (?P<branch>\S+) into \S+$")),
    ("gitlab", re.compile(rf"(?P<title>.*\S)\s+\(!{_NUMBER}\)$")),
    (None, re.compile(rf"(?P<title>.*\S)\s+\(#{_NUMBER}\)$")),
)
_GITLAB = re.compile(rf"^See merge request (?:[\w./-]{{1,250}})?!{_NUMBER}$", re.MULTILINE)
_MERGED_BRANCH = re.compile(r"Merge (?:remote-tracking )?branch '(?P<branch>[^']{1,250})'")
# What is merged into a branch is not what that one is called after.
_INTO = re.compile(r"\A(Merge [^\n]{1,1000}) into \S{1,250}[ \t]*$", re.MULTILINE)

_REF = r"(?:(?:[\w.-]{1,100}/[\w.-]{1,100})?#[1-9]\d{0,8}|https?://[^\s/]{1,100}/[\w./-]{1,200}/issues/[1-9]\d{0,8})"
# The words of GitHub, GitLab, Gitea and Bitbucket, and the line that Azure DevOps writes.
_CLOSES = re.compile(
    r"\b(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?|related work items)\b"
    r":?[ \t]{1,4}"
    rf"({_REF}(?:,?[ \t]{{1,4}}(?:and[ \t]{{1,4}})?{_REF}){{0,20}})",
    re.IGNORECASE,
)
_ONE_REF = re.compile(_REF)
_ISSUE_PAGE = re.compile(r"https?://[^/]+/(.+?)(?:/-)?/issues/(\d+)")
_KEY = re.compile(r"(?<![A-Za-z0-9_-])[A-Z][A-Z0-9_]{1,19}-[1-9]\d{0,8}(?![A-Za-z0-9_])")
_KEY_IN_BRANCH = re.compile(r"(?<![a-z0-9])[a-z][a-z0-9]{1,19}-[1-9]\d{0,8}(?![a-z0-9])", re.IGNORECASE)

_TYPES = frozenset(("build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test"))
_CONVENTIONAL = re.compile(r"([A-Za-z][A-Za-z-]{1,19})(?:\(([^()\n]{1,60})\))?(!)?:[ \t]+\S")
_BREAKING = re.compile(r"^BREAKING[ -]CHANGE: ", re.MULTILINE)
_CO_AUTHOR = re.compile(
    r"^co-authored-by:[ \t]*([^<>\n]{0,200}?)[ \t]*<([^<>\n]{1,200})>[ \t]*$", re.IGNORECASE | re.MULTILINE
)

_REVERTS = re.compile(
    r"(?:\bThis reverts (?:merge )?commits? |^Reverted commit `)([0-9a-f]{7,40})\b", re.IGNORECASE | re.MULTILINE
)
# What Git adds for a merge tells which parent it was held against: with `-m 2` the second one.
_MAINLINE = re.compile(
    r"\bThis reverts (?:merge )?commit ([0-9a-f]{7,40})(?: \([^\n]{0,300}\))?,"
    r"\s{1,4}reversing\s{1,4}changes\s{1,4}made to ([0-9a-f]{7,40})\b",
    re.IGNORECASE,
)
_REVERTS_PULL = re.compile(
    r"^(?:This )?reverts (?:(?:pull|merge) request )?"
    r"((?:[\w.-]{1,100}(?:/[\w.-]{1,100}){1,5})?)([#!])([1-9]\d{0,8})\b",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTED = re.compile(r"^>.*$", re.MULTILINE)
_PICKED = re.compile(r"^\(cherry picked from commit ([0-9a-f]{7,40})\)[ \t]*$", re.MULTILINE)


def read_facts(message: str) -> Facts:
    """Read a commit's message; what is beyond 64 KiB of it is not looked at."""
    text = message[:MAX_MESSAGE].replace("\r\n", "\n").lstrip("\n")
    subject, _, body = text.partition("\n")
    subject = subject.strip()
    pull, forge, title, branch = _pull(subject, body)
    shown = one_line(title) or one_line(subject)
    type_, scope, breaking = _conventional(shown)
    # Bitbucket quotes the message of what it reverts: what that one reverted is said of it, and not of this commit.
    own = _QUOTED.sub("", body) if "evert" in body else ""
    return Facts(
        title=shown,
        pull=pull,
        forge=forge,
        issues=_issues(text) if "#" in text or "/issues/" in text else (),
        keys=_keys(_INTO.sub(r"\1", text), branch) if "-" in text else (),
        type=type_,
        scope=scope,
        breaking=breaking or ("BREAKING" in body and _BREAKING.search(body) is not None),
        co_authors=_co_authors(body) if "uthored" in body else (),
        reverts=_all(found[1].lower() for found in _REVERTS.finditer(own)) if own else (),
        reverts_pulls=_all(f"{found[1]}#{found[3]}" for found in _REVERTS_PULL.finditer(own))
        if "everts " in own
        else (),
        picks=_all(found[1] for found in _PICKED.finditer(body)) if "(cherry picked" in body else (),
        mainlines=tuple((a.lower(), b.lower()) for a, b in _MAINLINE.findall(own)[:MAX_NAMED])
        if "reversing" in own
        else (),
    )


def _pull(subject: str, body: str) -> tuple[int | None, Forge | None, str, str]:
    """Return (number, forge, title, branch that was merged)."""
    merged = _MERGED_BRANCH.match(subject)
    branch = merged["branch"] if merged else ""
    if "erge request" in body and (found := _GITLAB.search(body)):
        title = _first_line(body[: found.start()]) if merged else subject
        return int(found["number"]), "gitlab", title or subject, branch
    # Most subjects are no merge and end in no number; only some of the forms can fit the others.
    forms = _SUBJECTS if subject.startswith(("Merge", "Pull")) else _SUBJECTS[-2:] if subject.endswith(")") else ()
    for forge, form in forms:
        if found := form.match(subject):
            groups = found.groupdict()
            title = groups["title"] if "title" in groups else _first_line(body)
            return int(found["number"]), forge, title or subject, groups.get("branch", "")
    return None, None, subject, branch


def _first_line(body: str) -> str:
    """Return the title below a merge's subject; "" where Bitbucket's list of the commits begins, which is none."""
    line = next((line.strip() for line in body.split("\n", 20)[:20] if line.strip()), "")
    return "" if line.startswith("* commit '") else line


def one_line(text: str) -> str:
    """Return text from elsewhere as a title: of one line, printable, at most MAX_TITLE characters."""
    kept = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text[: 4 * MAX_TITLE])
    return " ".join(kept[: 4 * MAX_TITLE].split())[:MAX_TITLE]


def _issues(text: str) -> tuple[str, ...]:
    found: list[str] = []
    plain = text.lower()
    if not any(word in plain for word in ("fix", "clos", "resolv", "implement", "related work")):
        return ()
    for closes in _CLOSES.finditer(text):
        for ref in _ONE_REF.findall(closes[1]):
            page = _ISSUE_PAGE.fullmatch(ref)
            found.append(f"{page[1]}#{page[2]}" if page else ref)
    return _all(found)


def _keys(text: str, branch: str) -> tuple[str, ...]:
    # Branches are often named after an issue in small letters: priya/abc-12-short-words.
    return _all([*_KEY.findall(text), *(key.upper() for key in _KEY_IN_BRANCH.findall(branch))])


def _conventional(title: str) -> tuple[str | None, str | None, bool]:
    found = _CONVENTIONAL.match(title)
    if found is None:
        return None, None, False
    word, scope, bang = found[1].lower(), found[2], found[3] is not None
    # "Note: this" is prose; with a scope or a mark the form cannot be mistaken, whatever the word.
    if word not in _TYPES and scope is None and not bang:
        return None, None, False
    return word, scope, bang


def _co_authors(body: str) -> tuple[Person, ...]:
    people = (Person(name=one_line(name), email=one_line(email)) for name, email in _CO_AUTHOR.findall(body))
    return tuple(dict.fromkeys(people))[:MAX_PEOPLE]


def _all(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:MAX_NAMED]
