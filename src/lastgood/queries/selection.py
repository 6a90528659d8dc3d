"""Which entries of a timeline somebody wants to see, and where a page of them goes on. Pure."""

import datetime as dt
from collections.abc import AsyncIterator

from lastgood.core.commit import Person
from lastgood.core.errors import CommandLineWrong
from lastgood.core.feature import Feature, commits_of, is_meant
from lastgood.core.kept_settings import setting_texts
from lastgood.core.resource import ImageChange
from lastgood.core.timeline import TimelineEntry, TimelineQuery
from lastgood.queries.relation import Row

MAX_WORDS = 20


def row_matches(row: Row, query: TimelineQuery) -> bool:
    """Answer the questions of a query that cost nothing."""
    run = row.deployment
    return (
        (query.since is None or row.at >= query.since)
        and (query.until is None or row.at <= query.until)
        and (query.outcome is None or (run is not None and run.outcome == query.outcome))
        and (query.trigger is None or (run is not None and run.trigger == query.trigger))
        # Of a record the people of what it carried count, too: that takes the whole entry.
        and (query.author is None or run is not None or _is_by(query.author, row.commit.author))
    )


def entry_matches(entry: TimelineEntry, query: TimelineQuery) -> bool:
    """Answer the questions that need the whole entry."""
    return (
        (query.author is None or any(_is_by(query.author, one) for one in (entry.author, *entry.committers)))
        and (query.held is None or entry.held == query.held)
        and (query.image is None or any(_in(query.image, *_image_texts(one)) for one in entry.images or ()))
        and (query.feature is None or any(is_meant(one, query.feature) for one in _features(entry)))
        and (query.search is None or _found(entry, query.search))
    )


def _is_by(text: str, person: Person) -> bool:
    return _in(text, person.name, person.email)


def _in(text: str, *where: str | None) -> bool:
    text = text.casefold()
    return any(text in place.casefold() for place in where if place)


def _image_texts(image: ImageChange) -> tuple[str | None, ...]:
    return image.name, f"{image.name}:{image.from_}", f"{image.name}:{image.to}"


def _features(entry: TimelineEntry) -> tuple[Feature, ...]:
    return (*entry.features, *entry.features_left)


def _found(entry: TimelineEntry, search: str) -> bool:
    texts = [
        entry.app,
        entry.subject,
        entry.body,
        entry.commit,
        entry.version,
        entry.author.name,
        entry.author.email,
        entry.operation.reason if entry.operation else None,
        entry.deployment.message if entry.deployment else None,
        entry.build,
    ]
    for image in entry.images or ():
        texts += _image_texts(image)
    for one in _features(entry):
        texts += [one.id, one.title, one.git_title, *one.labels, *commits_of(one)]
        texts += [f"{person.name} <{person.email}>" for person in one.authors]
    if entry.settings is not None:
        texts += setting_texts(entry.settings)
    return all(_in(word, *texts) for word in search.split()[:MAX_WORDS])


def cursor(row: Row) -> str:
    """Return the mark after which the next page begins; the same for the same row."""
    number = row.deployment.number if row.deployment else None
    return f"{row.at.isoformat()}~{row.app}~{number or row.commit.oid}"


async def after(rows: AsyncIterator[Row], mark: str | None) -> AsyncIterator[Row]:
    """Yield the rows that follow a mark; a mark whose entry has gone stands for its time.

    Raises CommandLineWrong for a mark that `cursor` never made.
    """
    at = time_of(mark) if mark is not None else None
    met = mark is None
    older: list[Row] = []
    async for row in rows:
        if met:
            yield row
        elif cursor(row) == mark:
            met = True
        elif at is not None and row.at < at:
            # Clocks of authors differ: the entry may still come.
            older.append(row)
    for row in () if met else older:
        yield row


def time_of(mark: str) -> dt.datetime:
    """Return the time of the entry that a mark stands for. Raises CommandLineWrong for what is none."""
    try:
        time, _app, _ = mark.split("~")
        return dt.datetime.fromisoformat(time).astimezone(dt.UTC)
    except (ValueError, OverflowError) as wrong:
        raise CommandLineWrong("`before` is not the mark of a timeline entry") from wrong
