"""The page of features: which environments contain one, and what one environment has that another does not."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.application import ApplicationView
from lastgood.core.asked_image import asked_image
from lastgood.core.errors import LastgoodError, Unknown, UnknownFeature
from lastgood.core.feature_views import ComparedApplication, CompareView, WhereEntry
from lastgood.core.ports import Lastgood
from lastgood.core.value import Value
from lastgood.web.asked import text
from lastgood.web.badge import Badge
from lastgood.web.pages import Page, Pages, wants_part
from lastgood.web.routes import Routes

_ANSWERS = {
    True: Badge(word="Yes", tone="t-ok", icon="check"),
    False: Badge(word="No", tone="t-off", icon="minus"),
    None: Badge(word="Not known", tone="t-part", icon="ask"),
}


class Answer(Value, frozen=True, kw_only=True):
    """What one application says of a feature."""

    entry: WhereEntry
    badge: Badge


class Answers(Value, frozen=True, kw_only=True):
    """What all say, by environment ("" for applications without one). wrong: why nobody says anything."""

    query: str
    environments: tuple[tuple[str, tuple[Answer, ...]], ...] = ()
    wrong: str = ""
    hint: str = ""

    @property
    def word(self) -> str:
        """The timeline's word for what was asked for."""
        return "feature" if asked_image(self.query) is None else "image"


class Comparison(Value, frozen=True, kw_only=True):
    """Two environments and what only one of them has. view None: not asked for, or wrong says why."""

    environments: tuple[str, ...]
    one: str = ""
    other: str = ""
    view: CompareView | None = None
    wrong: str = ""

    @property
    def differing(self) -> tuple[ComparedApplication, ...]:
        """The groups that have a feature that differs, or of which that is not known."""
        found = self.view.applications if self.view is not None else ()
        return tuple(one for one in found if not one.alike)


@dataclass(frozen=True, kw_only=True)
class FeaturesPage(Page):
    """The context of features.html and of partials/feature-answers.html."""

    now: dt.datetime
    answers: Answers
    comparison: Comparison


def features_routes(lastgood: Lastgood, pages: Pages) -> Routes:
    """Serve the page; for htmx the answers alone."""
    routes = Routes()

    @routes.get("/features")
    async def features(request: Request) -> Response:
        frame = pages.frame(request, section="features")
        given = {name: text(request.query_params.get(name, "")) for name in ("q", "a", "b")}
        page = FeaturesPage(
            frame=frame,
            title=f"Where is {given['q']}?" if given["q"] else "Where is a feature?",
            now=frame.now,
            answers=await _answers(lastgood, given["q"]),
            comparison=await _comparison(lastgood, await lastgood.apps(), given["a"], given["b"]),
        )
        return pages.answer("partials/feature-answers.html" if wants_part(request) else "features.html", page)

    return routes


async def _answers(lastgood: Lastgood, query: str) -> Answers:
    if not query:
        return Answers(query="")
    try:
        entries = await lastgood.where(query)
    except UnknownFeature as unknown:
        return Answers(query=query, wrong="No source repo knows this feature", hint=unknown.hint)
    except LastgoodError as wrong:
        return Answers(query=query, wrong=wrong.message, hint=wrong.hint)
    names = sorted({entry.environment or "" for entry in entries}, key=lambda name: (not name, name))
    return Answers(
        query=query,
        environments=tuple(
            (name, tuple(Answer(entry=one, badge=_ANSWERS[one.contains]) for one in _of(entries, name)))
            for name in names
        ),
    )


def _of(entries: Sequence[WhereEntry], environment: str) -> list[WhereEntry]:
    """Return an environment's entries: those that have it first, then those that do not know."""
    order = {True: 0, None: 1, False: 2}
    found = [one for one in entries if (one.environment or "") == environment]
    return sorted(found, key=lambda one: (order[one.contains], one.app))


async def _comparison(lastgood: Lastgood, apps: Sequence[ApplicationView], one: str, other: str) -> Comparison:
    environments = tuple(sorted({app.environment for app in apps if app.environment}))
    if not one or not other:
        return Comparison(environments=environments, one=one, other=other)
    try:
        view = await lastgood.compare(one, other)
    except Unknown as unknown:
        return Comparison(environments=environments, one=one, other=other, wrong=unknown.message)
    return Comparison(environments=environments, one=one, other=other, view=view)
