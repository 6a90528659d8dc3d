"""The port Lastgood filled with a made-up shop: every state that a page or an answer can show. For tests of front ends.

Keeps what was asked (`calls`) and what was ordered (`orders`); nothing runs. `MemoryRecords` is the store's part.
"""

import datetime as dt
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from lastgood.core.application import ApplicationView, Policy, Refusal
from lastgood.core.built import Built
from lastgood.core.chain import Chain, ChainConfig, ChainDeployment, ChainImage, ChainSource
from lastgood.core.commit import Commit, Person
from lastgood.core.deployment import Deployment, DeploymentView, Phase
from lastgood.core.discovery import Problem
from lastgood.core.errors import (
    Blocked,
    LastgoodError,
    NothingToUndo,
    Unknown,
    UnknownApplication,
    UnknownOperation,
    UnknownPod,
    UnknownVersion,
)
from lastgood.core.feature import Feature
from lastgood.core.feature_views import ComparedApplication, CompareView, FeaturesView, Waiting, WhereEntry
from lastgood.core.figures import Attempt, FiguresQuery, FiguresView, Judged, figures, figures_by, judge
from lastgood.core.hold import HeldFile, Hold
from lastgood.core.observation import ResourceHealth, ResourceResult
from lastgood.core.operation import Moved, Operation, OperationView
from lastgood.core.plan import (
    AlsoAffected,
    Check,
    Plan,
    PlannedApplication,
    PlannedFeatures,
    PlannedFile,
    PlannedResource,
    PlanResult,
)
from lastgood.core.pod import PodEvent, PodLog, PodLogRequest
from lastgood.core.record import Bucket, DeploymentCount, DeploymentQuery, Event, Pause, RepoRecord, RepoState
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
from lastgood.core.resource import ImageChange, Rendered
from lastgood.core.resource_tree import ResourceTree, TreeEdge, TreeNode, node_id
from lastgood.core.service import Endpoint, LastChange, Services, ServiceView
from lastgood.core.setting import SettingChange, Settings
from lastgood.core.source_features import NotKnown
from lastgood.core.status import StatusView, WaitResult, waiting_requests
from lastgood.core.timeline import Input, TimelineEntry, TimelineQuery, with_waiting
from lastgood.core.version import Version
from lastgood.core.words import DeliveryPolicy, Trigger

NOW = dt.datetime(2026, 11, 19, 14, 32, tzinfo=dt.UTC)
PRIYA = Person(name="Priya Raman", email="priya@example.com")
INES = Person(name="Ines Okafor", email="ines@example.com")
TOMASZ = Person(name="Tomasz Wrona", email="tomasz@example.com")
LENA = Person(name="Lena Fischer", email="lena@example.com")
BOT = Person(name="image-updater", email="bot@example.com")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)> {{7*7}} javascript:alert(3)"


def oid(text: str) -> str:
    """Return 40 hex digits that begin with the text if it is hex, so that tests can name them."""
    made = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return (text + made)[:40] if all(sign in "0123456789abcdef" for sign in text) else made


def ago(**length: float) -> dt.datetime:
    return NOW - dt.timedelta(**length)


def version(short: str, subject: str, author: Person, at: dt.datetime, *, ran: bool | None = True) -> Version:
    return Version(
        version=oid(f"version {short}"),
        path_tree=oid(f"version {short}"),
        commit=oid(short),
        short=short,
        subject=subject,
        author=author,
        committed_at=at,
        ran=ran,
    )


def entry(short: str, subject: str, author: Person, at: dt.datetime, **changed: Any) -> TimelineEntry:
    """Return one record of web-production; outcome and trigger make its deployment (outcome None: none)."""
    outcome = changed.pop("outcome", "succeeded")
    trigger = changed.pop("trigger", "commit")
    number = changed.pop("number", None)
    message = changed.pop("message", "")
    lasted = dt.timedelta(seconds=changed.pop("lasted_s", 41))
    deployment = None
    if outcome is not None:
        deployment = DeploymentView(
            id=number or 1,
            outcome=outcome,
            trigger=trigger,
            started_at=at,
            finished_at=None if outcome == "in-progress" else at + lasted,
            baked_at=at + dt.timedelta(minutes=10) if outcome == "succeeded" else None,
            message=message,
            phases=(
                Phase(name="render", started_at=at, finished_at=at + dt.timedelta(seconds=1), message="3 resources"),
            ),
            resources=(ResourceResult(kind="Process", name="web", change="modified", outcome="applied"),),
            last_words=changed.pop("last_words", ""),
        )
    given: dict[str, Any] = {
        "app": "web-production",
        "number": number,
        "version": oid(f"version {short}"),
        "path_tree": oid(f"version {short}"),
        "inputs": (Input(path="apps/web/production", oid=oid(f"version {short}")),),
        "commit": oid(short),
        "short": short,
        "subject": subject,
        "body": "",
        "author": author,
        "committer": author,
        "committed_at": at,
        "ran": outcome is not None,
        "current": False,
        "last_good": False,
        "held": False,
        "same_as": None,
        "operation": None,
        "deployment": deployment,
        "images": (),
        "features": (),
        "pull_requests": (),
        "issues": (),
        "committers": (author,),
        "cursor": f"before-{short}",
    }
    return TimelineEntry(**(given | changed))


