"""What flows and queries need from the world, in the words of the design. Protocols only.

Rules in core may await these ports (which applications are at a commit, which version a text names); they know
nothing of what stands behind them.

Every method that waits for anything is a coroutine. Cancelling a caller never leaves half a write:
an adapter finishes what it began. Errors are those of `core/errors.py` and no others.
"""

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lastgood.core.application import AnyScope, Application, ApplicationView, DeclaredScope
from lastgood.core.built import Built, Key
from lastgood.core.carried import Carried
from lastgood.core.chain import Origin
from lastgood.core.commit import Commit, Edit, FileChange, History, Person, TreeEntry
from lastgood.core.deployment import Deployment, Judged
from lastgood.core.feature_presence import Presence
from lastgood.core.feature_range import FeatureChanges
from lastgood.core.feature_views import CompareView, FeaturesView, WhereEntry
from lastgood.core.figures import Attempt, FiguresQuery, FiguresView
from lastgood.core.forge import WebAddress
from lastgood.core.forge_facts import ForgeFacts
from lastgood.core.image_facts import ImageFacts
from lastgood.core.image_name import ImageName
from lastgood.core.kept_settings import KeptSettings
from lastgood.core.leaving import Going, Leaving
from lastgood.core.observation import ApplyResult, Observation
from lastgood.core.operation import Operation
from lastgood.core.origins import Origins
from lastgood.core.plan import Plan
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.pull_request import PullRequest
from lastgood.core.record import (
    ApplicationRecord,
    Bucket,
    DeploymentCount,
    DeploymentQuery,
    Event,
    HeadKind,
    HoldRecord,
    ObservedHead,
    Pause,
    RefusedHead,
    RepoRecord,
    Told,
)
from lastgood.core.request import (
    DiffView,
    ForgetResult,
    HoldRequest,
    HoldResult,
    PauseRequest,
    PressRequest,
    PressResult,
    RollbackRequest,
    UndoRequest,
)
from lastgood.core.resource import Rendered
from lastgood.core.resource_tree import ResourceTree
from lastgood.core.service import Services
from lastgood.core.source_commit import Selection
from lastgood.core.source_features import SourceAt
from lastgood.core.sources import Source
from lastgood.core.status import StatusView, WaitResult
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.core.words import Occasion, RendererName

if TYPE_CHECKING:
    # They read through a port of this file.
    from lastgood.core.declared_inputs import Declared
    from lastgood.core.discovery import Problem


class Clock(Protocol):
    """Time, so that a test can move it."""

    def now(self) -> dt.datetime:
        """Return the time, aware, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds of this clock."""
        ...


