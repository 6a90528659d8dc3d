"""The forges that the settings name, and the pull requests of one config repo among them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lastgood.app.settings import ForgeSettings, TrackerSettings
from lastgood.core.forge import web_address
from lastgood.core.ports import Clock, PullRequests

if TYPE_CHECKING:
    from lastgood.forge.forges import Forges


def make_forges(named: Sequence[ForgeSettings | TrackerSettings], clock: Clock) -> "Forges | None":
    """Return forges and trackers as one; None where there are none."""
    if not named:
        return None
    from lastgood.forge.forges import Forges  # noqa: PLC0415 - a client of HTTP, only where one is asked

    return Forges([one.as_rule() for one in named], clock=clock)


def pull_requests(forges: "Forges | None", url: str) -> PullRequests | None:
    """Return the pull requests of the config repo at an address; None where no forge with a token has it."""
    return forges.pull_requests(web_address(url)) if forges is not None else None
