"""The plan page: what a rollback or an undo would do, the choices that change it, and the one button that starts it."""

import datetime as dt
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lastgood.core.application import ApplicationView
from lastgood.core.checks import CHECKS
from lastgood.core.errors import CommandLineWrong, LastgoodError, PushUnknown
from lastgood.core.plan import Check, Plan, PlannedApplication
from lastgood.core.ports import Lastgood
from lastgood.core.request import RollbackRequest, UndoRequest
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.core.value import Value
from lastgood.core.words import DeliveryPolicy, Via
from lastgood.web.access import SignedIn
from lastgood.web.api import http_status
from lastgood.web.asked import text
from lastgood.web.badge import Badge, check_badge, health_badge
from lastgood.web.pages import Frame, Page, Pages, many, segment, wants_part
from lastgood.web.routes import Routes

REASON_CHARS = 2000
APPS_MOST = 50
OTHERS_MOST = 30
REVERT_COMMITS = 10
PLANS_KEPT = 200
DIFF_LINES = 400
OPEN_RESOURCES = 50
_VIAS: dict[str, Via] = {word: word for word in get_args(Via)}
_ORDER = ("block", "overridden", "warn", "unknown", "pass")
_FORCED = {check.name for check in CHECKS if not check.overridable}


class CheckLine(Value, frozen=True, kw_only=True):
    """One check as shown. may_override: it blocks, and typing its name lets the plan go on."""

    check: Check
    badge: Badge
    may_override: bool
    focus: bool


class DiffLine(Value, frozen=True, kw_only=True):
    """One line of a difference. kind: add, del, cut or nothing."""

    kind: str
    text: str


class ResourceDiff(Value, frozen=True, kw_only=True):
    """One changed resource. sign: ~, + or -. cut: how many lines are left out."""

    app: str
    kind: str
    name: str
    change: str
    sign: str
    lines: tuple[DiffLine, ...]
    cut: int
    open: bool


class Choices(Value, frozen=True, kw_only=True):
    """What the form holds now: the text is kept whatever the plan says."""

    apps: tuple[str, ...]
    to: str
    without: str
    with_: str
    mode: str
    commits: tuple[str, ...]
    hold: bool
    reason: str
    despite: tuple[str, ...]
    reason_required: bool
    via: str


@dataclass(frozen=True, kw_only=True)
class PlanPage(Page):
    """The context of plan.html. problem: why there is no plan, or why it was not started."""

    app: str
    undo: bool
    choices: Choices
    plan: Plan | None
    problem: LastgoodError | None
    started: bool
    from_badge: Badge | None
    checks: tuple[CheckLine, ...]
    counts: tuple[tuple[str, Badge], ...]
    summary: str
    resources: tuple[ResourceDiff, ...]
    others: tuple[ApplicationView, ...]
    revertible: tuple[TimelineEntry, ...]
    expect: tuple[tuple[str, str], ...]
    deliveries: tuple[tuple[str, str, str], ...]
    button: str
    why_off: str
    now: dt.datetime


def check_lines(plan: Plan, *, focus: bool) -> tuple[CheckLine, ...]:
    """Order the checks: blockers, overridden, warnings, not checked, passed. focus: the cursor goes to the first."""
    ordered = sorted(plan.checks, key=lambda check: _ORDER.index("overridden" if check.overridden else check.outcome))
    lines = []
    for check in ordered:
        blocks = check.outcome == "block" and not check.overridden
        may = blocks and check.name not in _FORCED
        lines.append(CheckLine(check=check, badge=check_badge(check), may_override=may, focus=focus and may))
        focus = focus and not may
    return tuple(lines)


def check_counts(plan: Plan) -> tuple[tuple[str, Badge], ...]:
    """Count the checks in words, those that matter most first."""
    kinds: dict[str, list[Check]] = {kind: [] for kind in _ORDER}
    for check in plan.checks:
        kinds["overridden" if check.overridden else check.outcome].append(check)
    words = {
        "block": lambda n: f"{n} {'blocks' if n == 1 else 'block'}",
        "overridden": lambda n: f"{n} overridden",
        "warn": lambda n: many(n, "warning"),
        "unknown": lambda n: f"{n} not checked",
        "pass": lambda n: f"{n} {'passes' if n == 1 else 'pass'}",
    }
    return tuple((words[kind](len(found)), check_badge(found[0])) for kind, found in kinds.items() if found)