def image(name: str, before: str | None, after: str | None) -> ImageChange:
    return ImageChange(name=name, from_=before, to=after)


def setting(path: str, before: str | None, after: str | None, *, hidden: bool = False) -> SettingChange:
    return SettingChange(
        kind="Process", namespace=None, name="web", path=path, before=before, after=after, hidden=hidden
    )


def sample_entries() -> list[TimelineEntry]:
    """Return three days of web-production, newest first: every kind of record."""
    rolled_back = OperationView(
        id="11111111-2222-3333-4444-555555555555",
        kind="rollback",
        from_=oid("7d03f1c"),
        to=oid("3515c7a"),
        reason="Basket total wrong when two VAT rates are mixed, INC-207",
        despite=("never-ran",),
        recorded=True,
    )
    feature = Feature(
        id="#482",
        repo="web",
        kind="pull_request",
        title="Gift message on checkout",
        url="https://git.example.com/shop/web/pulls/482",
        authors=(TOMASZ,),
        commits=(),
        type=None,
        breaking=False,
    )
    entries = [
        entry(
            "e81f4b2",
            "Release payments 2.19.0 and web 5.45.0",
            INES,
            ago(minutes=14),
            number=9,
            outcome="partial",
            message="payments: 0 of 1 ready, exits with code 1 after 2 s. web runs.",
            current=True,
            health="Degraded",
            sync="Synced",
            images=(image("payments", "2.18.0", "2.19.0"), image("web", "5.44.2", "5.45.0")),
            last_words="config error: PAYMENTS_RETRY_BUDGET is not set",
        ),
        entry(
            "bad0bad", "image-updater: payments 2.17.9", BOT, ago(minutes=50), outcome=None, ran=False, refused_by="h1"
        ),
        entry(
            "c40d9a7",
            "Release web 5.44.2: gift message on checkout",
            TOMASZ,
            ago(hours=22),
            number=8,
            last_good=True,
            images=(image("web", "5.44.1", "5.44.2"),),
            features=(feature,),
            features_left=(
                msgspec.structs.replace(
                    feature, id="#471", title=HOSTILE, url="javascript:alert(1)", labels=("q4", HOSTILE)
                ),
            ),
            features_unknown=(NotKnown(image="search", reason="its tag tells no revision"),),
            features_more=3,
            built=(
                Built(
                    image="web",
                    reference="5.44.2",
                    repo="https://git.example.com/shop/web",
                    revision="c" * 40,
                    how="tag",
                ),
                Built(image="search", reference="latest", repo=HOSTILE),
            ),
            pull_requests=(
                {"id": "#1304", "repo": "web", "title": "Gift message", "url": "javascript:alert(1)"},
                {"id": "#1302", "repo": "web", "title": "Search", "url": None},
            ),
        ),
        entry(
            "a9e6610",
            "Release web 5.44.1: gift message on checkout",
            TOMASZ,
            ago(hours=22, minutes=8),
            number=7,
            outcome="superseded",
            message="replaced by c40d9a7 before it was healthy",
            lasted_s=480,
        ),
        entry(
            "5b2aa38",
            "Roll back web-production to 3515c7a",
            PRIYA,
            ago(days=2, hours=3),
            number=6,
            trigger="rollback",
            same_as=oid("3515c7a"),
            operation=rolled_back,
            images=(image("cart", "3.13.0", "3.12.1"),),
            body="Basket total wrong\n\nLastgood-Operation: rollback\n",
        ),
        entry(
            "7d03f1c",
            "Release cart 3.13.0: VAT per line",
            LENA,
            ago(days=2, hours=4),
            number=5,
            outcome="failed",
            held=True,
            message="cart: readiness answered 500 for 4 min",
            images=(image("cart", "3.12.1", "3.13.0"),),
        ),
        entry(
            "3515c7a",
            "Release cart 3.12.1",
            PRIYA,
            ago(days=2, hours=20),
            number=4,
            trigger="drift",
            message="web was stopped by hand",
        ),
        entry("3515c7a", "Release cart 3.12.1: delivery date in the basket", PRIYA, ago(days=3), number=3),
        entry(
            "f2197be",
            "Raise the web memory limit to 768Mi, separate the readiness probe from the liveness probe, and keep the "
            "asset cache on its own volume so that a restart no longer empties it",
            LENA,
            ago(days=6),
            number=2,
            settings=Settings(
                changes=(
                    setting("spec.memory", "512Mi", "768Mi"),
                    setting("spec.env.API_TOKEN", None, None, hidden=True),
                    setting(HOSTILE, None, HOSTILE),
                ),
                more=4,
            ),
        ),
        entry(
            "0d4c8a5",
            HOSTILE,
            Person(name=HOSTILE, email="x"),
            ago(days=6, hours=5),
            number=1,
            body=HOSTILE,
            message=HOSTILE,
            images=(image(HOSTILE, HOSTILE, "1"),),
        ),
    ]
    staging = [
        entry(
            "7be02d9",
            "Release cart 3.14.1",
            BOT,
            ago(seconds=40),
            app="web-staging",
            number=12,
            outcome="in-progress",
            current=True,
            health="Progressing",
            sync="OutOfSync",
        ),
        entry("66a0b3e", "Import supplier prices nightly", INES, ago(minutes=25), app="web-staging", number=11),
    ]
    return [*staging, *entries]