class ConfigRepo(Protocol):
    """A config repo: read as Git objects, never checked out. Object ids are 40 hex digits.

    `name` is the repo's name on the server; in a clone the folder's name.
    """

    name: str

    async def fetch(self, branch: str) -> str | None:
        """Ask the remote for the branch and bring what is new; return its head, None where the branch is not there.

        Without a remote (a clone of its own), the local branch is the answer.
        Raises RemoteUnreachable; RepoUnsupported for SHA-256.
        """
        ...

    async def head(self, branch: str) -> str | None:
        """Return the head as last fetched, without the network; None where there is none."""
        ...

    async def remote_head(self, branch: str) -> str | None:
        """Ask the remote where the branch is now, bring nothing. Raises RemoteUnreachable."""
        ...

    async def resolve(self, text: str) -> Commit:
        """Find the commit that a prefix, a tag or a branch names. Text is hostile: it is never an option.

        Raises UnknownVersion; AmbiguousVersion with `candidates` (list of {"oid", "subject"}).
        """
        ...

    async def commit(self, oid: str) -> Commit:
        """Read a commit. Raises ObjectMissing."""
        ...

    async def at_date(self, head: str, when: dt.datetime) -> Commit | None:
        """Return the newest first-parent commit of head committed at or before that time."""
        ...

    async def is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        """Say whether the first is reachable from the second (or is it); None where a shallow clone cannot tell."""
        ...

    async def commits_between(self, exclude: str, include: str, *, limit: int = 1000) -> list[Commit]:
        """Return what is reachable from `include` and not from `exclude`, newest first."""
        ...

    async def entry(self, commit_or_tree: str, path: str) -> TreeEntry | None:
        """Return what stands at a path ("" is the root tree itself), None for nothing. Never follows symlinks."""
        ...

    async def list_tree(self, tree: str) -> list[TreeEntry]:
        """Return the names in one tree, in Git's order. Raises ObjectMissing."""
        ...

    async def read(self, blob: str, *, max_bytes: int, path: str = "") -> bytes:
        """Read a file. Raises ObjectTooLarge before reading more than max_bytes."""
        ...

    async def read_all(self, files: Sequence[TreeEntry], *, max_bytes: int, max_total_bytes: int) -> list[bytes]:
        """Read files at once, in the order given.

        Raises ObjectMissing, and ObjectTooLarge for a file with more than max_bytes, and for the one with which all
        have more than max_total_bytes: that is then the limit that it names.
        """
        ...

    async def changes(self, old: str | None, new: str | None, *, lines: bool = True) -> list[FileChange]:
        """Compare two trees (None: empty), by path, without renames. lines False: do not count lines."""
        ...

    async def history(self, head: str, scope: AnyScope, *, limit: int | None = None) -> History:
        """Return the first-parent commits at which the scope's content changed, newest first.

        Where the scope is declared, the inputs are those that the declarations at each commit lead to.
        """
        ...

    async def claiming(self, head: str, scope: AnyScope) -> Sequence[Commit]:
        """Return the first-parent commits whose messages name an operation of ours, newest first.

        Every one at which the scope's content changed is among them; others may be, too.
        """
        ...

    async def inputs(self, commit: str, scope: DeclaredScope) -> "Declared":
        """Return what the declarations at a commit (or in a root tree) lead to. Raises ObjectMissing."""
        ...

    async def version(self, commit: str, scope: AnyScope) -> tuple[str | None, str | None]:
        """Return (version id, path tree id) of a scope at a commit; (None, None) where the path is not there."""
        ...

    async def write_blob(self, data: bytes) -> str:
        """Store a file's content; return its id."""
        ...

    async def write_tree(self, base: str, edits: Sequence[Edit]) -> str:
        """Store the tree that is `base` with the edits; return its id. Folders that become empty go."""
        ...

    async def merge_files(self, base: str, ours: str, theirs: str) -> str | None:
        """Merge three blobs line by line; return the result's blob id, None on a conflict."""
        ...

    async def make_commit(
        self, *, tree: str, parents: Sequence[str], author: Person, authored_at: dt.datetime, message: str
    ) -> str:
        """Store a commit whose committer is lastgood; move no ref. Return its id."""
        ...

    async def author(self) -> Person:
        """Say who acts here: in a clone as `git var GIT_AUTHOR_IDENT` says; on a server lastgood itself."""
        ...

    async def keep(self, ref: str, commit: str) -> None:
        """Point a ref of lastgood's own (`refs/lastgood/...`) to a commit, here."""
        ...

    async def kept(self, prefix: str) -> dict[str, str]:
        """Return lastgood's own refs under a prefix, name to commit."""
        ...

    async def drop(self, ref: str) -> None:
        """Delete a ref of lastgood's own; nothing happens if it is not there."""
        ...

    async def push(self, branch: str, commit: str, *, expected: str) -> None:
        """Move the remote's branch from `expected` to `commit`, with a lease, and only so.

        Raises HeadMoved (somebody else was first; facts expected, found), PushRefused (the server's rule,
        in its words), PushUnknown (no clear answer), RemoteUnreachable (nothing was sent).
        """
        ...

    async def push_ref(self, ref: str, commit: str) -> bool:
        """Offer a ref of lastgood's own to the remote; say whether it was accepted."""
        ...

    async def propose(self, branch: str, commit: str, *, replaces: str | None) -> None:
        """Put a branch of lastgood's own (`lastgood/...`) on the remote at a commit, for a pull request.

        replaces: where the branch may be there now; None: nowhere. Nothing is done where it is at the commit already.
        Raises HeadMoved (somebody else has pushed to it), PushRefused, PushUnknown, RemoteUnreachable.
        """
        ...


