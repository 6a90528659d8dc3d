"""The timeline of applications: what it shows, and the rules by which entries relate to each other. Pure."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from lastgood.core.built import Built
from lastgood.core.commit import Person
from lastgood.core.deployment import DeploymentView
from lastgood.core.feature import Feature
from lastgood.core.operation import Operation, OperationView
from lastgood.core.resource import ImageChange
from lastgood.core.setting import Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.status import WaitingRequest, waiting_requests
from lastgood.core.value import Value


class Input(Value, frozen=True, kw_only=True):
    """One input of a version: path from the repo's root, object id, and the other applications that use it."""

    path: str
    oid: str
    shared_with: tuple[str, ...] = ()


class TimelineEntry(Value, frozen=True, kw_only=True):
    """A deployment, or a version without one, with the field names that scripts rely on.

    images: that changed; None where they are not known: of a chart or a kustomization without a deployment on record,
    which would have to be rendered for each entry (`show` does it for one).
    features, features_left: what entered and left with this deployment, newest first; features_unknown: images and
    bases that were not known; features_more: how many are left out. Empty in Git alone, which knows no source repo.
    settings: what else than images the deployment changed, as it is kept with its record; None in lists where nothing
    is kept (`show` finds it out for one, by rendering).
    built: what the images and bases that came with it were built from, as its record keeps it.
    build: the page of the build: the one that the commit names in a trailer (`Build: https://...`), else the one that
    an image names that entered with it.
    pull_requests, issues: those among features; committers: who wrote them.
    refused_by: the id of the hold that refused this head, for a commit that the agent kept out.
    health: the application's health now, on the entry that runs; None elsewhere and in Git alone.
    waiting: what waits in a pull request for the application, newest first, on its first entry of a first page.
    cursor: give it as `before` of a query to continue after this entry; opaque, "" where that is not possible.
    """

    app: str
    number: int | None
    version: str | None
    path_tree: str | None
    inputs: tuple[Input, ...]
    commit: str
    short: str
    subject: str
    body: str
    author: Person
    committer: Person
    committed_at: dt.datetime
    ran: bool | None
    current: bool
    last_good: bool
    held: bool
    same_as: str | None
    operation: OperationView | None
    deployment: DeploymentView | None
    images: tuple[ImageChange, ...] | None
    features: tuple[Feature, ...]
    pull_requests: tuple[dict[str, Any], ...]
    issues: tuple[dict[str, Any], ...]
    committers: tuple[Person, ...]
    features_left: tuple[Feature, ...] = ()
    features_unknown: tuple[NotKnown, ...] = ()
    features_more: int = 0
    settings: Settings | None = None
    build: str | None = None
    built: tuple[Built, ...] = ()
    health: str | None = None
    sync: str | None = None
    refused_by: str | None = None
    truncated: bool = False
    waiting: tuple[WaitingRequest, ...] = ()
    cursor: str = ""

    @property
    def runs_anew(self) -> bool:
        """Say whether this is one more run of what another record brought: healed drift, a retry, a new definition."""
        return self.deployment is not None and self.deployment.trigger in {"drift", "retry", "definition"}


class TimelineQuery(Value, frozen=True, kw_only=True):
    """Which entries to show. app None: of everything. before: only entries older than this cursor (opaque).

    search: every word must occur in subject, body, hash, author, image, reason, in a feature's id, title, people or
    commits, or in a setting's resource, place or value, without case. author: of the commit, or of a commit of the
    source repo that entered with it. feature: as `where` reads it; of recorded deployments alone.
    """

    app: str | None = None
    environment: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    outcome: str | None = None
    author: str | None = None
    search: str | None = None
    feature: str | None = None
    image: str | None = None
    trigger: str | None = None
    held: bool | None = None
    limit: int | None = None
    before: str | None = None


def with_waiting(entries: Sequence[TimelineEntry], operations: Sequence[Operation]) -> list[TimelineEntry]:
    """Return the entries, the first one of each application with what of these operations waits for it."""
    told: set[str] = set()
    found = []
    for entry in entries:
        mine = [one for one in operations if any(move.app == entry.app for move in one.moved)]
        first = entry.app not in told
        found.append(msgspec.structs.replace(entry, waiting=waiting_requests(mine)) if mine and first else entry)
        told.add(entry.app)
    return found
