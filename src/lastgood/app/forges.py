"""The forges that the settings name, and the pull requests of one config repo among them."""

from typing import TYPE_CHECKING

from lastgood.app.settings import Settings
from lastgood.core.forge import web_address
from lastgood.core.ports import Clock, PullRequests

if TYPE_CHECKING:
    from lastgood.forge.forges import Forges


def make_forges(settings: Settings, clock: Clock) -> "Forges | None":
    """Return all forges and trackers of a server as one; None where there are none."""
    rules = [*(one.as_rule() for one in settings.forges), *(one.as_rule() for one in settings.trackers)]
    if not rules:
        return None
    from lastgood.forge.forges import Forges  # noqa: PLC0415 - a client of HTTP, only where one is asked

    return Forges(rules, clock=clock)


def pull_requests(forges: "Forges | None", url: str) -> PullRequests | None:
    """Return the pull requests of the config repo at an address; None where no forge with a token has it."""
    return forges.pull_requests(web_address(url)) if forges is not None else None