def summary_of(plan: Plan) -> str:
    """Say the plan in one line."""
    if plan.changes_nothing:
        return "Nothing would change in Git."
    parts = (
        (sum(len(app.files) for app in plan.applications), "file"),
        (sum(len(app.resources) for app in plan.applications), "resource"),
        (sum(len(app.images) for app in plan.applications), "image"),
    )
    said = [many(count, what) for count, what in parts if count]
    listed = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
    sentences = [f"1 new commit changes {listed}." if listed else "1 new commit places a hold."]
    if len(plan.applications) > 1:
        sentences.append(f"{len(plan.applications)} applications move.")
    moving = (
        (sum(len(app.features.leaving) for app in plan.applications), "feature", "leave"),
        (sum(len(app.features.returning) for app in plan.applications), "feature", "return"),
        (sum(len(app.settings.changes) + app.settings.more for app in plan.applications), "setting", "change"),
    )
    sentences += [f"{many(count, what)} {does}{'s' if count == 1 else ''}." for count, what, does in moving if count]
    return " ".join(sentences)


def resource_diffs(applications: Sequence[PlannedApplication]) -> tuple[ResourceDiff, ...]:
    """Lay the differences out line by line, 400 lines each; over 50 resources all are closed."""
    found = [(app.app, resource) for app in applications for resource in app.resources]
    shown = []
    for app, resource in found:
        lines = resource.diff.splitlines()
        shown.append(
            ResourceDiff(
                app=app,
                kind=resource.kind,
                name=resource.name,
                change=resource.change,
                sign={"added": "+", "removed": "-"}.get(resource.change, "~"),
                lines=tuple(DiffLine(kind=_line_kind(line), text=line) for line in lines[:DIFF_LINES]),
                cut=max(len(lines) - DIFF_LINES, 0),
                open=len(found) <= 3,  # noqa: PLR2004 - a few are read at once
            )
        )
    return tuple(shown)


def _line_kind(line: str) -> str:
    if line.startswith(("@@", "---", "+++")):
        return "cut"
    return {"+": "add", "-": "del"}.get(line[:1], "")


class PlanDesk:
    """Reads the form, asks for plans, remembers those that were shown so that they are what is carried out."""

    def __init__(self, lastgood: Lastgood, pages: Pages) -> None:
        self._lastgood = lastgood
        self._pages = pages
        self._shown: OrderedDict[str, Plan] = OrderedDict()

    def remember(self, plan: Plan) -> None:
        """Keep a plan that a person sees; the oldest goes."""
        self._shown[plan.id] = plan
        while len(self._shown) > PLANS_KEPT:
            self._shown.popitem(last=False)

    def recall(self, identity: str) -> Plan | None:
        """Return a plan that was shown, None after a restart: the versions that were seen still bind."""
        return self._shown.get(identity)

    async def page(
        self, frame: Frame, name: str, choices: Choices, *, undo: bool, problem: LastgoodError | None, focus: bool
    ) -> PlanPage:
        """Make the page: one plan, the status of each application in it, all applications for "also roll back"."""
        plan: Plan | None = None
        try:
            plan = await self.plan(choices, frame.signed_in, undo=undo, name=name)
            self.remember(plan)
        except LastgoodError as no_plan:
            problem = problem or no_plan
        status = await self._lastgood.status(name)
        required = status.policy.reason_required
        choices = msgspec.structs.replace(choices, reason_required=required)
        apps = [] if undo else await self._lastgood.apps()
        revertible: list[TimelineEntry] = []
        if choices.mode == "revert" and len(choices.apps) == 1:
            entries = await self._lastgood.timeline(TimelineQuery(app=name, limit=REVERT_COMMITS))
            # One commit may have several records: healed, tried again.
            revertible = list({entry.commit: entry for entry in reversed(entries)}.values())[::-1]
        me = status.application
        others = [other for other in apps if other.name != name and other.environment == me.environment]
        return PlanPage(
            frame=frame,
            title=f"Plan: {'undo the last operation of' if undo else 'roll back'} {name}",
            app=name,
            undo=undo,
            choices=choices,
            plan=plan,
            problem=problem,
            started=False,
            from_badge=health_badge(me.health),
            checks=check_lines(plan, focus=focus) if plan else (),
            counts=check_counts(plan) if plan else (),
            summary=summary_of(plan) if plan else "",
            resources=resource_diffs(plan.applications) if plan else (),
            others=tuple(others[:OTHERS_MOST]),
            revertible=tuple(revertible),
            expect=tuple((app.app, app.from_.version or "") for app in plan.applications) if plan else (),
            deliveries=() if undo else _deliveries(plan),
            button=_button(plan, choices, undo=undo),
            why_off=_why_off(plan),
            now=frame.now,
        )

    async def plan(self, choices: Choices, who: SignedIn | None, *, undo: bool, name: str) -> Plan:
        """Ask what would happen."""
        if undo:
            return await self._lastgood.plan_undo(_undo_request(choices, who, name))
        return await self._lastgood.plan(_rollback_request(choices, who, {}))

    async def start(self, choices: Choices, who: SignedIn, form: Mapping[str, str], *, undo: bool, name: str) -> Plan:
        """Do what was planned. Raises Blocked, BranchMoved, PushRefused, PushUnknown."""
        planned = self.recall(form.get("plan", ""))
        if undo:
            return await self._lastgood.undo(_undo_request(choices, who, name), planned=planned)
        expect = {app: form.get(f"expect-{app}") or None for app in choices.apps if f"expect-{app}" in form}
        return await self._lastgood.rollback(_rollback_request(choices, who, expect), planned=planned)


