"""A feature: a pull request, an issue or a commit of a source repo. Pure value."""

from typing import Literal

from lastgood.core.commit import Person
from lastgood.core.value import Value


class Feature(Value, frozen=True, kw_only=True):
    """One feature as `features` and the timeline show it."""

    id: str
    repo: str
    kind: Literal["pull_request", "issue", "commit"]
    title: str
    url: str | None
    authors: tuple[Person, ...]
    commits: tuple[str, ...]
    type: str | None
    breaking: bool
