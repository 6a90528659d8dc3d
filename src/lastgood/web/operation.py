"""The page of one operation while it runs, and after."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from lastgood.core.ports import Lastgood
from lastgood.web.pages import Page, Pages, wants_part
from lastgood.web.progress import END_STEPS, Progress, progress_of


@dataclass(frozen=True, kw_only=True)
class OperationPage(Page):
    """The context of operation.html and of partials/progress.html."""

    progress: Progress
    now: dt.datetime


def operation_router(lastgood: Lastgood, pages: Pages, *, watch: Callable[[str], None]) -> APIRouter:
    """Serve the page; for htmx the progress alone. watch: asks the stream to send what changes in it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/operations/{identity}")
    async def operation(identity: str, request: Request) -> Response:
        frame = pages.frame(request, section="applications")
        progress = await progress_of(lastgood, identity, now=frame.now)
        if progress.state not in END_STEPS:
            watch(progress.operation.id)
        page = OperationPage(frame=frame, title=progress.title, progress=progress, now=frame.now)
        return pages.answer("partials/progress.html" if wants_part(request) else "operation.html", page)

    return router
