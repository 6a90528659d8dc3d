"""The routes of one part of the server, named beside the function that answers each.

An endpoint is given the request and, by their names, the words of its path. Everything else that it reads (query,
form, body) is hostile and is read by the module that knows what it means.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

E = TypeVar("E", bound=Callable[..., Awaitable[Response]])


class Routes:
    """Collects routes; `made` is what the server is put together from."""

    def __init__(self) -> None:
        self.made: list[Route] = []

    def get(self, path: str) -> Callable[[E], E]:
        """Answer GET with the decorated function."""
        return lambda endpoint: self.add("GET", path, endpoint)

    def post(self, path: str) -> Callable[[E], E]:
        """Answer POST with the decorated function."""
        return lambda endpoint: self.add("POST", path, endpoint)

    def add(self, method: str, path: str, endpoint: E) -> E:
        """Answer one method on one path (`{name}` is a word of it, `{name:path}` all the rest)."""

        async def answer(request: Request) -> Response:
            return await endpoint(request, **request.path_params)

        route = Route(path, answer, methods=[method])
        # A HEAD of the event stream would read it, unseen, for ever.
        route.methods = {method}
        self.made.append(route)
        return endpoint