class SourceRepo(Protocol):
    """A source repo: where the program's code is."""

    async def resolve(self, revision: str) -> str:
        """Return the commit that a revision names, fetching once if it is not here. Raises UnknownVersion."""
        ...

    def files(self, commit: str) -> AsyncIterator[tuple[TreeEntry, bytes]]:
        """Yield every file and symlink of a commit (submodules are skipped), as stored, no filter applied."""
        ...


class SourceHistory(Protocol):
    """The history of a source repo: which features lie between revisions, and which revision has one.

    Revisions are full ids, as SourceRepo.resolve returns them. `repo` is how the repo is called in a Feature, `web`
    where it is on the web.
    """

    repo: str
    web: WebAddress

    async def refresh(self) -> int:
        """Fetch, and take in what is new; return how many commits that were. Raises RemoteUnreachable."""
        ...

    async def features(self, old: str, new: str, selection: Selection) -> FeatureChanges:
        """Say what entered and what left on the way from one revision to another. Raises UnknownVersion."""
        ...

    async def presences(self, feature: str, revisions: Sequence[str], selection: Selection) -> list[Presence]:
        """Say of each revision whether it contains a feature. Raises UnknownFeature, UnknownVersion.

        feature: `PR-481`, `ABC-12`, `#12`, a commit's id (7 digits at least), words of a title, or the address of a
        page on the web (see `core/asked_feature.py`).
        """
        ...

    async def nearest(self, feature: str, selection: Selection) -> Sequence[str]:
        """Return up to three names like that of a feature that is not known, best first."""
        ...

    async def origin(self, feature: str, revision: str | None, selection: Selection) -> Origin:
        """Say where a feature comes from: its pull request, and the commit that brought it into a revision.

        revision None: into the repo. Raises UnknownFeature, UnknownVersion.
        """
        ...


class ImageRegistry(Protocol):
    """The registries that the operator allows, as one."""

    async def known(self, image: ImageName) -> ImageFacts | None:
        """Return what was told before and still counts, without the network: a digest for ever, a tag for a while."""
        ...

    async def describe(self, image: ImageName) -> ImageFacts:
        """Say what an image tells of itself: from memory where it was asked before, else from its registry.

        Raises NotAllowed for a registry that the operator did not allow; ImageMissing; RegistryFailed, also where it
        does not answer in time.
        """
        ...

    async def attest(self, image: ImageName) -> ImageFacts:
        """Describe an image, with `attached`: for where its own claims are not believed. Raises as `describe`."""
        ...


class Sources(Protocol):
    """Finds out from which revision of which source repo an image is built. Never raises, and never waits long."""

    async def locate_all(
        self,
        declared: Sequence[Source],
        images: Mapping[str, str],
        origins: Origins,
        built: Mapping[Key, Built],
    ) -> list[SourceAt]:
        """Say where images (or artifacts) come from, then bases, each in their order; where that is not known, why.

        declared: `sources` of lastgood.yaml. images: name -> reference, as `Rendered.images` has them; origins: as
        it has those. built: what is on record already, see `BuiltAt.of`: of that neither tag nor registry is asked,
        it is only looked for in the source repo. What is slow is waited for side by side. No registry is asked about
        a base.
        """
        ...

    async def build_of(self, declared: Sequence[Source], image: str, reference: str) -> str | None:
        """Return the page of the build that an image says it comes from; None where it says nothing of that.

        image, reference: as `Rendered.images` has them. Asks its registry, so this is for whoever nobody waits for.
        """
        ...

    async def refresh(self) -> None:
        """Look whether there is anything new in the source repos that were asked for."""
        ...


class Forge(Protocol):
    """The forges and trackers that the operator allows, as one: what they say of pull requests, issues and commits.

    None: there is no such thing, or nobody is allowed to be asked about it. All raise ForgeFailed where the one that
    is does not answer now. What they say is bounded text of one line.
    """

    async def pull_request(self, repo: WebAddress, number: int) -> ForgeFacts | None:
        """Say what is known of a pull request (a merge request) of a source repo."""
        ...

    async def issue(self, repo: WebAddress, number: int) -> ForgeFacts | None:
        """Say what is known of an issue of a source repo."""
        ...

    async def ticket(self, page: str) -> ForgeFacts | None:
        """Say what is known of a tracker's issue (`ABC-12`). page: its address on the web, as a Feature links to it."""
        ...

    async def build(self, repo: WebAddress, commit: str) -> str | None:
        """Return the page of the newest successful build of a commit, else of the newest. commit: a full id."""
        ...


