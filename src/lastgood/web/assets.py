"""Stylesheet and scripts: our own, and htmx out of the installed package that ships it (never a copy of ours)."""

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.errors import Unknown
from lastgood.web.routes import Routes

_TYPES = {"css": "text/css", "js": "text/javascript"}
_OWN = ("lastgood.css", "live.js", "live-worker.js")


def _sources() -> dict[str, Traversable]:
    own = files("lastgood.web") / "static"
    # The package is never imported as Django code: only its static folder is read.
    htmx = files("django_htmx") / "static" / "django_htmx"
    return {
        **{name: own / name for name in _OWN},
        "htmx.js": htmx / "htmx-2.min.js",
        "sse.js": htmx / "ext" / "hx-sse-2.min.js",
    }


@cache
def load_assets() -> "Assets":
    """Read the files, once for the process: they are part of the program."""
    return Assets()


class Assets:
    """The files that pages load, each at an address that changes with its content."""

    def __init__(self) -> None:
        self._files = {name: source.read_bytes() for name, source in _sources().items()}
        self._marks = {name: hashlib.sha256(data).hexdigest()[:12] for name, data in self._files.items()}

    def url(self, name: str) -> str:
        """Return where a page finds a file."""
        return f"/static/{name}?v={self._marks[name]}"

    def routes(self) -> Routes:
        """Serve the files; with the mark in the address they may be kept for ever."""
        routes = Routes()

        @routes.get("/static/{name}")
        async def static(request: Request, name: str) -> Response:
            data = self._files.get(name)
            if data is None:
                raise Unknown("there is no such file", name=name[:100])
            lasting = request.query_params.get("v") == self._marks[name]
            return Response(
                data,
                media_type=f"{_TYPES[name.rpartition('.')[2]]}; charset=utf-8",
                headers={"cache-control": "public, max-age=31536000, immutable" if lasting else "no-cache"},
            )

        return routes