def read_choices(name: str, fields: Sequence[tuple[str, str]], *, from_form: bool) -> Choices:
    """Read the choices from a link's query or from the form. Raises CommandLineWrong."""
    one = dict(fields)
    everything: dict[str, list[str]] = {}
    for key, value in fields:
        everything.setdefault(key, []).append(text(value) if key in {"app", "despite", "commit"} else value)
    apps = tuple(dict.fromkeys([name, *everything.get("app", ())]))
    if len(apps) > APPS_MOST:
        raise CommandLineWrong(f"a plan has at most {APPS_MOST} applications")
    mode = one.get("mode", "restore")
    if mode not in {"restore", "revert"}:
        raise CommandLineWrong("mode is restore or revert", hint="a reset is made from a clone: `--mode reset`")
    via = one.get("via", "")
    if via not in {"", *_VIAS}:
        raise CommandLineWrong("via is push or pr")
    reason = one.get("reason", "").replace("\r\n", "\n").strip()
    if len(reason) > REASON_CHARS:
        raise CommandLineWrong(f"the reason has {len(reason)} characters; the limit is {REASON_CHARS}")
    known = {check.name for check in CHECKS}
    typed = text(one.get("override", ""))
    despite = [check for check in everything.get("despite", ()) if check in known]
    taken_back = text(one.get("enforce", ""))
    if typed in known - _FORCED:
        despite.append(typed)
    return Choices(
        apps=apps,
        to=text(one.get("to", "")),
        without=text(one.get("without", "")),
        with_=text(one.get("with", "")),
        mode=mode,
        commits=tuple(everything.get("commit", ())),
        hold="hold" in one if from_form else True,
        reason=reason,
        despite=tuple(dict.fromkeys(check for check in despite if check != taken_back)),
        reason_required=False,
        via=via,
    )


def _rollback_request(choices: Choices, who: SignedIn | None, expect: dict[str, str | None]) -> RollbackRequest:
    named = {"last-good": "last_good", "previous": "previous"}.get(choices.to)
    return RollbackRequest(
        apps=choices.apps,
        to=choices.to if choices.to and named is None else None,
        last_good=named == "last_good",
        previous=named == "previous",
        without=choices.without or None,
        with_=choices.with_ or None,
        mode="revert" if choices.mode == "revert" else "restore",
        commits=choices.commits if choices.mode == "revert" else (),
        reason=choices.reason,
        hold=choices.hold,
        despite=choices.despite,
        by=who.person if who else None,
        expect_versions=expect,
        via=_VIAS.get(choices.via),
    )


def _undo_request(choices: Choices, who: SignedIn | None, name: str) -> UndoRequest:
    return UndoRequest(app=name, reason=choices.reason, despite=choices.despite, by=who.person if who else None)


