"""The web server put together: pages, API and event stream over the port Lastgood, behind the guard.

Is handed everything that it shows; makes no adapter and starts no agent.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from lastgood.core.errors import LastgoodError, Unknown
from lastgood.core.ports import Clock, Lastgood
from lastgood.web.access import Access, Doorkeeper
from lastgood.web.api import api_routes
from lastgood.web.applications import applications_routes
from lastgood.web.assets import load_assets
from lastgood.web.features import features_routes
from lastgood.web.figures import figures_routes
from lastgood.web.guard import Guard
from lastgood.web.openapi import openapi_routes
from lastgood.web.operation import operation_routes
from lastgood.web.pages import Pages
from lastgood.web.plan import plan_routes
from lastgood.web.prometheus import Scrape, prometheus_routes
from lastgood.web.records import Records
from lastgood.web.routes import Routes
from lastgood.web.services import services_routes
from lastgood.web.sign_in import error_answer, refusal, sign_in_routes
from lastgood.web.small import small_routes
from lastgood.web.state import state_routes
from lastgood.web.stream import Stream, stream_routes
from lastgood.web.timeline import timeline_routes


def create_web(lastgood: Lastgood, records: Records, *, access: Access, clock: Clock, version: str) -> Starlette:
    """Make the ASGI application that uvicorn serves.

    lastgood: what is asked and done. records: where events and the chart's counts are read (a Store is one).
    access: who may; call `check_address` before listening anywhere.
    """
    pages = Pages(clock=clock, version=version)
    doorkeeper = Doorkeeper(access)
    stream = Stream(lastgood, records, pages=pages, clock=clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with stream:
            yield

    async def said_no(request: Request, error: Exception) -> Response:
        if not isinstance(error, LastgoodError):
            raise error
        return error_answer(pages, request, error)

    async def not_routed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        missing = Unknown(f"there is no page {request.url.path[:200]}", name=request.url.path[:200])
        return error_answer(pages, request, missing, status)

    parts = (
        _own_routes(),
        load_assets().routes(),
        sign_in_routes(doorkeeper, pages),
        applications_routes(lastgood, pages),
        timeline_routes(lastgood, records, pages),
        features_routes(lastgood, pages),
        figures_routes(lastgood, records, pages),
        services_routes(lastgood, pages),
        state_routes(lastgood, pages),
        plan_routes(lastgood, pages),
        small_routes(lastgood, pages),
        operation_routes(lastgood, pages, watch=stream.watch),
        stream_routes(stream),
        prometheus_routes(Scrape(lastgood, records, clock=clock, version=version)),
        openapi_routes(version),
        api_routes(lastgood, version=version),
    )
    return Starlette(
        routes=[route for part in parts for route in part.made],
        exception_handlers={LastgoodError: said_no, HTTPException: not_routed},
        middleware=[Middleware(Guard, doorkeeper=doorkeeper, clock=clock, refuse=partial(refusal, pages))],
        lifespan=lifespan,
    )


def _own_routes() -> Routes:
    routes = Routes()

    @routes.get("/")
    async def start(_: Request) -> Response:
        return RedirectResponse("/applications", status_code=303)

    @routes.get("/healthz")
    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return routes
