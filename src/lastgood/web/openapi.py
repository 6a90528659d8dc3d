"""The OpenAPI 3.1 document, made from the table of routes and from the values: what is described is what is sent."""

import re
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.record import Event
from lastgood.core.value import Value
from lastgood.web.api import ROUTES, Route, Running, json_answer
from lastgood.web.query import EventsAsked, NoQuery, query_fields, read_query
from lastgood.web.routes import Routes

_REF = "#/components/schemas/{name}"


class Failure(Value, frozen=True, kw_only=True):
    """What went wrong. facts: JSON values that belong to the code."""

    code: str
    message: str
    app: str | None
    hint: str | None
    facts: dict[str, Any]


class ErrorShape(Value, frozen=True, kw_only=True):
    """The one shape of every error."""

    error: Failure


@cache
def openapi(version: str) -> dict[str, Any]:
    """Return the document as plain JSON."""
    kinds = [kind for route in ROUTES for kind in (route.answer, route.body) if kind is not None]
    kinds += [Running, Event, ErrorShape]
    _, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(f"/api/v1{route.path}", {})[route.method.lower()] = _operation(route)
    paths["/api/v1/version"] = {"get": _answering("Which lastgood answers", "version", _schema(Running))}
    paths["/api/v1/events"] = {"get": _events()}
    paths["/api/v1/openapi.json"] = {"get": _answering("This document", "openapi", {"type": "object"})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "lastgood", "version": version, "summary": "Every deployment, and the way back, over HTTP"},
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def openapi_routes(version: str) -> Routes:
    """Serve the document."""
    routes = Routes()

    @routes.get("/api/v1/openapi.json")
    async def described(request: Request) -> Response:
        read_query(request.query_params.multi_items(), NoQuery)
        return json_answer(openapi(version))

    return routes


def _operation(route: Route) -> dict[str, Any]:
    name = f"{route.method.lower()}_{re.sub(r'[^a-z]+', '_', route.path).strip('_')}"
    described = _answering(route.summary, name, _schema(route.answer))
    parameters = [_parameter(word, "path", {"type": "string"}) for word in re.findall(r"\{(\w+)\}", route.path)]
    parameters += _asked(route.query)
    if parameters:
        described["parameters"] = parameters
    if route.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(route.body)}}}
    return described


def _answering(summary: str, name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "summary": summary,
        "operationId": name,
        "responses": {
            "200": {"description": summary, "content": {"application/json": {"schema": schema}}},
            "default": {
                "description": "An error: what happened, to what, and what to do next",
                "content": {"application/json": {"schema": _schema(ErrorShape)}},
            },
        },
    }


def _events() -> dict[str, Any]:
    described = _answering("Events as they happen, a server-sent event each; its data is an Event", "events", {})
    described["responses"]["200"]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
    described["parameters"] = [
        *_asked(EventsAsked),
        {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "integer", "minimum": 0}},
    ]
    return described


def _parameter(name: str, where: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required or where == "path", "schema": schema}


def _asked(kind: type[Value]) -> list[dict[str, Any]]:
    return [
        {**_parameter(one.name, "query", one.schema, required=one.required), "description": one.about}
        for one in query_fields(kind)
    ]


def _schema(kind: Any) -> dict[str, Any]:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return schema
