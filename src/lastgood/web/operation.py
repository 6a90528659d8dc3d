"""The page of one operation while it runs, and after."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.ports import Lastgood
from lastgood.web.pages import Page, Pages, wants_part
from lastgood.web.progress import END_STEPS, Progress, progress_of
from lastgood.web.routes import Routes


@dataclass(frozen=True, kw_only=True)
class OperationPage(Page):
    """The context of operation.html and of partials/progress.html."""

    progress: Progress
    now: dt.datetime


def operation_routes(lastgood: Lastgood, pages: Pages, *, watch: Callable[[str], None]) -> Routes:
    """Serve the page; for htmx the progress alone. watch: asks the stream to send what changes in it."""
    routes = Routes()

    @routes.get("/operations/{identity}")
    async def operation(request: Request, identity: str) -> Response:
        frame = pages.frame(request, section="applications")
        progress = await progress_of(lastgood, identity, now=frame.now)
        if progress.state not in END_STEPS:
            watch(progress.operation.id)
        page = OperationPage(frame=frame, title=progress.title, progress=progress, now=frame.now)
        return pages.answer("partials/progress.html" if wants_part(request) else "operation.html", page)

    return routes
