"""The way of a feature from its source repo to what runs, as `where` shows it. Pure values."""

import datetime as dt

from lastgood.core.commit import Person
from lastgood.core.feature import Feature
from lastgood.core.value import Value
from lastgood.core.words import Outcome, Trigger


class ChainSource(Value, frozen=True, kw_only=True):
    """The commit of a source repo that brought a feature: its merge or squash, or itself. url: its page, or None."""

    repo: str
    commit: str
    title: str
    author: Person
    committed_at: dt.datetime
    url: str | None


class Origin(Value, frozen=True, kw_only=True):
    """Where a feature comes from. pull_request: the one that brought it, None where none is known."""

    feature: Feature
    pull_request: Feature | None
    source: ChainSource


class ChainImage(Value, frozen=True, kw_only=True):
    """An image of a version. reference: its tag, digest or both. revision: what it was built from; None: not known.

    base: it is none, but a base of a kustomization in another repo; then reference is its ref.
    """

    name: str
    reference: str
    revision: str | None
    base: bool = False


class ChainConfig(Value, frozen=True, kw_only=True):
    """A commit of the config repo, and the application's path in it."""

    repo: str
    path: str
    commit: str
    subject: str
    author: Person
    committed_at: dt.datetime


class ChainDeployment(Value, frozen=True, kw_only=True):
    """A deployment on record. reason: what was written for the operation that asked for it, "" where nothing was."""

    number: int
    outcome: Outcome
    trigger: Trigger
    started_at: dt.datetime
    finished_at: dt.datetime | None
    reason: str


class Chain(Value, frozen=True, kw_only=True):
    """How a feature came to an application, and how it left. A part is None where it is not there, or not known.

    unknown: which parts are not known, and why; a part that is None and not named here is not there (yet).
    pull_request: the one that brought it; Git may have no trace of one. source: the commit of the source repo that did.
    build: the page of the build. images: those that have it, of the version with which it came. config, deployment:
    with which it came last. left_config, left: with which it went again. held: whether the version with which it came
    is on hold now. taken_out: the commit of the source repo that took it out before any version here had it.
    """

    feature: Feature | None = None
    pull_request: Feature | None = None
    source: ChainSource | None = None
    build: str | None = None
    images: tuple[ChainImage, ...] = ()
    config: ChainConfig | None = None
    deployment: ChainDeployment | None = None
    left_config: ChainConfig | None = None
    left: ChainDeployment | None = None
    held: bool = False
    unknown: dict[str, str] = {}
    taken_out: str | None = None
