"""What the store keeps besides deployments and operations. Pure values; no statement and no table here."""

import datetime as dt
from typing import Any, Literal

from lastgood.core.application import Refusal
from lastgood.core.hold import Hold
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Health, Outcome, RendererName, Sync, Trigger

HeadKind = Literal["first", "forward", "rewound", "diverged", "reset"]
AppState = Literal["followed", "removed", "broken", "stopped"]
RepoState = Literal["ok", "empty", "unreachable", "broken", "unsupported"]
PauseScope = Literal["application", "environment", "repo", "everything"]


class ObservedHead(Value, frozen=True, kw_only=True):
    """A branch head that the agent saw; the log of these says what ran, in which order. kind `reset`: asked for."""

    id: int
    repo: str
    branch: str
    commit: str
    previous: str | None
    kind: HeadKind
    observed_at: dt.datetime


class RepoRecord(Value, frozen=True, kw_only=True):
    """A followed repo as last seen. message: what is wrong, in a sentence; "" where nothing is."""

    name: str
    url: str
    branch: str
    state: RepoState
    message: str
    head: str | None
    observed_at: dt.datetime | None

    @property
    def problem(self) -> str:
        """Say in a sentence what state it is in."""
        return f"the repo {self.name} is {self.state}: {self.message}"


class ApplicationRecord(Value, frozen=True, kw_only=True):
    """What is known of an application between two looks.

    state: followed; removed (gone from Git, still running); broken (its entry or content is wrong);
    stopped (a rewrite or a large deletion waits for a press). message: why, in a sentence.
    current: the version at the branch's head, refused or not. desired: what should run. running: last applied.
    earlier: the number of the last deployment before it was forgotten, 0 if it never was: what ran until then says
    nothing of what runs now.
    """

    name: str
    repo: str
    branch: str
    path: str
    group: str
    environment: str | None
    destination: str
    renderer: RendererName
    definition: dict[str, Any]
    state: AppState
    message: str
    current: Version | None
    desired: Version | None
    running: Version | None
    last_good: Version | None
    refused: Refusal | None
    held: int
    health: Health
    sync: Sync
    health_message: str
    observed_at: dt.datetime | None
    updated_at: dt.datetime | None
    earlier: int = 0

    @property
    def gone(self) -> str:
        """Say that it is gone from Git, what becomes of what it runs, and what ends that."""
        if self.desired is None and self.running is None:
            return f"it is gone from {self.repo}, and never ran; `lastgood forget {self.name}` takes it away"
        return f"it is gone from {self.repo}, and keeps running; `lastgood forget {self.name} --prune` ends that"


class HoldRecord(Value, frozen=True, kw_only=True):
    """A hold as remembered. ended_at: None while in force. vanished: gone from Git by a rewrite, still in force."""

    app: str
    hold: Hold
    commit: str | None
    ended_at: dt.datetime | None = None
    ended_by: str | None = None
    vanished: bool = False


class RefusedHead(Value, frozen=True, kw_only=True):
    """A commit that a hold kept out of an application; it is on the timeline."""

    app: str
    commit: str
    version: str
    hold: str
    at: dt.datetime


class Pause(Value, frozen=True, kw_only=True):
    """Stops deployments of an application, an environment, a repo or everything."""

    scope: PauseScope
    name: str | None
    reason: str
    by: str
    since: dt.datetime


class Told(Value, frozen=True, kw_only=True):
    """What an event says, before the log has it. payload: small, without secrets."""

    kind: str
    app: str | None
    payload: dict[str, Any]
    at: dt.datetime


class Event(Value, frozen=True, kw_only=True):
    """Something that front ends want to hear of. id counts up; payload: small, without secrets."""

    id: int
    at: dt.datetime
    kind: str
    app: str | None
    payload: dict[str, Any]


class DeploymentQuery(Value, frozen=True, kw_only=True):
    """Which deployment records to read, newest first. before_id: only those with a smaller id.

    since, until: began in [since, until). environment: the application's when the attempt began.
    author, image: every word occurs in the names and addresses of the commit's author and of those who wrote what
    entered; in the images before and after; without case. feature: every word occurs in the features' ids, titles and
    people. features: any of these ids, whole.
    search: as in TimelineQuery. version, commit, operation: whole ids.
    """

    app: str | None = None
    environment: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    outcome: str | None = None
    author: str | None = None
    search: str | None = None
    image: str | None = None
    feature: str | None = None
    features: tuple[str, ...] = ()
    trigger: str | None = None
    before_id: int | None = None
    limit: int = 50
    version: str | None = None
    commit: str | None = None
    operation: str | None = None


class DeploymentCount(Value, frozen=True, kw_only=True):
    """How many attempts of an application ended so, of those that a trigger set off."""

    app: str
    trigger: Trigger
    outcome: Outcome
    count: int


class Bucket(Value, frozen=True, kw_only=True):
    """A bar of the timeline's chart: how many records of each outcome or trigger began in [start, end)."""

    start: dt.datetime
    end: dt.datetime
    counts: dict[str, int]