def _deliveries(plan: Plan | None) -> tuple[tuple[str, str, str], ...]:
    """Return the ways of delivery to choose from: value, name, what it means; none where there is but one."""
    if plan is None or plan.delivery is None:
        return ()
    default, other = _OFFERED[plan.delivery]
    return (("", *default), other)


_OFFERED: dict[DeliveryPolicy, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "push": (
        ("Push (default)", "The commit goes to the branch at once."),
        ("pr", "Pull request", "Somebody merges it at the forge; nothing is deployed before."),
    ),
    "pull-request": (
        ("Pull request (default)", "Somebody merges it at the forge; nothing is deployed before."),
        ("push", "Push", "The commit goes to the branch at once, if the server takes it."),
    ),
    "pull-request-if-refused": (
        ("Push (default)", "If the server refuses it, a pull request is opened."),
        ("pr", "Pull request", "Somebody merges it at the forge; nothing is deployed before."),
    ),
}


def _button(plan: Plan | None, choices: Choices, *, undo: bool) -> str:
    if plan is not None and plan.via == "pr":
        return "Open a pull request"
    if undo:
        return "Undo the last operation"
    if plan is None:
        return "Roll back"
    if choices.mode == "revert":
        return f"Undo {many(len(choices.commits) or 1, 'commit')}"
    short = plan.applications[0].to.short if plan.applications else None
    apps = f" {len(plan.applications)} applications" if len(plan.applications) > 1 else ""
    return f"Roll back{apps} to {short}" if short else f"Roll back{apps}"


def _why_off(plan: Plan | None) -> str:
    if plan is None:
        return "There is no plan to start."
    if plan.asked_before:
        return "It was asked for by pull request before."
    if plan.blocking:
        names = ", ".join(dict.fromkeys(check.name for check in plan.blocking))
        return f"{names} {'blocks' if len(plan.blocking) == 1 else 'block'}. Override by name, or fix the cause."
    return "Nothing would change." if plan.changes_nothing else ""


def plan_routes(lastgood: Lastgood, pages: Pages) -> Routes:  # noqa: C901 - a table of routes
    """Serve the plan pages (GET from a link, POST with the form's choices), and start what they show."""
    routes = Routes()
    desk = PlanDesk(lastgood, pages)

    async def show(
        request: Request,
        name: str,
        *,
        undo: bool,
        form: list[tuple[str, str]] | None,
        problem: LastgoodError | None = None,
    ) -> Response:
        frame = pages.frame(request, section="applications")
        fields = form if form is not None else list(request.query_params.multi_items())
        choices = read_choices(name, fields, from_form=form is not None)
        overrode = bool(dict(fields).get("override"))
        page = await desk.page(frame, name, choices, undo=undo, problem=problem, focus=overrode)
        status = http_status(problem) if problem else 200
        part = wants_part(request)
        return pages.answer("partials/plan-form.html" if part else "plan.html", page, status=200 if part else status)

    async def start(request: Request, name: str, *, undo: bool) -> Response:
        form: list[tuple[str, str]] = request.scope["form"]
        choices = read_choices(name, form, from_form=True)
        try:
            done = await desk.start(choices, request.scope["signed_in"], dict(form), undo=undo, name=name)
        except PushUnknown:
            raise
        except LastgoodError as problem:
            return await show(request, name, undo=undo, form=form, problem=problem)
        return RedirectResponse(f"/operations/{segment(done.id)}", status_code=303)

    @routes.get("/apps/{name}/plan")
    async def plan(request: Request, name: str) -> Response:
        return await show(request, name, undo=False, form=None)

    @routes.post("/apps/{name}/plan")
    async def choose(request: Request, name: str) -> Response:
        return await show(request, name, undo=False, form=request.scope["form"])

    @routes.post("/apps/{name}/rollbacks")
    async def rollback(request: Request, name: str) -> Response:
        return await start(request, name, undo=False)

    @routes.get("/apps/{name}/undo")
    async def plan_undo(request: Request, name: str) -> Response:
        return await show(request, name, undo=True, form=None)

    @routes.post("/apps/{name}/undo/plan")
    async def choose_undo(request: Request, name: str) -> Response:
        return await show(request, name, undo=True, form=request.scope["form"])

    @routes.post("/apps/{name}/undo")
    async def undo(request: Request, name: str) -> Response:
        return await start(request, name, undo=True)

    return routes
