"""A pull request as the adapter of one kind of forge has read it. Not checked yet: see `pull_requests.py`."""

from typing import Protocol, TypeVar

import msgspec

from lastgood.core.pull_request import PullState
from lastgood.forge.connection import Sent


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """own: it is from a branch of the repo itself. merged_as: the commit that brought it, where that is said."""

    number: int
    state: PullState
    source: str
    into: str
    own: bool
    merged_as: str | None = None


class Tells(Protocol):
    """A pull request in the form of one kind of forge."""

    def told(self) -> Told:
        """Return what it tells."""
        ...


T = TypeVar("T", bound=Tells)


def told_of(sent: Sent[T]) -> Sent[Told]:
    """Return what came of sending something, read."""
    return Sent(sent.status, sent.said.told() if sent.said is not None else None)
