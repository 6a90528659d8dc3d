"""The figures of delivery over a period, of everything or of a part. Reads records; knows no repository."""

import datetime as dt
from collections.abc import Callable, Sequence

from lastgood.core.errors import CommandLineWrong, NeedsServer, Unknown
from lastgood.core.figures import Attempt, Division, FiguresQuery, FiguresView, Judged, figures, figures_by, judge
from lastgood.core.nearest import did_you_mean
from lastgood.core.ports import Clock, Store
from lastgood.core.record import ApplicationRecord, DeploymentQuery
from lastgood.queries.followed import unknown_application

PERIOD = dt.timedelta(weeks=13)
MOST_DAYS = 366 * 3
LONGEST = dt.timedelta(days=MOST_DAYS)


async def delivery_figures(query: FiguresQuery, *, store: Store | None, clock: Clock) -> FiguresView:
    """Return the figures. Raises NeedsServer without records, Unknown for a name that nothing has, CommandLineWrong."""
    if store is None:
        raise NeedsServer(
            "the figures of delivery are counted from records, which Git alone has not",
            hint="ask a running server: `--server URL`",
            command="metrics",
        )
    since, until = _period(query, clock.now())
    records = await store.applications()
    await _check(query, records, store)
    found: list[Judged] = []
    # One after the other: what is kept in memory is the history of one, and others have their turn meanwhile.
    for app in await _asked(query, records, store):
        judged = judge(await store.attempts(app), since=since, until=until)
        # What an application did while it was in another environment says what repairs a failure and what is new here.
        found += [one for one in judged if query.environment in {None, one.attempt.environment}]
    parts = figures_by(found, _naming(query.by, records), since=since, until=until) if query.by else ()
    return FiguresView(
        app=query.app,
        environment=query.environment,
        group=query.group,
        figures=figures(found, since=since, until=until),
        parts=parts,
    )


def _period(query: FiguresQuery, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    """Return from when to when is counted. Raises CommandLineWrong where that is no time, or too long.

    It ends now at the latest: in days that are still to come nothing was deployed, and nothing was not.
    """
    until = min(query.until or now, now)
    since = query.since or until - PERIOD
    hint = f"it is from --since (13 weeks before its end) to --until (now at the latest), {MOST_DAYS} days at most"
    if since > now:
        raise CommandLineWrong(f"the period begins on {_day(since)}, which lies in the future", hint=hint)
    if since >= until:
        raise CommandLineWrong(f"the period has no time in it: {_day(since)} to {_day(until)}", hint=hint)
    if until - since > LONGEST:
        raise CommandLineWrong(f"the period is longer than {MOST_DAYS} days: {_day(since)} to {_day(until)}", hint=hint)
    return since, until


def _day(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _naming(by: Division, records: Sequence[ApplicationRecord]) -> Callable[[Attempt], str]:
    """Return what an attempt counts for: the environment that its record keeps; of what was forgotten no group."""
    if by == "application":
        return lambda one: one.app
    if by == "environment":
        return lambda one: one.environment or ""
    groups = {one.name: one.group for one in records}
    return lambda one: groups.get(one.app, "")


async def _asked(query: FiguresQuery, records: Sequence[ApplicationRecord], store: Store) -> list[str]:
    """Return whose deployments count: those that were forgotten have records, but are in no group."""
    ended = {query.app} if query.app is not None else {count.app for count in await store.deployment_totals()}
    if query.group is not None:
        ended &= {record.name for record in records if record.group == query.group}
    return sorted(ended)


async def _check(query: FiguresQuery, records: Sequence[ApplicationRecord], store: Store) -> None:
    """Refuse names that nothing has: zeros for a typo would look like an answer."""
    names = [record.name for record in records]
    if query.app is not None and query.app not in names:
        # One that was forgotten has its records.
        recorded = await store.deployments(DeploymentQuery(app=query.app, limit=1))
        if not recorded:
            raise unknown_application(query.app, names)
    for word, asked, known in (
        ("environment", query.environment, {one.environment for one in records if one.environment}),
        ("group", query.group, {one.group for one in records}),
    ):
        if asked is not None and asked not in known and not (word == "environment" and await _ran_in(asked, store)):
            hint = did_you_mean(asked, sorted(known)) or "see `lastgood apps`"
            raise Unknown(f"no application is in the {word} {asked}", hint=hint, name=asked)


async def _ran_in(environment: str, store: Store) -> bool:
    """Say whether anything was deployed in an environment: one that has another name now has its records."""
    return bool(await store.deployments(DeploymentQuery(environment=environment, limit=1)))