class PullRequests(Protocol):
    """The pull requests of one config repo, at its forge. All raise ForgeFailed where there is no clear answer."""

    async def find(self, source: str, into: str) -> PullRequest | None:
        """Return the newest pull request from a branch of the repo itself into another, whatever its state."""
        ...

    async def look(self, number: int) -> PullRequest | None:
        """Say how a pull request stands; None where there is none of that number."""
        ...

    async def open(self, source: str, into: str, *, title: str, body: str) -> PullRequest:
        """Open a pull request; where one is open already, return that. body: Markdown.

        Raises PullRequestRefused.
        """
        ...

    async def describe(self, number: int, *, title: str, body: str) -> None:
        """Give one that is open another title and body. Raises PullRequestRefused."""
        ...

    async def may_open(self) -> bool | None:
        """Say whether we may open one here, without trying; None where the forge does not tell."""
        ...


class Renderer(Protocol):
    """Makes resources from an application's files at a commit."""

    async def kind(self, app: Application, repo: ConfigRepo, commit: str) -> RendererName:
        """Say which renderer an application's files call for (`render: auto` is settled by the files at its path)."""
        ...

    async def render(self, app: Application, repo: ConfigRepo, commit: str) -> Rendered:
        """Render. Raises RenderFailed (the content is wrong), NoRenderer (nothing here renders that kind)."""
        ...

    async def render_anew(self, app: Application, repo: ConfigRepo, commit: str) -> Rendered | None:
        """Render once more, whatever is kept, to see whether two renders agree. Raises as `render`.

        None for a kind that comes out the same by its nature: no program of the repo's choosing makes it.
        """
        ...


class Target(Protocol):
    """One destination, where applications run."""

    async def apply(
        self,
        app: Application,
        rendered: Rendered,
        *,
        occasion: Occasion = "upgrade",
        attempt: int | None = None,
        before_deleting: Callable[[], Awaitable[None]] | None = None,
    ) -> ApplyResult:
        """Make it so. What already is so is left alone. A half-done apply is a result, not an error.

        occasion: why, which decides what of the version is run once (hooks) where a target knows such things.
        attempt: the number of its deployment: what one ran once it does not run again when it is gone on with.
        before_deleting: waits until the other applications that a new head concerns are applied, too, or will not be:
        where several may ask for one thing, what one of them lets go of may be another's now.
        Raises TargetFailed if nothing at all was done.
        """
        ...

    async def observe(self, app: str) -> Observation:
        """Look once. Never raises for what runs there: Unknown and why is an answer."""
        ...

    async def tree(self, app: str) -> ResourceTree:
        """Return what an application consists of here, from memory. Never raises: `trouble` is an answer."""
        ...

    async def services(self, app: str) -> Services:
        """Return what an application runs here, from memory, without `last_change`. Never raises, as `tree`."""
        ...

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> tuple[PodEvent, ...]:
        """Ask what is told of a pod of an application, newest first; namespace: see PodLogRequest.

        Raises UnknownPod, TargetFailed where it cannot be had now.
        """
        ...

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        """Ask for the end of a pod's log. Raises UnknownPod, Unknown (no such container), TargetFailed."""
        ...

    async def prune(self, app: str, *, leaving: Leaving | None = None) -> list[str]:
        """Stop and delete everything of an application; return what was deleted, as `Kind name`.

        leaving: what ran last, whose hooks run before and after; None: no hooks. Raises TargetFailed, with what was
        and was not done; called once more, it does the rest.
        """
        ...

    async def let_go(self, app: str) -> None:
        """Leave all that an application runs as it is, and to whoever else asks for it. Raises TargetFailed."""
        ...

    async def going(self, app: str) -> Going:
        """Say what `prune` would delete now, and what would stay. Raises TargetFailed where that cannot be seen."""
        ...

    def followed(self, apps: Collection[str]) -> None:
        """Hear which applications should run here, by name: all of them, now and then.

        What another one has in common with one that is not among them may be had from it. Changes nothing that runs.
        """
        ...

    def changes(self) -> AsyncIterator[str]:
        """Yield the name of an application each time something about it changed, without end.

        What a later `observe` has seen may be left out.
        """
        ...


