"""The verdict strip and the head of an application's pages: what runs, what is wrong, what was good. Pure."""

import datetime as dt
from collections import Counter

from lastgood.core.application import ApplicationView
from lastgood.core.deployment import DeploymentView
from lastgood.core.health_words import in_words
from lastgood.core.hold import Hold
from lastgood.core.observation import ResourceHealth
from lastgood.core.record import Pause, RepoRecord
from lastgood.core.status import StatusView, WaitingRequest
from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.web.badge import APPLICATION_STATE, Badge, deployment_badge, health_badge, sync_badge
from lastgood.web.clockface import span

LOG_LINES = 5
RESOURCES_MOST = 12
_UNWELL = {"Degraded", "Missing", "Unknown"}
_FAILED = ("failed", "partial")


class AppHeader(Value, frozen=True, kw_only=True):
    """The head of an application's pages."""

    app: ApplicationView
    place: str
    health: Badge
    sync: Badge
    state: Badge | None
    holds: tuple[Hold, ...]
    pauses: tuple[Pause, ...]
    repo: RepoRecord | None
    warnings: tuple[str, ...]
    waiting: tuple[WaitingRequest, ...]


class Wrong(Value, frozen=True, kw_only=True):
    """One thing that is wrong: what, to what, and the end of its log."""

    what: str
    about: str
    log: str


class Verdict(Value, frozen=True, kw_only=True):
    """The strip: three answers, left to right.

    running_title: its heading; badge: how it is. resources: what there is a number of.
    wrongs: empty where nothing is. urged: going back is the thing to do.
    """

    app: str
    running: Version | None
    running_title: str
    badge: Badge
    outcome: Badge | None
    resources: tuple[ResourceHealth, ...]
    more_resources: int
    good_now: bool
    wrong_title: str
    wrong_tone: str
    wrongs: tuple[Wrong, ...]
    last_good: Version | None
    bake: str
    urged: bool


def place_of(app: ApplicationView) -> str:
    """Return where an application runs, as its headings say it."""
    return app.environment or app.destination


def app_header(status: StatusView) -> AppHeader:
    """Put the head together."""
    app = status.application
    return AppHeader(
        app=app,
        place=place_of(app),
        health=health_badge(app.health),
        sync=sync_badge(app.sync),
        state=APPLICATION_STATE.get(app.state),
        holds=status.holds,
        pauses=status.pauses,
        repo=status.repo if status.repo and status.repo.state != "ok" else None,
        warnings=tuple(text for text in status.further_warnings if not status.repo or text != status.repo.problem),
        waiting=status.waiting,
    )


def verdict_of(status: StatusView, *, now: dt.datetime) -> Verdict:
    """Answer the three questions of the strip from one application's status. Never guesses."""
    app = status.application
    wrongs = _wrongs(status)
    known = app.health is not None and app.health != "Unknown"
    good_now = app.health == "Healthy" and not wrongs
    place = place_of(app)
    deployment = status.deployment
    started = deployment.finished_at or deployment.started_at if deployment else None
    counted = tuple(found for found in status.resources if found.counts)
    # What hangs is Progressing for good; its deployment was given its time, and failed.
    rolls_out = app.health == "Progressing" and not (deployment and deployment.outcome in _FAILED)
    badge = health_badge(app.health)
    if app.health == "Healthy" and started and _runs(status):
        badge = Badge(word=f"Healthy for {span((now - started).total_seconds())}", tone=badge.tone, icon=badge.icon)
    return Verdict(
        app=app.name,
        running=app.running,
        running_title=f"In {place} now" + (", and good" if good_now else "" if known else ": not known"),
        badge=badge,
        outcome=deployment_badge(_view(status)) if deployment and not good_now else None,
        resources=counted[:RESOURCES_MOST],
        more_resources=max(len(counted) - RESOURCES_MOST, 0),
        good_now=good_now,
        wrong_title=_wrong_title(app, wrongs, rolls_out=rolls_out),
        wrong_tone=_wrong_tone(app, wrongs, rolls_out=rolls_out),
        wrongs=wrongs,
        last_good=app.last_good,
        bake=span(status.policy.bake_s),
        urged=bool(wrongs) and not rolls_out,
    )


def _runs(status: StatusView) -> bool:
    running, deployment = status.application.running, status.deployment
    return bool(running and deployment and deployment.outcome == "succeeded" and deployment.version == running.version)


def _view(status: StatusView) -> DeploymentView:
    found = status.deployment
    if found is None:
        raise AssertionError
    return DeploymentView(
        id=found.id,
        outcome=found.outcome,
        trigger=found.trigger,
        started_at=found.started_at,
        finished_at=found.finished_at,
        baked_at=found.baked_at,
        message=found.message,
    )


def _wrongs(status: StatusView) -> tuple[Wrong, ...]:
    app = status.application
    wrongs = []
    if app.state != "followed" and app.state in APPLICATION_STATE:
        wrongs.append(Wrong(about=APPLICATION_STATE[app.state].word, what=app.message or "", log=""))
    if app.refused:
        wrongs.append(
            Wrong(
                about=app.refused.commit[:7], what="was refused by a hold: the version before it keeps running.", log=""
            )
        )
    if status.repo and status.repo.state != "ok":
        wrongs.append(Wrong(about=f"Repository {status.repo.name}", what=status.repo.message, log=""))
    unwell = [found for found in status.resources if found.health in _UNWELL]
    named = Counter(found.name for found in unwell)
    wrongs += [
        Wrong(
            about=found.name if named[found.name] == 1 else f"{found.kind} {found.name}",
            what=in_words(found.health, found.reason, found.message) or found.health,
            log=_end(found.last_words),
        )
        for found in unwell[:RESOURCES_MOST]
    ]
    if app.health in _UNWELL and not unwell:
        wrongs.append(Wrong(about=app.health or "Unknown", what=status.health_message or app.message or "", log=""))
    failed = status.deployment
    if failed and failed.outcome in _FAILED and not unwell:
        wrongs.append(Wrong(about=f"Deployment n{failed.number}", what=failed.message, log=_end(failed.last_words)))
    return tuple(wrongs)


def _wrong_title(app: ApplicationView, wrongs: tuple[Wrong, ...], *, rolls_out: bool) -> str:
    if rolls_out:
        return "Rolling out"
    if wrongs:
        return "What went wrong"
    return "Nothing is wrong" if app.health == "Healthy" else "Nothing is known to be wrong"


def _wrong_tone(app: ApplicationView, wrongs: tuple[Wrong, ...], *, rolls_out: bool) -> str:
    if rolls_out:
        return "t-run"
    return "t-bad" if wrongs else "t-ok" if app.health == "Healthy" else "t-off"


def _end(words: str) -> str:
    return "\n".join(words.strip().splitlines()[-LOG_LINES:])
