"""The page of features: which environments contain one, and what one environment has that another does not."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from lastgood.core.application import ApplicationView
from lastgood.core.asked_image import asked_image
from lastgood.core.errors import LastgoodError, Unknown, UnknownFeature
from lastgood.core.feature import Feature
from lastgood.core.feature_views import ComparedApplication, CompareView, WhereEntry
from lastgood.core.ports import Lastgood
from lastgood.core.value import Value
from lastgood.web.asked import text
from lastgood.web.badge import Badge
from lastgood.web.chain import Step, steps
from lastgood.web.pages import Page, Pages, wants_part
from lastgood.web.routes import Routes

_YES = Badge(word="Yes", tone="t-ok", icon="check")
_LEFT = Badge(word="No, it left", tone="t-bad", icon="back")
_NOT_YET = Badge(word="Not yet", tone="t-off", icon="minus")
_NO = Badge(word="No", tone="t-off", icon="minus")
_UNKNOWN = Badge(word="Not known", tone="t-off", icon="ask")


class Answer(Value, frozen=True, kw_only=True):
    """What one application says of a feature. steps: how it came there; none where nothing is known at all."""

    entry: WhereEntry
    badge: Badge
    steps: tuple[Step, ...] = ()


class Answers(Value, frozen=True, kw_only=True):
    """What all say, by environment ("" for applications without one). wrong: why nobody says anything."""

    query: str
    feature: Feature | None = None
    pull_request: Feature | None = None
    environments: tuple[tuple[str, tuple[Answer, ...]], ...] = ()
    wrong: str = ""
    hint: str = ""

    @property
    def chains(self) -> list[Answer]:
        """The answers of applications whose way to it is known at least in part, in the order of the answers."""
        return [one for _, found in self.environments for one in found if one.steps]

    @property
    def word(self) -> str:
        """The timeline's word for what was asked for. A tag may be the id of a commit, which says more."""
        found = self.feature
        if found is not None and any(one.startswith(self.query) for one in (*found.commits, found.merge or "")):
            return "feature"
        images = [image for one in self.chains if one.entry.chain is not None for image in one.entry.chain.images]
        is_tag = any(image.reference.partition("@")[0] == self.query for image in images)
        return "image" if is_tag or asked_image(self.query) is not None else "feature"


class Comparison(Value, frozen=True, kw_only=True):
    """Two environments and what only one of them has. view None: not asked for, or wrong says why."""

    environments: tuple[str, ...]
    one: str = ""
    other: str = ""
    view: CompareView | None = None
    wrong: str = ""

    @property
    def differing(self) -> tuple[ComparedApplication, ...]:
        """The groups that have a feature that differs, or of which that is not known, or known from records alone."""
        found = self.view.applications if self.view is not None else ()
        return tuple(one for one in found if not one.alike or one.recorded)


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
        wrong = unknown.message if asked_image(query) is not None else "No source repo knows this feature"
        return Answers(query=query, wrong=wrong, hint=unknown.hint)
    except LastgoodError as wrong:
        return Answers(query=query, wrong=wrong.message, hint=wrong.hint)
    names = sorted({entry.environment or "" for entry in entries}, key=lambda name: (not name, name))
    told = next((one.chain for one in entries if one.chain is not None and one.chain.feature is not None), None)
    return Answers(
        query=query,
        feature=told.feature if told is not None else None,
        pull_request=told.pull_request if told is not None else None,
        environments=tuple((name, tuple(map(_answer, _of(entries, name)))) for name in names),
    )


def _answer(entry: WhereEntry) -> Answer:
    chain = entry.chain
    known = chain is not None and bool(entry.contains or chain.source or chain.images)
    base = f"/apps/{quote(entry.app, safe='')}"
    return Answer(entry=entry, badge=_badge(entry), steps=steps(chain, base) if chain is not None and known else ())


def _badge(entry: WhereEntry) -> Badge:
    chain = entry.chain
    if entry.contains is not False:
        return _YES if entry.contains else _UNKNOWN
    if chain is None:
        return _NO
    if chain.left_config is not None or chain.left is not None:
        return _LEFT
    # Taken out in the source repo before it came here is no, and not "not yet".
    return _NOT_YET if not chain.unknown.keys() & {"left", "source"} and chain.taken_out is None else _NO


def _of(entries: Sequence[WhereEntry], environment: str) -> list[WhereEntry]:
    """Return an environment's entries: those that have it first, those that it does not concern last."""
    order = {True: 0, None: 1, False: 2}
    found = [one for one in entries if (one.environment or "") == environment]
    return sorted(found, key=lambda one: (order[one.contains], one.chain is None, one.app))


async def _comparison(lastgood: Lastgood, apps: Sequence[ApplicationView], one: str, other: str) -> Comparison:
    environments = tuple(sorted({app.environment for app in apps if app.environment}))
    if not one or not other:
        return Comparison(environments=environments, one=one, other=other)
    try:
        view = await lastgood.compare(one, other)
    except Unknown as unknown:
        return Comparison(environments=environments, one=one, other=other, wrong=unknown.message)
    return Comparison(environments=environments, one=one, other=other, view=view)