class Store(Protocol):
    """The records. Every write is one transaction. Raises StoreUnavailable, StoreFull, StoreNewer."""

    # repos and heads
    async def save_repo(self, repo: RepoRecord) -> None:
        """Insert or replace a followed repo by name."""
        ...

    async def repos(self) -> list[RepoRecord]:
        """Return the followed repos by name."""
        ...

    async def observe_head(
        self, *, repo: str, branch: str, commit: str, previous: str | None, kind: HeadKind, at: dt.datetime
    ) -> ObservedHead:
        """Append to the log of heads."""
        ...

    async def observed_heads(self, repo: str, branch: str, *, limit: int = 100) -> list[ObservedHead]:
        """Return the log, newest first."""
        ...

    # applications
    async def save_application(self, app: ApplicationRecord, *, told: Told | None = None) -> None:
        """Insert or replace an application by name; told: the event that says so, all or nothing with it."""
        ...

    async def application(self, name: str) -> ApplicationRecord | None:
        """Return one application."""
        ...

    async def applications(self, names: Collection[str] | None = None) -> list[ApplicationRecord]:
        """Return all applications by name, removed ones too. names: only these."""
        ...

    async def delete_application(self, name: str) -> None:
        """Stop keeping an application's present state; its deployments stay for ever."""
        ...

    async def observe(self, observation: Observation, *, told: Told | None = None) -> None:
        """Set health, sync, message and observed_at of an application; told: see save_application."""
        ...

    # deployments
    async def start_deployment(self, deployment: Deployment, *, told: Told | None = None) -> Deployment:
        """Record the start of an attempt (id and number of the argument are ignored); return it with both.

        told: see save_application; its payload is given the number.
        """
        ...

    async def save_deployment(self, deployment: Deployment, *, told: Told | None = None) -> None:
        """Replace a deployment's changing parts: outcome, times, message, phases, resources, digest, images, origins.

        told: see save_application.
        """
        ...

    async def save_carried(self, carried: Carried, *, told: Told | None = None) -> None:
        """Insert or replace the features of a deployment record; told: see save_application."""
        ...

    async def carried(self, deployments: Collection[int]) -> dict[int, Carried]:
        """Return the features of those of these records (ids) that have them."""
        ...

    async def built(self, app: str, *, limit: int) -> list[tuple[int, tuple[Built, ...]]]:
        """Return what the images and bases of an application's records (ids) were built from, newest first.

        At most `limit` records; those that keep nothing of that are left out.
        """
        ...

    async def wanting_features(self, *, after_id: int, at: dt.datetime, limit: int = 50) -> list[Deployment]:
        """Return records whose features are to be looked for, oldest first, at most `limit`.

        Those with an id above `after_id` that changed images or bases and were not looked at, and those whose
        `again_at` is not after `at`.
        """
        ...

    async def save_settings(self, kept: KeptSettings, *, told: Told | None = None) -> None:
        """Insert or replace the settings that a deployment changed; its record is found by them.

        told: see save_application.
        """
        ...

    async def settings(self, deployments: Collection[int]) -> dict[int, KeptSettings]:
        """Return the settings of those of these records (ids) that have them."""
        ...

    async def wanting_settings(self, *, after_id: int, at: dt.datetime, limit: int = 50) -> list[Deployment]:
        """Return records whose settings are to be looked for, oldest first, at most `limit`.

        Those with an id above `after_id` that were not looked at, and those whose `again_at` is not after `at`.
        """
        ...

    async def deployment(self, app: str, number: int) -> Deployment | None:
        """Return one record."""
        ...

    async def deployments(self, query: DeploymentQuery) -> list[Deployment]:
        """Return records, newest first."""
        ...

    async def count_deployments(self, query: DeploymentQuery) -> int:
        """Count the records that match, limit and before_id aside."""
        ...

    async def deployment_buckets(self, query: DeploymentQuery, edges: Sequence[dt.datetime]) -> list[Bucket]:
        """Count the matching records between each two neighbouring edges, by outcome (or trigger, if succeeded)."""
        ...

    async def deployment_totals(self) -> list[DeploymentCount]:
        """Count all attempts that ended, by application, trigger and outcome, in that order."""
        ...

    async def attempts(self, app: str) -> list[Attempt]:
        """Return what the figures of delivery need of all attempts of an application that ended, oldest first."""
        ...

    async def unfinished_deployments(self) -> list[Deployment]:
        """Return what was in progress when the last agent ended."""
        ...

    async def latest_deployments(self, apps: Collection[str]) -> dict[str, Deployment]:
        """Return the newest record of each of these applications that has one."""
        ...

    async def judged(self, app: str, *, newest: int | None = None) -> tuple[list[HoldRecord], list[Judged]]:
        """Return the holds in force and all that last-good depends on, newest first, both as of one moment.

        That is of each version the newest record that judges it: it baked, degraded afterwards, or failed for its own
        reasons; of the 200 newest such versions. newest: so many of the newest of these records instead, of whichever
        versions, which costs the same however many there are.
        """
        ...

    # operations
    async def save_operation(self, operation: Operation, *, holds: Sequence[HoldRecord] = ()) -> None:
        """Insert or replace an operation by id; holds: what began or ended by it, all or nothing with it."""
        ...

    async def operation(self, operation: str) -> Operation | None:
        """Return one operation."""
        ...

    async def operations(
        self, *, app: str | None = None, commit: str | None = None, open_only: bool = False, limit: int = 50
    ) -> list[Operation]:
        """Return operations, newest first; commit: those that came by this one; open_only: those that did not end."""
        ...

    # holds, refusals, pauses
    async def save_hold(self, hold: HoldRecord) -> None:
        """Insert or replace a hold by (app, hold id)."""
        ...

    async def holds(self, app: str | None = None, *, in_force: bool = True) -> list[HoldRecord]:
        """Return holds, oldest first."""
        ...

    async def refuse(self, refused: RefusedHead) -> None:
        """Record that a hold kept a commit out; once for each (app, commit)."""
        ...

    async def refused_heads(
        self,
        app: str | None = None,
        *,
        environment: str | None = None,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        limit: int = 1000,
    ) -> list[RefusedHead]:
        """Return refusals, newest first; since, until: refused in [since, until)."""
        ...

    async def pause(self, pause: Pause) -> None:
        """Add a pause, replacing one of the same scope and name."""
        ...

    async def resume(self, scope: str, name: str | None) -> bool:
        """End a pause; say whether there was one."""
        ...

    async def pauses(self) -> list[Pause]:
        """Return the pauses in force."""
        ...

    # events
    async def add_event(self, *, kind: str, app: str | None, payload: Mapping[str, Any], at: dt.datetime) -> Event:
        """Append an event."""
        ...

    async def events(self, *, after: int, limit: int = 200) -> list[Event]:
        """Return events with an id above `after`, oldest first."""
        ...