def view(name: str, group: str, environment: str | None, **changed: Any) -> ApplicationView:
    """Return a healthy application."""
    running = changed.pop("runs", version("d2c81f4", "Show refunds next to the order", TOMASZ, ago(hours=3)))
    given: dict[str, Any] = {
        "name": name,
        "group": group,
        "environment": environment,
        "repo": "shop-config",
        "branch": "main",
        "path": f"apps/{group}/{environment or ''}",
        "destination": environment or "here",
        "renderer": "process-compose",
        "health": "Healthy",
        "sync": "Synced",
        "observed_at": ago(seconds=5),
        "desired": running,
        "running": running,
        "last_good": None,
        "held": 0,
        "paused": False,
        "refused": None,
        "updated_at": ago(hours=3),
    }
    return ApplicationView(**(given | changed))


def sample_apps() -> list[ApplicationView]:
    """Return applications in every state."""
    broken = version("e81f4b2", "Release payments 2.19.0 and web 5.45.0", INES, ago(minutes=15))
    good = version("c40d9a7", "Release web 5.44.2: gift message on checkout", TOMASZ, ago(hours=22))
    rolling = version("7be02d9", "Release cart 3.14.1", BOT, ago(minutes=1))
    return [
        view(
            "web-production",
            "web",
            "production",
            health="Degraded",
            runs=broken,
            last_good=good,
            held=1,
            updated_at=ago(minutes=14),
            message="payments is not ready",
        ),
        view(
            "web-staging",
            "web",
            "staging",
            health="Progressing",
            sync="OutOfSync",
            runs=rolling,
            updated_at=ago(seconds=40),
        ),
        view("cart-production", "cart", "production", last_good=good),
        view("cart-staging", "cart", "staging"),
        view(
            "mail-and-newsletter-dispatcher-production",
            "mail-and-newsletter-dispatcher",
            "production",
            health="Unknown",
            sync="Unknown",
            message="the destination does not answer",
            updated_at=ago(days=6),
        ),
        view("search-production", "search", "production", paused=True),
        view(
            "stock-production",
            "stock",
            "production",
            sync="OutOfSync",
            refused=Refusal(commit=oid("bad0bad"), hold="h1"),
        ),
        view("tax-production", "tax", "production", state="removed", message="its folder is gone from main"),
        view(
            "reports-staging", "reports", "staging", state="stopped", message="main was rewound: 1 application changes"
        ),
        view("images-staging", "images", "staging", health="Missing", runs=None, updated_at=None, observed_at=None),
        view("night-jobs", "night-jobs", None, health="Suspended"),
    ]


def sample_chain(**changed: Any) -> Chain:
    """Return a chain of which all parts are known, some hostile, and that ended with a rollback."""

    def config(short: str, subject: str) -> ChainConfig:
        return ChainConfig(
            repo="shop-config",
            path="apps/web/production",
            commit=oid(short),
            subject=subject,
            author=PRIYA,
            committed_at=ago(hours=3),
        )

    def run(number: int, trigger: Trigger, reason: str) -> ChainDeployment:
        at = ago(hours=12 - number)
        return ChainDeployment(
            number=number,
            outcome="succeeded",
            trigger=trigger,
            started_at=at,
            finished_at=at + dt.timedelta(minutes=5),
            reason=reason,
        )

    pull = Feature(
        id="PR-481",
        repo="web",
        kind="pull_request",
        title="Gift message on checkout",
        url="https://git.example.com/shop/web/pulls/481",
        authors=(TOMASZ,),
        commits=(oid("c0ffee"),),
        type=None,
        breaking=False,
        labels=("q4", HOSTILE),
    )
    given: dict[str, Any] = {
        "feature": msgspec.structs.replace(pull, id="SHOP-107", kind="issue", url="javascript:alert(1)"),
        "pull_request": pull,
        "source": ChainSource(
            repo="web", commit=oid("c0ffee"), title=HOSTILE, author=TOMASZ, committed_at=ago(days=1), url=None
        ),
        "build": "https://git.example.com/runs/2231",
        "images": (ChainImage(name="shop/web", reference=f"1.4.2@sha256:{'b' * 64}", revision=oid("c0ffee")),),
        "config": config("c40d9a7", HOSTILE),
        "deployment": run(8, "commit", ""),
        "left_config": config("5b2aa38", "Roll back web-production"),
        "left": run(9, "rollback", HOSTILE),
        "held": True,
    }
    return Chain(**(given | changed))


