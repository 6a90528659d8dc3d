"""The web server put together: pages, API and event stream over the port Lastgood, behind the guard.

Is handed everything that it shows; makes no adapter and starts no agent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse

from lastgood.core.errors import LastgoodError, Unknown
from lastgood.core.ports import Clock, Lastgood
from lastgood.web.access import Access, Doorkeeper
from lastgood.web.api import api_router
from lastgood.web.applications import applications_router
from lastgood.web.assets import load_assets
from lastgood.web.features import features_router
from lastgood.web.guard import Guard
from lastgood.web.openapi import openapi_router
from lastgood.web.operation import operation_router
from lastgood.web.pages import Pages
from lastgood.web.plan import plan_router
from lastgood.web.records import Records
from lastgood.web.services import services_router
from lastgood.web.sign_in import error_answer, refusal, sign_in_router
from lastgood.web.small import small_router
from lastgood.web.state import state_router
from lastgood.web.stream import Stream, stream_router
from lastgood.web.timeline import timeline_router


def create_web(lastgood: Lastgood, records: Records, *, access: Access, clock: Clock, version: str) -> FastAPI:
    """Make the ASGI application that uvicorn serves.

    lastgood: what is asked and done. records: where events and the chart's counts are read (a Store is one).
    access: who may; call `check_address` before listening anywhere.
    """
    pages = Pages(clock=clock, version=version)
    doorkeeper = Doorkeeper(access)
    stream = Stream(lastgood, records, pages=pages, clock=clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with stream:
            yield

    app = FastAPI(title="lastgood", version=version, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.exception_handler(LastgoodError)
    async def said_no(request: Request, error: LastgoodError) -> Response:
        return error_answer(pages, request, error)

    @app.exception_handler(HTTPException)
    async def not_routed(request: Request, error: HTTPException) -> Response:
        missing = Unknown(f"there is no page {request.url.path[:200]}", name=request.url.path[:200])
        return error_answer(pages, request, missing, error.status_code)

    @app.get("/", include_in_schema=False)
    async def start() -> Response:
        return RedirectResponse("/applications", status_code=303)

    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    for router in (
        load_assets().router(),
        sign_in_router(doorkeeper, pages),
        applications_router(lastgood, pages),
        timeline_router(lastgood, records, pages),
        features_router(lastgood, pages),
        services_router(lastgood, pages),
        state_router(lastgood, pages),
        plan_router(lastgood, pages),
        small_router(lastgood, pages),
        operation_router(lastgood, pages, watch=stream.watch),
        stream_router(stream),
        openapi_router(version),
        api_router(lastgood, version=version),
    ):
        # As they are: `include_router` would make each route a second time, which is most of what a start costs.
        app.router.routes.extend(router.routes)

    app.add_middleware(Guard, doorkeeper=doorkeeper, clock=clock, refuse=partial(refusal, pages))
    return app
