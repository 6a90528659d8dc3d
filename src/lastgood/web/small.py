"""The small pages that ask before they act: hold, unhold, pause, resume, retry, forget. Each shows first, then does."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from lastgood.core.errors import CommandLineWrong, LastgoodError
from lastgood.core.ports import Lastgood
from lastgood.core.request import ForgetResult, HoldRequest, HoldResult, PauseRequest, PressRequest, PressResult
from lastgood.core.status import StatusView
from lastgood.web.access import SignedIn
from lastgood.web.api import http_status
from lastgood.web.asked import text
from lastgood.web.pages import Page, Pages, segment
from lastgood.web.routes import Routes

REASON_CHARS = 2000
SCOPES = ("application", "environment", "repo", "everything")


@dataclass(frozen=True, kw_only=True)
class SmallPage(Page):
    """The context of small.html. action: what the page is for, and where its form goes.

    held, pressed, forgotten: what a dry run said; None where there was none.
    """

    app: str
    action: str
    status: StatusView
    version: str
    reason: str
    problem: LastgoodError | None
    held: HoldResult | None
    pressed: PressResult | None
    forgotten: ForgetResult | None
    may_start: bool
    now: dt.datetime


@dataclass(frozen=True, kw_only=True)
class _Form:
    """What a small form holds, or a link to its page."""

    version: str
    reason: str
    until: dt.datetime | None
    scope: str
    prune: bool


_TITLES = {
    "hold": "Hold a version of",
    "unhold": "Release a hold of",
    "pause": "Pause deployments of",
    "resume": "Resume deployments of",
    "retry": "Retry the deployment of",
    "forget": "Forget",
}


def read_form(fields: dict[str, str]) -> _Form:
    """Read a form or a link. Raises CommandLineWrong."""
    reason = fields.get("reason", "").replace("\r\n", "\n").strip()
    if len(reason) > REASON_CHARS:
        raise CommandLineWrong(f"the reason has {len(reason)} characters; the limit is {REASON_CHARS}")
    scope = fields.get("scope", "application")
    if scope not in SCOPES:
        raise CommandLineWrong("a pause is of an application, an environment, a repo or everything")
    until = None
    if fields.get("until"):
        try:
            until = dt.datetime.combine(dt.date.fromisoformat(text(fields["until"])), dt.time(), tzinfo=dt.UTC)
        except ValueError as wrong:
            raise CommandLineWrong("the date cannot be read", hint="as in 2026-11-20") from wrong
    return _Form(
        version=text(fields.get("version", "")),
        reason=reason,
        until=until,
        scope=scope,
        prune=fields.get("prune") == "yes",
    )


class Desk:
    """Does what the small pages offer."""

    def __init__(self, lastgood: Lastgood) -> None:
        self._lastgood = lastgood

    async def do(self, action: str, name: str, form: _Form, who: SignedIn) -> str:
        """Carry an action out; return where the browser goes next."""
        after = f"/apps/{segment(name)}/timeline"
        if action in {"hold", "unhold"}:
            done = await self._hold(action, name, form, who, dry_run=False)
            # Without a commit nothing was to do: there is no operation to look at.
            return f"/operations/{segment(done.operation)}" if done.commit else after
        if action in {"pause", "resume"}:
            request = PauseRequest(
                scope=form.scope, name=await self._scope_name(form.scope, name), reason=form.reason, by=who.person
            )
            await (self._lastgood.pause if action == "pause" else self._lastgood.resume)(request)
        elif action == "retry":
            await self._lastgood.retry(PressRequest(app=name, by=who.person))
        else:
            await self._lastgood.forget(name, prune=form.prune, by=who.person)
            return "/applications"
        return after

    async def preview(
        self, action: str, name: str, form: _Form, who: SignedIn
    ) -> tuple[HoldResult | None, PressResult | None, ForgetResult | None]:
        """Say what an action would do, by a dry run."""
        if action in {"hold", "unhold"} and form.version:
            return await self._hold(action, name, form, who, dry_run=True), None, None
        if action == "retry":
            return None, await self._lastgood.retry(PressRequest(app=name, by=who.person), dry_run=True), None
        if action == "forget":
            return None, None, await self._lastgood.forget(name, prune=True, dry_run=True)
        return None, None, None

    async def _hold(self, action: str, name: str, form: _Form, who: SignedIn, *, dry_run: bool) -> HoldResult:
        request = HoldRequest(app=name, version=form.version, reason=form.reason, until=form.until, by=who.person)
        ask: Callable[..., Awaitable[HoldResult]] = self._lastgood.hold if action == "hold" else self._lastgood.unhold
        return await ask(request, dry_run=dry_run)

    async def _scope_name(self, scope: str, name: str) -> str | None:
        if scope == "application":
            return name
        if scope == "everything":
            return None
        app = (await self._lastgood.status(name)).application
        found = app.environment if scope == "environment" else app.repo
        if found is None:
            raise CommandLineWrong(f"{name} has no {scope}")
        return found


def small_routes(lastgood: Lastgood, pages: Pages) -> Routes:
    """Serve the pages."""
    routes = Routes()
    desk = Desk(lastgood)

    async def show(
        request: Request, name: str, action: str, form: _Form, problem: LastgoodError | None = None
    ) -> Response:
        frame = pages.frame(request, section="applications")
        status = await lastgood.status(name)
        try:
            held, pressed, forgotten = await desk.preview(action, name, form, request.scope["signed_in"])
        except LastgoodError as cannot:
            held = pressed = forgotten = None
            problem = problem or cannot
        page = SmallPage(
            frame=frame,
            title=f"{_TITLES[action]} {name}",
            app=name,
            action=action,
            status=status,
            version=form.version,
            reason=form.reason,
            problem=problem,
            held=held,
            pressed=pressed,
            forgotten=forgotten,
            may_start=problem is None and (pressed is None or pressed.accepts_loss or pressed.version is not None),
            now=frame.now,
        )
        return pages.answer("small.html", page, status=http_status(problem) if problem else 200)

    def add(action: str) -> None:
        async def look(request: Request, name: str) -> Response:
            return await show(request, name, action, read_form(dict(request.query_params)))

        async def start(request: Request, name: str) -> Response:
            form = read_form(dict(request.scope["form"]))
            try:
                after = await desk.do(action, name, form, request.scope["signed_in"])
            except LastgoodError as problem:
                return await show(request, name, action, form, problem)
            return RedirectResponse(after, status_code=303)

        routes.add("GET", f"/apps/{{name}}/{action}", look)
        routes.add("POST", f"/apps/{{name}}/{action}", start)

    for action in _TITLES:
        add(action)
    return routes