def sample_hold() -> Hold:
    return Hold(
        id="h1",
        version=oid("version 7d03f1c"),
        commit=oid("7d03f1c"),
        images=("cart:3.13.0",),
        files=(HeldFile(path="apps/web/production/process-compose.yaml", blob=oid("blob")),),
        reason="wrong basket totals, INC-207",
        by="Priya Raman",
        since=ago(days=2),
    )


def deployment_of(view: ApplicationView, found: TimelineEntry | None) -> Deployment | None:
    """Return the record behind a timeline entry."""
    if found is None or found.deployment is None or found.version is None:
        return None
    shown = found.deployment
    return Deployment(
        id=shown.id,
        app=view.name,
        number=found.number or 0,
        version=found.version,
        path_tree=found.path_tree,
        commit=Commit(
            oid=found.commit,
            tree=oid("tree"),
            parents=(),
            author=found.author,
            committer=found.committer,
            authored_at=found.committed_at,
            committed_at=found.committed_at,
            message=found.subject,
        ),
        trigger=shown.trigger,
        outcome=shown.outcome,
        started_at=shown.started_at,
        finished_at=shown.finished_at,
        message=shown.message,
        phases=shown.phases,
        images=found.images,
        last_words=shown.last_words,
    )


def sample_attempts(app: str = "web-production", *, count: int = 120) -> list[Attempt]:
    """Return a deployment every 18 hours, each with 3 commits: one in 11 fails, and is rolled back or fixed."""
    made = []
    for number in range(1, count + 1):
        ended = NOW - dt.timedelta(hours=18 * (count - number) + 3)
        fails = number % 11 == 5
        back = number % 22 == 6
        made.append(
            Attempt(
                app=app,
                number=number,
                version=f"v{number}",
                trigger="rollback" if back else "commit",
                outcome=("partial" if number % 2 else "failed") if fails else "succeeded",
                started_at=ended - dt.timedelta(seconds=41),
                finished_at=ended - (dt.timedelta(hours=18 - number % 7) if back else dt.timedelta()),
                degraded_at=None,
                committed=tuple(ended - dt.timedelta(hours=n * (2 + number % 5)) for n in (1, 3, 9)),
            )
        )
    return made


def judge_all(attempts: Iterable[Attempt], *, since: dt.datetime, until: dt.datetime) -> list[Judged]:
    """Judge the attempts of any number of applications, each by itself."""
    by_app: dict[str, list[Attempt]] = {}
    for one in attempts:
        by_app.setdefault(one.app, []).append(one)
    return [one for some in by_app.values() for one in judge(some, since=since, until=until)]


