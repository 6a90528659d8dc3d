"""What somebody may ask of lastgood, and the short answers. Pure values; the long answers are `core/plan.py`."""

import datetime as dt

from lastgood.core.commit import Person
from lastgood.core.hold import Hold
from lastgood.core.plan import PlannedFile, PlannedResource
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Mode, Via


class RollbackRequest(Value, frozen=True, kw_only=True):
    """What somebody asked for. One of `to`, `last_good`, `previous`, `without`, `with_`, or none of them (last_good).

    without, with_: a feature, as `where` takes it: the newest good version that is known not to contain it, or to
    contain it. commits: for revert. via None: as `delivery` of lastgood.yaml says. despite: names of
    checks to override. expect_head, expect_versions: what the person saw (plan page): another version in one of the
    applications is `stale-plan`. by: None in a clone, where Git names the author.
    """

    apps: tuple[str, ...]
    to: str | None = None
    last_good: bool = False
    previous: bool = False
    without: str | None = None
    with_: str | None = None
    mode: Mode = "restore"
    commits: tuple[str, ...] = ()
    with_shared: bool = False
    via: Via | None = None
    reason: str = ""
    hold: bool = True
    despite: tuple[str, ...] = ()
    push: bool = True
    by: Person | None = None
    expect_versions: dict[str, str | None] = {}


class UndoRequest(Value, frozen=True, kw_only=True):
    """Take back the last operation of an application, or the one with the id `operation`."""

    app: str
    operation: str | None = None
    reason: str = ""
    despite: tuple[str, ...] = ()
    push: bool = True
    by: Person | None = None


class HoldRequest(Value, frozen=True, kw_only=True):
    """Put a version on hold, or let it go (`unhold`: every entry that refuses this version)."""

    app: str
    version: str
    reason: str = ""
    until: dt.datetime | None = None
    push: bool = True
    by: Person | None = None


class HoldResult(Value, frozen=True, kw_only=True):
    """What `hold` and `unhold` did. commit: None in a dry run, or where nothing was to do.

    via: how it goes, or would go, to the branch. pull_request: it is open, and nothing is held or let go before it is
    merged.
    """

    app: str
    operation: str
    holds: tuple[Hold, ...]
    commit: str | None
    pushed: bool | None
    git: tuple[str, ...] = ()
    pull_request: str | None = None
    via: Via = "push"


class PauseRequest(Value, frozen=True, kw_only=True):
    """Stop (or resume) deployments. scope: application, environment, repo or everything; name: None for everything."""

    scope: str
    name: str | None
    reason: str = ""
    by: Person | None = None


class PressRequest(Value, frozen=True, kw_only=True):
    """`retry`: let the refused, failed or stopped head of an application go now."""

    app: str
    by: Person | None = None


class PressResult(Value, frozen=True, kw_only=True):
    """What a press would start, or started.

    accepts_loss: the application is gone from Git together with many others, and the press says that this was meant;
    it then is removed and keeps running, and there is no version to start.
    """

    app: str
    version: Version | None
    files: tuple[PlannedFile, ...]
    because: str
    started: bool
    accepts_loss: bool = False


class ForgetResult(Value, frozen=True, kw_only=True):
    """What `forget` did; pruned: what was deleted, by kind and name; stays: what was not, because it may not be.

    hooks: what runs at the deletion, as `Job backup (before deletion)`, in order. in_the_way: of a dry run: why it
    would not be deleted, "" where nothing is.
    """

    app: str
    pruned: tuple[str, ...]
    hooks: tuple[str, ...] = ()
    in_the_way: str = ""
    stays: tuple[str, ...] = ()


class DiffView(Value, frozen=True, kw_only=True):
    """`diff`: files and, where the renderer is known, rendered resources. rendered False: files only, and why."""

    app: str
    from_: Version
    to: Version
    rendered: bool
    why: str
    resources: tuple[PlannedResource, ...]
    files: tuple[PlannedFile, ...]
    file_diffs: dict[str, str] = {}
