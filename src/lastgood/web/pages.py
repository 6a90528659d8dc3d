"""How a page is made: a template, one context dataclass, and the frame that every page shares.

Knows no application and no plan: each page's own module fills its context.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.ports import Clock
from lastgood.web import clockface
from lastgood.web.access import SignedIn
from lastgood.web.assets import load_assets
from lastgood.web.names import stream_name

THEME_COOKIE = "lastgood_theme"
_SHA1 = 40
_LONG_ID = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{40})(?![0-9a-f])")
_SHADES = 5


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What every page carries. theme: "light", "dark" or "" (the system decides). path: this page, with its query.

    event: the id of the newest event that the page may have seen: the stream goes on after it.
    """

    now: dt.datetime
    version: str
    signed_in: SignedIn | None
    csrf: str
    theme: str
    path: str
    event: int
    section: str = ""

    @property
    def other_theme(self) -> str:
        """The theme that the link switches to."""
        return "light" if self.theme == "dark" else "dark"


@dataclass(frozen=True, kw_only=True)
class Page:
    """The base of every page's context."""

    frame: Frame
    title: str


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("lastgood.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        ago=clockface.ago,
        span=clockface.span,
        lasting=clockface.lasting,
        absolute=clockface.absolute,
        machine=clockface.machine,
        hour=lambda when: f"{when:%H:%M}",
        initials=initials,
        shade=shade,
        many=many,
        segment=segment,
        link=link,
        brief=brief,
        heard=lambda name, kind: stream_name(kind, name),
    )
    templates.globals["asset"] = load_assets().url
    return templates


class Pages:
    """Makes frames and renders templates."""

    def __init__(self, *, clock: Clock, version: str) -> None:
        self._clock = clock
        self._version = version
        self.last_event = 0
        self._templates = _templates()

    def now(self) -> dt.datetime:
        """Return the time, aware, UTC."""
        return self._clock.now()

    def frame(self, request: Request, *, section: str = "") -> Frame:
        """Say what every page shows of who asks, and when."""
        signed_in: SignedIn | None = request.scope["signed_in"]
        theme = request.cookies.get(THEME_COOKIE, "")
        query = request.url.query
        return Frame(
            now=self.now(),
            version=self._version,
            signed_in=signed_in,
            csrf=signed_in.csrf if signed_in else "",
            theme=theme if theme in {"light", "dark"} else "",
            path=quote(request.url.path, safe="/@:~") + (f"?{query}" if query else ""),
            event=self.last_event,
            section=section,
        )

    def render(self, template: str, context: Any) -> str:
        """Fill a template with a context dataclass."""
        return self._templates.get_template(template).render(
            {field.name: getattr(context, field.name) for field in fields(context)}
        )

    def answer(self, template: str, context: Any, *, status: int = 200) -> Response:
        """Render and send."""
        headers = {"vary": "HX-Request, Cookie"}
        return Response(self.render(template, context), status_code=status, media_type="text/html", headers=headers)


def wants_part(request: Request) -> bool:
    """Say whether htmx asks for a part of the page, not for the whole of it."""
    return request.headers.get("hx-request") == "true" and "hx-history-restore-request" not in request.headers


def initials(name: str) -> str:
    """Return one or two letters of a name."""
    words = re.findall(r"\w+", name)
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper() or "?"


def shade(name: str) -> int:
    """Return 1 to 5, always the same for a name."""
    return sum(name.encode()) % _SHADES + 1


def many(count: int, one: str, more: str | None = None) -> str:
    """Write a count with its noun: "1 hold", "2 holds", "1,284 records"."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def segment(text: str) -> str:
    """Make any text one segment of a path."""
    return quote(text, safe="@:~")


def link(url: str | None, text: str) -> Markup:
    """Make a link to a page elsewhere, if it is http or https; else the text alone."""
    if url is not None and re.match(r"https?://", url, re.IGNORECASE):
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, text)
    return Markup("<span>{}</span>").format(text)


def brief(reference: str) -> str:
    """Write a tag or digest of an image as people tell it: of an id or a digest the beginning."""
    return _LONG_ID.sub(lambda found: found[0][:7] if len(found[0]) == _SHA1 else f"{found[0][:12]}…", reference)


def address(path: str, query: Mapping[str, str | None]) -> str:
    """Make an address of this server from a path and what its query has, empty values left out."""
    given = [f"{quote(name)}={quote(value, safe='@:~/')}" for name, value in query.items() if value]
    return path + ("?" + "&".join(given) if given else "")
