"""A pull request as the adapter of one kind of forge has read it. Not checked yet: see `pull_requests.py`."""

import msgspec

from lastgood.core.pull_request import PullState


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """own: it is from a branch of the repo itself. merged_as: the commit that brought it, where that is said."""

    number: int
    state: PullState
    source: str
    into: str
    own: bool
    merged_as: str | None = None
