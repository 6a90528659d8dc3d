"""Titles that a forge does not act on: what mentions people, refers to issues and closes them stands in backticks.

Titles come from source repos and forges, and lists of them are put where forges read: commits, pull requests, releases.
Pure; knows nothing of Markdown but a piece of code.
"""

import re

# One run of what names and references are made of, with a mention (`@name`) or a reference (`#12`, `o/r#12`, `!12`,
# `GH-12`) in it. A number alone names an issue of the repo that the text is pasted into, which is another one. By
# `#close` and other words, with a key in the same line, Jira moves an issue.
_RUN = r"(?<![\w./:@#!-])(?=[\w./:@#!-]*?(?:(?<![a-z0-9_])@\w|#\w|![0-9]|\bgh-[0-9]))[\w./:@#!-]*\w"
# By these words before a reference forges close issues and trackers move them: GitHub, GitLab, Gitea, Bitbucket, Azure;
# there an address and a tracker's key are references, too.
_AFTER = r"(\b(?:clos|fix|resolv|implement|reopen)[a-z]*:? +(?:issues? +)?)(?=[^\s`]*(?:[#!/]|[a-z]-)[0-9])([^\s`]*\w)"
_ACTS = re.compile(f"{_AFTER}|({_RUN})", re.IGNORECASE)


def pieces(text: str) -> list[tuple[str, bool]]:
    """Split a line of text: each piece with whether a forge would act on it. Such a piece has no backtick in it."""
    found: list[tuple[str, bool]] = []
    end = 0
    for acts in _ACTS.finditer(text):
        named = 2 if acts[2] else 3
        found += [(text[end : acts.start(named)], False), (acts[named], True)]
        end = acts.end()
    return [(piece, acts_on) for piece, acts_on in (*found, (text[end:], False)) if piece]


def inert(line: str) -> str:
    """Return a title with those pieces in backticks: the fix that a list names is not made by the list."""
    return "".join(f"`{piece}`" if acts_on else piece for piece, acts_on in pieces(line))
