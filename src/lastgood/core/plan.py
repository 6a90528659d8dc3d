"""A plan: what a rollback would do, before it does it. A pure value: printable, comparable, storable."""

from lastgood.core.deployment import DeploymentView
from lastgood.core.feature import Feature
from lastgood.core.hold import Hold
from lastgood.core.resource import ImageChange
from lastgood.core.setting import Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Change, CheckOutcome, DeliveryPolicy, Mode, OperationKind, Via


class Check(Value, frozen=True, kw_only=True):
    """One line of the preflight. hint: what to do about it. overridden: it would block, and was named in --despite."""

    name: str
    app: str | None
    outcome: CheckOutcome
    detail: str
    hint: str = ""
    overridden: bool = False


class PlannedFile(Value, frozen=True, kw_only=True):
    """A file that the commit would touch. new: the blob it would have (None: removed); for comparing plans."""

    path: str
    change: Change
    added: int | None
    removed: int | None
    new: str | None = None


class PlannedResource(Value, frozen=True, kw_only=True):
    """A rendered resource that would change. diff: unified, secrets redacted."""

    group: str
    kind: str
    namespace: str | None
    name: str
    change: Change
    diff: str


class PlannedFeatures(Value, frozen=True, kw_only=True):
    """Features that leave and that return. unknown: images of which that is not known, and why.

    recorded: images whose features the deployment records alone tell, and why no source repo does. Where `sources` of
    lastgood.yaml names no source repo, nothing else is looked for.
    """

    leaving: tuple[Feature, ...] = ()
    returning: tuple[Feature, ...] = ()
    unknown: tuple[NotKnown, ...] = ()
    recorded: tuple[NotKnown, ...] = ()


class PlannedApplication(Value, frozen=True, kw_only=True):
    """What would happen to one application. version, path_tree: what it will have (None: nothing).

    settings: what else than images would change, from what Git asks for now to what it would ask for. recorded: what
    the deployment records say of the version, where it was chosen by a feature and they alone tell.
    """

    app: str
    from_: Version
    to: Version
    version: str | None
    path_tree: str | None
    files: tuple[PlannedFile, ...]
    resources: tuple[PlannedResource, ...]
    renders_as_ran: bool | None
    images: tuple[ImageChange, ...]
    features: PlannedFeatures
    hold: Hold | None
    settings: Settings = Settings()
    deployment: DeploymentView | None = None
    recorded: str = ""


class AlsoAffected(Value, frozen=True, kw_only=True):
    """Another application that would move, and how."""

    app: str
    how: str


class PlanResult(Value, frozen=True, kw_only=True):
    """What came of it. tree: what the commit on `head` has (or will have). pushed: None = unknown."""

    tree: str
    commit: str | None
    pushed: bool | None
    head: str
    pull_request: str | None = None


class Plan(Value, frozen=True, kw_only=True):
    """A plan, and after it was done its result: the JSON of `plan`, `rollback` and `undo`.

    message: the whole commit message ("" for a reset, which makes no commit). notes: sentences for people.
    delivery: what lastgood.yaml says of it; None where no pull request could be opened.
    """

    id: str
    mode: Mode
    via: Via
    branch: str
    head: str
    applications: tuple[PlannedApplication, ...]
    also_affected: tuple[AlsoAffected, ...]
    checks: tuple[Check, ...]
    git: tuple[str, ...]
    result: PlanResult
    kind: OperationKind = "rollback"
    reason: str = ""
    message: str = ""
    notes: tuple[str, ...] = ()
    delivery: DeliveryPolicy | None = None

    @property
    def blocking(self) -> tuple[Check, ...]:
        """The checks that block and were not overridden."""
        return tuple(c for c in self.checks if c.outcome == "block" and not c.overridden)

    @property
    def asked_before(self) -> bool:
        """Whether it is no new plan, but that of a pull request which was asked for before, with its result."""
        return self.result.pull_request is not None or self.result.pushed is True

    @property
    def changes_nothing(self) -> bool:
        """Whether Git would stay as it is."""
        return not any(a.files or a.hold for a in self.applications) and self.mode != "reset"