class MemoryLastgood:
    """The port, answered from lists. Change `views`, `entries`, `plan_checks` to get another state."""

    def __init__(self) -> None:
        self.views = {view.name: view for view in sample_apps()}
        self.entries = sample_entries()
        self.attempts: list[Attempt] = []
        self.chains = {"web-production": sample_chain()}
        self.holds = {"web-production": (sample_hold(),)}
        self.pauses = [
            Pause(scope="application", name="search-production", reason="stock-taking", by="Lena", since=ago(hours=1))
        ]
        self.operations: dict[str, Operation] = {}
        self.plan_checks: tuple[Check, ...] = sample_checks()
        self.plan_delivery: DeliveryPolicy | None = None
        self.plan_result: dict[str, Any] = {}
        self.done_notes: tuple[str, ...] = ()
        self.reason_required = False
        self.repo_state: tuple[RepoState, str] = ("ok", "")
        self.wrong = [Problem(app=None, file="lastgood.yaml", line=3, reason="there is no key 'nam' here")]
        self.fails: LastgoodError | None = None
        self.calls: list[str] = []
        self.orders: list[Any] = []

    def _asked(self, what: str) -> None:
        self.calls.append(what)
        if self.fails is not None:
            raise self.fails

    def _view(self, app: str) -> ApplicationView:
        if app not in self.views:
            raise UnknownApplication(name=app, nearest=[])
        return self.views[app]

    async def apps(self) -> list[ApplicationView]:
        self._asked("apps")
        return sorted(self.views.values(), key=lambda view: view.name)

    async def status(self, app: str) -> StatusView:
        self._asked("status")
        view = self._view(app)
        found = next((entry for entry in self.entries if entry.app == app and entry.deployment), None)
        sick = view.health in {"Degraded", "Missing"}
        resources = (
            ResourceHealth(kind="Process", name="web", health="Healthy", ready=4, wanted=4),
            ResourceHealth(
                kind="Process",
                name="payments",
                health="Degraded" if sick else "Healthy",
                ready=0 if sick else 1,
                message="the process exits with code 1 after 2 s (6 restarts)" if sick else "",
                last_words="config error: PAYMENTS_RETRY_BUDGET is not set" if sick else "",
            ),
        )
        return StatusView(
            application=view,
            policy=Policy(reason_required=self.reason_required),
            holds=self.holds.get(app, ()),
            pauses=tuple(pause for pause in self.pauses if pause.name in {app, view.environment, None}),
            repo=RepoRecord(
                name="shop-config",
                url="https://git.example.com/shop.git",
                branch="main",
                state=self.repo_state[0],
                message=self.repo_state[1],
                head=oid("e81f4b2"),
                observed_at=NOW,
            ),
            deployment=deployment_of(view, found),
            resources=resources if view.health not in {"Unknown", None} else (),
            health_message=view.message or "",
            warnings=(view.message,) if view.message else (),
            waiting=waiting_requests(
                one for one in self.operations.values() if any(move.app == app for move in one.moved)
            ),
        )

    async def tree(self, app: str) -> ResourceTree:
        self._asked("tree")
        view = self._view(app)
        deployment = node_id("apps", "Deployment", view.group, "web")
        pod = node_id("", "Pod", view.group, "web-7d4-x2x")
        given: dict[str, Any] = {
            "namespace": view.group,
            "health": view.health or "Unknown",
            "created_at": ago(hours=3),
        }
        return ResourceTree(
            app=app,
            observed_at=NOW,
            nodes=(
                TreeNode(id=deployment, group="apps", kind="Deployment", name="web", asked=True, **given),
                TreeNode(id=pod, group="", kind="Pod", name="web-7d4-x2x", asked=False, message=HOSTILE, **given),
            ),
            edges=(TreeEdge(from_=deployment, to=pod, leads="owns"),),
        )

    async def services(self, app: str) -> Services:
        self._asked("services")
        view = self._view(app)
        change = LastChange(
            number=8, trigger="commit", at=ago(hours=22), commit=oid("c40d9a7"), subject=HOSTILE, author=TOMASZ
        )
        service = ServiceView(
            group="apps",
            kind="Deployment",
            namespace=view.group,
            name="web",
            health=view.health or "Unknown",
            ready=4,
            wanted=4,
            images=("registry.example.com/shop/web:5.44.2",),
            endpoints=(Endpoint(kind="Service", name="web", address="web.shop.svc:80", ready=4, wanted=4),),
            labels={"team": HOSTILE},
            pods=("web-7d4-x2x",),
            last_change=change,
        )
        return Services(app=app, observed_at=NOW, services=(service,))

    async def pod_events(self, app: str, pod: str, *, namespace: str | None = None) -> list[PodEvent]:
        self._asked(f"pod_events {namespace}")
        self._view(app)
        if pod != "web-7d4-x2x":
            raise UnknownPod(app=app, pod=pod)
        return [
            PodEvent(
                at=NOW,
                first_at=ago(minutes=3),
                count=6,
                type="Warning",
                reason="BackOff",
                message=HOSTILE,
                source="kubelet",
            )
        ]

    async def pod_log(self, request: PodLogRequest) -> PodLog:
        self._asked("pod_log")
        self._view(request.app)
        self.orders.append(request)
        if request.pod != "web-7d4-x2x":
            raise UnknownPod(app=request.app, pod=request.pod)
        return PodLog(
            app=request.app,
            pod=request.pod,
            namespace="shop",
            container=request.container or "web",
            previous=request.previous,
            text=f"{HOSTILE}\n",
            cut=False,
        )

    async def problems(self, app: str | None = None) -> list[Problem]:
        self._asked("problems")
        return [one for one in self.wrong if app is None or one.app in {None, app}]

    async def timeline(self, query: TimelineQuery) -> list[TimelineEntry]:
        self._asked("timeline")
        if query.app is not None and not any(entry.app == query.app for entry in self.entries):
            self._view(query.app)
        kept = [entry for entry in self.entries if _matches(entry, query, self.views)]
        if query.before:
            at = next((n for n, entry in enumerate(kept) if entry.cursor == query.before), None)
            kept = kept[at + 1 :] if at is not None else []
            return kept[: query.limit]
        return with_waiting(kept[: query.limit], [*self.operations.values()][::-1])

    async def show(self, app: str, version: str) -> TimelineEntry:
        self._asked("show")
        self._view(app)
        for found in self.entries:
            if found.app == app and (f"n{found.number}" == version or found.commit.startswith(version)):
                return found
        raise UnknownVersion(app=app, version=version)

    async def diff(self, app: str, from_: str, to: str | None) -> DiffView:
        self._asked("diff")
        view = self._view(app)
        if view.running is None:
            raise UnknownVersion(app=app, version=from_)
        return DiffView(app=app, from_=view.running, to=view.running, rendered=True, why="", resources=(), files=())

    async def features(self, app: str, from_: str | None = None, to: str | None = None) -> FeaturesView:
        self._asked("features")
        view = self._view(app)
        if view.running is None:
            raise UnknownVersion(app=app, version=from_ or "previous")
        entered = tuple(feature for entry in self.entries for feature in entry.features if entry.app == app)
        unknown = (NotKnown(image="web", reason="its tag tells no revision"),)
        return FeaturesView(app=app, from_=view.running, to=view.running, entered=entered, left=(), unknown=unknown)

    async def figures(self, query: FiguresQuery) -> FiguresView:
        self._asked("figures")
        if query.app is not None:
            self._view(query.app)
        until = query.until or NOW
        since = query.since or until - dt.timedelta(weeks=13)
        found = judge_all([one for one in self.attempts if query.app in (None, one.app)], since=since, until=until)
        return FiguresView(
            app=query.app,
            environment=query.environment,
            group=query.group,
            figures=figures(found, since=since, until=until),
            parts=figures_by(found, lambda one: one.app, since=since, until=until) if query.by else (),
        )

    async def compare(self, environment: str, other: str) -> CompareView:
        self._asked("compare")
        views = self.views.values()
        groups = {e: {v.group: v for v in views if v.environment == e} for e in (environment, other)}
        if not all(groups.values()):
            raise Unknown(f"no application is in the environment {environment}", name=environment)
        feature = next(feature for entry in self.entries for feature in entry.features)
        gone = NotKnown(image="web", reason="the repo is gone")
        pairs = [
            (group, one, groups[other][group]) for group, one in groups[environment].items() if group in groups[other]
        ]
        return CompareView(
            environment=environment,
            other=other,
            applications=tuple(
                ComparedApplication(
                    group=group,
                    app=one.name,
                    other_app=there.name,
                    version=one.running,
                    other_version=there.running,
                    only=(Waiting(feature=feature, since=ago(days=2)),) if one.running != there.running else (),
                    unknown=(NotKnown(image="search", reason=HOSTILE),) if one.running != there.running else (),
                    images=(ChainImage(name=HOSTILE, reference="a" * 40, revision=None),),
                    recorded=(gone,) if one.running != there.running else (),
                )
                for group, one, there in pairs
            ),
        )

    async def where(self, feature: str) -> list[WhereEntry]:
        self._asked("where")
        since = max((entry.committed_at for entry in self.entries), default=None)
        newest = {entry.app: entry.number for entry in reversed(self.entries) if entry.number is not None}
        return [
            WhereEntry(
                environment=view.environment,
                app=view.name,
                contains=True,
                since=since,
                via="c0" * 20,
                reason=feature,
                deployment=newest.get(view.name),
                images=(ChainImage(name="web", reference="f" * 40, revision="f" * 40),),
                chain=self.chains.get(view.name),
            )
            for view in sorted(self.views.values(), key=lambda view: view.name)
        ]

    async def render(self, app: str, version: str | None) -> Rendered:
        raise NotImplementedError

    async def plan(self, request: RollbackRequest) -> Plan:
        self._asked("plan")
        return self._plan(request.apps, request, kind="rollback")

    async def rollback(self, request: RollbackRequest, *, planned: Plan | None = None) -> Plan:
        self._asked("rollback")
        plan = self._plan(request.apps, request, kind="rollback")
        if plan.blocking:
            names = [check.name for check in plan.blocking]
            raise Blocked(app=request.apps[0], checks=names, blocking=", ".join(names))
        self.orders.append((request, planned))
        return self._done(plan, request.by or PRIYA)

    async def plan_undo(self, request: UndoRequest) -> Plan:
        self._asked("plan_undo")
        if request.app != "web-production":
            raise NothingToUndo(app=request.app)
        return self._plan((request.app,), request, kind="undo")

    async def undo(self, request: UndoRequest, *, planned: Plan | None = None) -> Plan:
        self._asked("undo")
        self.orders.append((request, planned))
        return self._done(self._plan((request.app,), request, kind="undo"), request.by or PRIYA)

    async def hold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        self._asked("hold")
        return self._held(request, "hold", dry_run=dry_run)

    async def unhold(self, request: HoldRequest, *, dry_run: bool = False) -> HoldResult:
        self._asked("unhold")
        return self._held(request, "unhold", dry_run=dry_run)

    async def pause(self, request: PauseRequest) -> list[Pause]:
        self._asked("pause")
        self.orders.append(request)
        return self.pauses

    async def resume(self, request: PauseRequest) -> list[Pause]:
        self._asked("resume")
        self.orders.append(request)
        return self.pauses

    async def retry(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        self._asked("retry")
        if not dry_run:
            self.orders.append(request)
        view = self._view(request.app)
        return PressResult(
            app=request.app,
            version=view.desired,
            because="the last attempt failed",
            started=not dry_run,
            files=(
                PlannedFile(path="apps/web/production/process-compose.yaml", change="modified", added=1, removed=1),
            ),
        )

    async def sync(self, app: str | None) -> list[str]:
        self._asked("sync")
        return ["shop-config"]

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        self._asked("forget")
        if not dry_run:
            self.orders.append((app, prune))
        return ForgetResult(app=app, pruned=("Process web",) if prune else ())

    async def operation(self, operation: str) -> Operation:
        self._asked("operation")
        if operation not in self.operations:
            raise UnknownOperation(operation=operation)
        return self.operations[operation]

    async def wait_healthy(self, plan: Plan, *, timeout_s: float) -> WaitResult:
        self._asked(f"wait {timeout_s:g}")
        return WaitResult(
            healthy=True, health={"web-production": "Healthy"}, outcome={"web-production": "succeeded"}, message=""
        )

    def _held(self, request: HoldRequest, kind: Any, *, dry_run: bool) -> HoldResult:
        self._view(request.app)
        identity = "99999999-2222-3333-4444-555555555555"
        if not dry_run:
            self.orders.append(request)
            self.operations[identity] = sample_operation(identity, request.by or PRIYA, kind=kind, step="done")
        return HoldResult(
            app=request.app,
            operation=identity,
            holds=(sample_hold(),),
            commit=None if dry_run else oid("ab"),
            pushed=not dry_run,
            git=("git push origin HEAD:main",),
        )

    def _plan(self, apps: tuple[str, ...], request: Any, *, kind: Any) -> Plan:
        checks = tuple(
            replace(check, overridden=check.outcome == "block" and check.name in request.despite)
            for check in self.plan_checks
        )
        via = getattr(request, "via", None)
        plan = replace(
            sample_plan(
                [self._view(app) for app in apps],
                checks,
                kind=kind,
                reason=request.reason,
                hold=getattr(request, "hold", False),
            ),
            via=via or ("pr" if self.plan_delivery == "pull-request" else "push"),
            delivery=self.plan_delivery,
        )
        return replace(plan, result=replace(plan.result, **self.plan_result))

    def wait_for(self, url: str, *, identity: str = "op-waiting") -> None:
        """Let a rollback of web-production wait for a pull request."""
        asked = {"via": "pr", "result": {"pull_request": url}, "message": "Roll back web-production to 3515c7a\n\nslow"}
        self.operations[identity] = sample_operation(identity, PRIYA, step="waiting", message="", plan=asked)

    def _done(self, plan: Plan, by: Person) -> Plan:
        plan = replace(plan, notes=(*plan.notes, *self.done_notes))
        if plan.via == "pr":
            url = "https://git.example.com/o/config/pulls/7"
            self.wait_for(url, identity=plan.id)
            return replace(plan, result=replace(plan.result, commit=oid("d5e9c01"), pushed=False, pull_request=url))
        self.operations[plan.id] = sample_operation(plan.id, by, kind=plan.kind, step="done")
        return replace(plan, result=replace(plan.result, commit=oid("d5e9c01"), pushed=True))


def _matches(entry: TimelineEntry, query: TimelineQuery, views: dict[str, ApplicationView]) -> bool:
    deployment = entry.deployment
    environment = views[entry.app].environment if entry.app in views else None
    text = f"{entry.subject} {entry.commit} {entry.author.name}".casefold()
    return (
        (query.app is None or entry.app == query.app)
        and (query.environment is None or environment == query.environment)
        and (query.since is None or entry.committed_at >= query.since)
        and (query.until is None or entry.committed_at < query.until)
        and (query.outcome is None or (deployment is not None and deployment.outcome == query.outcome))
        and (query.trigger is None or (deployment is not None and deployment.trigger == query.trigger))
        and (query.held is None or entry.held == query.held)
        and (query.author is None or query.author.casefold() in entry.author.name.casefold())
        and all(word in text for word in (query.search or "").casefold().split())
    )


def sample_checks() -> tuple[Check, ...]:
    """Return one check in each outcome."""
    return (
        Check(name="renders", app="web-production", outcome="pass", detail="the version renders to 3 resources"),
        Check(
            name="other-writer",
            app="web-production",
            outcome="warn",
            detail="image-updater wrote to this path twice this week",
        ),
        Check(name="failed-before", app="web-production", outcome="unknown", detail="nobody recorded it"),
        Check(
            name="held",
            app="web-production",
            outcome="block",
            detail="c40d9a7 is on hold: INC-207",
            hint="unhold it first",
        ),
    )


def sample_plan(views: list[ApplicationView], checks: tuple[Check, ...], *, kind: Any, reason: str, hold: bool) -> Plan:
    """Return a plan that takes applications back to their last good version."""
    to = version("c40d9a7", "Release web 5.44.2: gift message on checkout", TOMASZ, ago(hours=22))
    diff = "@@ -1,3 +1,3 @@\n name: payments\n-image: payments:2.19.0\n+image: payments:2.18.0\n <b>hostile</b>"
    return Plan(
        id="5f0c2a7e-0000-4000-8000-000000000001",
        mode="restore",
        via="push",
        branch="main",
        head=oid("e81f4b2"),
        applications=tuple(
            PlannedApplication(
                app=view.name,
                from_=view.running or to,
                to=to,
                version=to.version,
                path_tree=to.path_tree,
                files=(
                    PlannedFile(
                        path=f"{view.path}/process-compose.yaml", change="modified", added=1, removed=1, new=oid("b")
                    ),
                ),
                resources=(
                    PlannedResource(
                        group="", kind="Process", namespace=None, name="payments", change="modified", diff=diff
                    ),
                ),
                renders_as_ran=True,
                images=(ImageChange(name="payments", from_="2.19.0", to="2.18.0"),),
                features=PlannedFeatures(),
                hold=sample_hold() if hold else None,
            )
            for view in views
        ),
        also_affected=(AlsoAffected(app="cart-production", how="it shares base/"),),
        checks=checks,
        git=("git fetch origin main", "git push --porcelain origin HEAD:main"),
        result=PlanResult(tree=oid("tree"), commit=None, pushed=None, head=oid("e81f4b2")),
        kind=kind,
        reason=reason,
    )


def sample_operation(
    identity: str, by: Person, *, kind: Any = "rollback", step: Any = "done", **changed: Any
) -> Operation:
    """Return an operation on web-production."""
    given: dict[str, Any] = {
        "id": identity,
        "kind": kind,
        "repo": "shop-config",
        "branch": "main",
        "moved": (Moved(app="web-production", from_=oid("e81f4b2"), to=oid("c40d9a7")),),
        "reason": "payments does not start",
        "despite": (),
        "by": by,
        "requested_at": ago(seconds=24),
        "step": step,
        "commit": oid("d5e9c01"),
        "head": oid("e81f4b2"),
    }
    return Operation(**(given | changed))


class MemoryRecords:
    """The part of the store that the web server reads."""

    def __init__(self, lastgood: MemoryLastgood) -> None:
        self._lastgood = lastgood
        self.kept: list[Event] = []
        self.calls: list[str] = []

    def happen(self, kind: str, app: str | None, **payload: Any) -> Event:
        """Add an event."""
        self.kept.append(Event(id=len(self.kept) + 1, at=NOW, kind=kind, app=app, payload=payload))
        return self.kept[-1]

    async def events(self, *, after: int, limit: int = 200) -> list[Event]:
        return [event for event in self.kept if event.id > after][:limit]

    async def deployment(self, app: str, number: int) -> Deployment | None:
        self.calls.append("deployment")
        found = next((one for one in self._lastgood.entries if (one.app, one.number) == (app, number)), None)
        return deployment_of(self._lastgood.views[app], found) if found is not None else None

    async def count_deployments(self, query: DeploymentQuery) -> int:
        self.calls.append("count")
        return sum(entry.deployment is not None and query.app in {None, entry.app} for entry in self._lastgood.entries)

    async def deployment_totals(self) -> list[DeploymentCount]:
        self.calls.append("totals")
        made = [(one.app, one.deployment) for one in self._lastgood.entries if one.deployment]
        counts = Counter((app, one.trigger, one.outcome) for app, one in made if one.outcome != "in-progress")
        return [
            DeploymentCount(app=app, trigger=trigger, outcome=outcome, count=count)
            for (app, trigger, outcome), count in sorted(counts.items())
        ]

    async def deployment_buckets(self, query: DeploymentQuery, edges: Sequence[dt.datetime]) -> list[Bucket]:
        self.calls.append("buckets")
        buckets = [Bucket(start=start, end=end, counts={}) for start, end in itertools.pairwise(edges)]
        for found in self._lastgood.entries:
            made = found.deployment
            if made is None or query.app not in {None, found.app}:
                continue
            key = made.trigger if made.outcome == "succeeded" else made.outcome
            for bucket in buckets:
                if bucket.start <= made.started_at < bucket.end:
                    bucket.counts[key] = bucket.counts.get(key, 0) + 1
        return buckets
