"""What a forge or a tracker says of a pull request or an issue, and a feature with it. Pure; what they say is hostile.

Whatever they do not say stays as Git has it.
"""

from collections.abc import Iterable

import msgspec

from lastgood.core.build_link import is_build_page
from lastgood.core.commit import Person
from lastgood.core.commit_facts import one_line
from lastgood.core.feature import Feature, called
from lastgood.core.value import Value

MOST_LABELS = 20
MOST_LABEL = 60
MOST_NAME = 100
# Labels of a forge are few; what is beyond is not even looked at.
_MOST_SEEN = 1_000


class ForgeFacts(Value, frozen=True, kw_only=True):
    """What is said. title: "" where nothing is. author: None where nobody is named; email "" where no address is.

    login: the author's short name there, "" for none. url: the page, where the forge has one.
    """

    title: str = ""
    labels: tuple[str, ...] = ()
    author: Person | None = None
    login: str = ""
    url: str | None = None


def forge_facts(
    *,
    title: str | None,
    labels: Iterable[str] = (),
    name: str | None = None,
    login: str | None = None,
    url: str | None = None,
) -> ForgeFacts:
    """Make facts of what came: each text of one line, printable and bounded. name: the author's, login their short."""
    short = one_line(login or "")[:MOST_NAME]
    shown = one_line(name or "")[:MOST_NAME] or short
    seen = [label for label, _ in zip(labels, range(_MOST_SEEN), strict=False)]
    kept = dict.fromkeys(text for text in (one_line(label)[:MOST_LABEL] for label in seen) if text)
    return ForgeFacts(
        title=one_line(title or ""),
        labels=tuple(kept)[:MOST_LABELS],
        author=Person(name=shown, email="") if shown else None,
        login=short,
        url=url if url is not None and is_build_page(url) else None,
    )


def told_better(feature: Feature, facts: ForgeFacts) -> Feature:
    """Return a feature with the title, labels and author of a forge; its author first, unless Git's people are they."""
    people = feature.authors
    if facts.author is not None and feature.kind == "pull_request":
        known = next((one for one in people if _is(one, facts.author, facts.login)), None)
        people = (known or facts.author, *(one for one in people if one is not known))
    return msgspec.structs.replace(
        called(feature, facts.title or feature.title),
        labels=facts.labels,
        authors=people,
        url=feature.url or facts.url,
    )


def _is(person: Person, author: Person, login: str) -> bool:
    """Say whether Git's person is a forge's: by name, or by an address made of the short name (also a no-reply one)."""
    local = person.email.partition("@")[0]
    theirs = {_letters(author.name), _letters(login)} - {""}
    return bool({_letters(person.name), _letters(local), _letters(local.rpartition("+")[2])} & theirs)


def _letters(text: str) -> str:
    # `priya-raman` is how a forge writes Priya Raman.
    return "".join(one for one in text.casefold() if one.isalnum())