class Notifier(Protocol):
    """Tells people. Failing to tell never fails what is told."""

    async def tell(self, event: Event) -> None:
        """Send a message about an event."""
        ...


class Agent(Protocol):
    """What a front end may ask of the agent that follows the repos. All else goes through Git or the store."""

    async def look(self, repo: str | None) -> list[str]:
        """Look at a repo (None: at all) now instead of at the next poll; return the names looked at.

        Returns when what was found is recorded; deployments that follow from it go on by themselves.
        Raises LastgoodError for a name that is not followed.
        """
        ...

    async def press(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """Let the failed, refused or stopped head of an application go. Raises UnknownApplication."""
        ...

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """Stop following an application that is gone from Git; by: who asks, for the record.

        Raises UnknownApplication, NotAllowed.
        """
        ...

    async def changed(self, app: str | None) -> None:
        """Say that pauses, holds or marks of an application (None: of any) changed in the store."""
        ...


class Lastgood(Protocol):
    """All that a front end may ask: served by `local/` from flows and queries, or by `remote/` from a server."""

    async def apps(self) -> list[ApplicationView]:
        """Return the applications by name."""
        ...

    async def status(self, app: str) -> StatusView:
        """Return one application in full. Raises UnknownApplication."""
        ...

    async def timeline(self, query: TimelineQuery) -> list[TimelineEntry]:
        """Return history, newest first. Raises UnknownApplication."""
        ...

    async def show(self, app: str, version: str) -> TimelineEntry:
        """Return one record. Raises UnknownVersion."""
        ...

    async def diff(self, app: str, from_: str, to: str | None) -> DiffView:
        """Compare two versions; to None: with the current one."""
        ...

    async def render(self, app: str, version: str | None) -> Rendered:
        """Render a version (None: the current one)."""
        ...

    async def features(self, app: str, from_: str | None = None, to: str | None = None) -> FeaturesView:
        """Say what entered and left between two versions (None: `previous`, `current`). Raises UnknownVersion."""
        ...

    async def figures(self, query: FiguresQuery) -> FiguresView:
        """Return the figures of delivery. Raises NeedsServer, Unknown, CommandLineWrong."""
        ...

    async def compare(self, environment: str, other: str) -> CompareView:
        """Say which features one environment has that another does not. Raises Unknown for no such environment."""
        ...

    async def where(self, feature: str) -> list[WhereEntry]:
        """Say of each application whether what it runs contains a feature, or has an image (`web:1.4.2`).

        Raises UnknownFeature; AmbiguousImage where the end of a name fits several.
        """
        ...

    async def plan(self, request: RollbackRequest) -> Plan:
        """Say what a rollback would do. Never raises for a check that blocks."""
        ...

    async def rollback(self, request: RollbackRequest, *, planned: Plan | None = None) -> Plan:
        """Do it; planned: the plan that the person saw. Raises Blocked, BranchMoved, PushRefused, PushUnknown."""
        ...

    async def plan_undo(self, request: UndoRequest) -> Plan:
        """Say what an undo would do. Raises NothingToUndo."""
        ...

    async def undo(self, request: UndoRequest, *, planned: Plan | None = None) -> Plan:
        """Do it."""
        ...

    async def hold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """Put a version on hold, by a commit."""
        ...

    async def unhold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        """Let a version go, by a commit."""
        ...

    async def pause(self, request: PauseRequest) -> list[Pause]:
        """Stop deployments; return the pauses in force."""
        ...

    async def resume(self, request: PauseRequest) -> list[Pause]:
        """Let deployments go on; return the pauses still in force."""
        ...

    async def retry(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """Press: try the failed, refused or stopped deployment again."""
        ...

    async def sync(self, app: str | None) -> list[str]:
        """Look now; return the names of the repos that were looked at."""
        ...

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """Stop following an application that was removed from Git; prune: delete what it ran."""
        ...

    async def operation(self, operation: str) -> Operation:
        """Return one operation. Raises UnknownOperation."""
        ...

    async def problems(self, app: str | None = None) -> "list[Problem]":
        """Return what is wrong in the repos and what looking passes over; app: only what concerns this one.

        A repo that cannot be reached, say, is a problem without a file.
        """
        ...

    async def tree(self, app: str) -> ResourceTree:
        """Return what an application consists of where it runs. Raises UnknownApplication, NeedsServer."""
        ...

    async def services(self, app: str) -> Services:
        """Return what an application runs, and what changed it last. Raises UnknownApplication, NeedsServer."""
        ...

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> list[PodEvent]:
        """Return what is told of a pod, newest first. Raises UnknownPod, TargetFailed, and as `tree`."""
        ...

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        """Return the end of a pod's log. Raises CommandLineWrong, UnknownPod, Unknown, TargetFailed, and as `tree`."""
        ...

    async def wait_healthy(self, plan: Plan, *, timeout_s: float) -> WaitResult:
        """Wait until what a rollback pushed is Healthy, or failed, or the time is over."""
        ...
