"""The filters of a timeline page: dates, words and choices of its address, as a query and as links. Pure."""

import datetime as dt
import re
from collections.abc import Callable, Mapping

from lastgood.core.carried import searched
from lastgood.core.errors import CommandLineWrong
from lastgood.core.record import DeploymentQuery
from lastgood.core.timeline import TimelineQuery
from lastgood.core.value import Value
from lastgood.web.asked import text
from lastgood.web.badge import OUTCOME, TRIGGER
from lastgood.web.pages import address
from lastgood.web.query import LIMIT

CHART_DAYS = 30
OUTCOMES = {word: badge.word for word, badge in OUTCOME.items()}
TRIGGERS = {
    **{word: badge.word for word, badge in TRIGGER.items()},
    "commit": "Commit",
    "definition": "Definition changed",
    "retry": "Retry",
}
_FIELDS = ("from", "to", "q", "outcome", "trigger", "author", "image", "feature", "environment", "held")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class Chip(Value, frozen=True, kw_only=True):
    """A filter in use, in words, and the address without it."""

    words: str
    without: str


class PeriodLink(Value, frozen=True, kw_only=True):
    """A period to choose with one press."""

    label: str
    url: str
    current: bool


class Filters(Value, frozen=True, kw_only=True):
    """What the address asks for. path: the page's own, without query. given: field to text, empty ones left out."""

    path: str
    given: dict[str, str]
    since: dt.datetime | None
    until: dt.datetime | None
    before: str | None

    def query(self, app: str | None) -> TimelineQuery:
        """Return the question for the records; one more than a page shows, to know whether there are more."""
        given = self.given
        return TimelineQuery(
            app=app,
            environment=given.get("environment"),
            since=self.since,
            until=self.until,
            outcome=given.get("outcome"),
            trigger=given.get("trigger"),
            author=given.get("author"),
            search=given.get("q"),
            image=given.get("image"),
            feature=given.get("feature"),
            held=True if given.get("held") else None,
            limit=LIMIT + 1,
            before=self.before,
        )

    def counted(self, app: str | None, start: dt.datetime, end: dt.datetime) -> DeploymentQuery:
        """Return the question for the chart."""
        given = self.given
        return DeploymentQuery(
            app=app,
            environment=given.get("environment"),
            since=start,
            until=end,
            outcome=given.get("outcome"),
            trigger=given.get("trigger"),
            author=given.get("author"),
            search=given.get("q"),
            image=given.get("image"),
            feature=searched(given["feature"]) if "feature" in given else None,
        )

    def url(self, **changed: str | None) -> str:
        """Return this page's address with some fields changed, from its first page on."""
        return address(self.path, {**self.given, **{name.rstrip("_"): value for name, value in changed.items()}})

    def older(self, cursor: str) -> str:
        """Return the address of the records after a cursor."""
        return address(self.path, {**self.given, "before": cursor})

    def chart_period(self, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """Return the chart's period: the one asked for, else the last 30 days."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)
        end = self.until or midnight
        start = self.since or min(end, midnight) - dt.timedelta(days=CHART_DAYS)
        return (start, end) if start < end else (end - dt.timedelta(days=1), end)

    def why_none(self, now: dt.datetime) -> str:
        """Say why no record can be of this period; "" where one can."""
        if self.since is not None and self.since > now:
            return "The period lies in the future."
        turned = self.since is not None and self.until is not None and self.since >= self.until
        return "The period ends before it begins." if turned else ""

    def chips(self) -> tuple[Chip, ...]:
        """Say the filters in use in words."""
        words: dict[str, Callable[[str], str]] = {
            "outcome": lambda value: f"Outcome is {OUTCOMES[value].lower()}",
            "trigger": lambda value: f"Kind is {TRIGGERS[value].lower()}",
            "author": lambda value: f"Author is {value}",
            "image": lambda value: f"Image is {value}",
            "feature": lambda value: f"Carried {value}",
            "environment": lambda value: f"Environment is {value}",
            "held": lambda _: "Held",
            "q": lambda value: f"Search for {value}",
            "from": lambda value: f"From {value}",
            "to": lambda value: f"To {value}",
        }
        return tuple(
            Chip(words=words[name](value), without=self.url(**{name + "_": None})) for name, value in self.given.items()
        )

    def periods(self, now: dt.datetime) -> tuple[PeriodLink, ...]:
        """Return the links for today, this week, this month and everything."""
        today = now.date()
        starts = {
            "Today": today,
            "This week": today - dt.timedelta(days=today.weekday()),
            "This month": today.replace(day=1),
        }
        links = []
        chosen = False
        for label, start in starts.items():
            current = not chosen and self.given.get("from") == start.isoformat() and "to" not in self.given
            chosen = chosen or current
            url = self.url(from_=start.isoformat(), to_=None)
            links.append(PeriodLink(label=label, url=url, current=current))
        everything = PeriodLink(
            label="All", url=self.url(from_=None, to_=None), current="from" not in self.given and "to" not in self.given
        )
        return (*links, everything)


def read_filters(path: str, query: Mapping[str, str]) -> Filters:
    """Read a page's address. Raises CommandLineWrong for a date or a word that nobody can read."""
    given = {name: text(query[name]) for name in _FIELDS if query.get(name, "").strip()}
    for name, known in (("outcome", OUTCOMES), ("trigger", TRIGGERS), ("held", {"held"})):
        if name in given and given[name] not in known:
            raise CommandLineWrong(f"there is no {name} {given[name][:40]}")
    since, until = _date(given.get("from")), _date(given.get("to"))
    return Filters(
        path=path,
        given=given,
        since=since,
        until=until + dt.timedelta(days=1) if until else None,
        before=text(query["before"]) if query.get("before") else None,
    )


def _date(value: str | None) -> dt.datetime | None:
    if value is None:
        return None
    try:
        if not _DATE.fullmatch(value):
            raise ValueError(value)  # noqa: TRY301 - two ways to be no date, one answer
        read = dt.datetime.combine(dt.date.fromisoformat(value), dt.time(), tzinfo=dt.UTC)
    except ValueError as wrong:
        raise CommandLineWrong(f"{value[:40]} is not a date such as 2026-11-20") from wrong
    # A day's width on both sides is computed with.
    if not 1971 <= read.year <= 9000:  # noqa: PLR2004 - Git's times begin in 1970
        raise CommandLineWrong(f"{value[:40]} is out of range")
    return read
