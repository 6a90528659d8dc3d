"""Full-text search over deployment records. The one module that knows SQLite's FTS5; other databases use LIKE.

What is searched stands in folded case in `deployments.search_text`. SQLite indexes it by trigrams, so that a word
is found wherever it occurs, in any writing system, and nothing in a search text is ever an operator.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, Text, Update, bindparam, column, false, func, or_, select, table

from lastgood.core.carried import KEPT_DIGITS, Carried, committers, is_hash
from lastgood.core.commit import Commit
from lastgood.core.feature import commits_of
from lastgood.core.kept_settings import setting_texts
from lastgood.core.resource import ImageChange
from lastgood.core.setting import Settings
from lastgood.store.columns import clean
from lastgood.store.schema import deployments

# A commit message of megabytes is somebody's attack or mishap: its beginning is searched.
_TEXT_MAX = 32_768
_SEARCH_MAX = 1_024
_WORDS_MAX = 16
_TRIGRAM = 3

_index = table("deployment_search", column("rowid"), column("search_text"))


def search_text(commit: Commit, images: tuple[ImageChange, ...], reason: str) -> str:
    """Return what a record is found by: hash, people, subject, body, images and reason, in folded case."""
    people = {f"{p.name} <{p.email}>" for p in (commit.author, commit.committer)}
    parts = [commit.oid, *sorted(people), image_text(images), reason[:_TEXT_MAX], commit.message[:_TEXT_MAX]]
    return clean("\n".join(parts).replace("\0", " ").casefold())


def image_text(images: tuple[ImageChange, ...]) -> str:
    """Return the images before and after, a line each, in folded case."""
    return "\n".join(part for i in images for part in (i.name, i.from_, i.to) if part).casefold()


def feature_text(carried: Carried) -> str:
    """Return what a record is found by through its features, labels and people too, and build; folded, "" for none."""
    found = (*carried.entered, *carried.left)
    # What is cut at the end are words: by its id and its commits a feature is found always.
    parts = dict.fromkeys(one.id for one in found)
    parts |= dict.fromkeys(commit[:KEPT_DIGITS] for one in found for commit in commits_of(one))
    for one in found:
        people = (f"{person.name} <{person.email}>" for person in one.authors)
        parts |= dict.fromkeys((one.title, one.git_title or one.title, *one.labels, *people))
    if carried.build is not None:
        parts[carried.build] = None
    return _folded(parts)


def people_text(carried: Carried) -> str:
    """Return who wrote what entered with a record, a line each, in folded case."""
    people = (f"{person.name} <{person.email}>" for person in committers(carried.entered))
    return clean("\n".join(people).replace("\0", " ").casefold())


def settings_text(settings: Settings) -> str:
    """Return what a record is found by through the settings that it changed; folded, "" for none."""
    return _folded(setting_texts(settings))


def _folded(parts: Iterable[str]) -> str:
    """Return a line for each part, as it stands at the end of what a record is found by."""
    found = "\n".join(parts)[:_TEXT_MAX]
    return clean(f"\n{found}".replace("\0", " ").casefold()) if found else ""


def find_by(folded: str) -> Update:
    """Return the statement that lets a record (`of`) be found by a folded text (`text`), where that is another one.

    folded: the column with what was found of it later, `features_folded` or `settings_folded`: they stand at the end of
    what is searched, in that order.
    """
    d, text = deployments.c, bindparam("text", type_=Text)
    length = func.length(d.search_text) - func.length(d.features_folded) - func.length(d.settings_folded)
    ends = {"features_folded": d.features_folded, "settings_folded": d.settings_folded, folded: text}
    searched = func.substr(d.search_text, 1, length) + ends["features_folded"] + ends["settings_folded"]
    changed = deployments.update().where(d.id == bindparam("of"), d[folded] != text)
    return changed.values({"search_text": searched, folded: text})


def words(text: str) -> list[str]:
    """Split what somebody typed into folded words; bounded, because it comes from outside."""
    return clean(text[:_SEARCH_MAX].replace("\0", " ").casefold()).split()[:_WORDS_MAX]


def searched_words(text: str) -> list[str]:
    """Split what somebody searches for; of a long hash as many digits are looked for as are kept of source commits."""
    return [word[:KEPT_DIGITS] if is_hash(word) else word for word in words(text)]


def found(connection: Connection, wanted: list[str]) -> list[ColumnElement[bool]]:
    """Return the conditions on `deployments` that every wanted word occurs in search_text.

    wanted: folded words, as `words` returns them.
    """
    if connection.dialect.name != "sqlite":
        return [contains(deployments.c.search_text, word) for word in wanted]
    conditions = [contains(deployments.c.search_text, word) for word in wanted if len(word) < _TRIGRAM]
    # A phrase in double quotes is text and nothing else; a quote in it is written twice.
    phrases = ['"' + word.replace('"', '""') + '"' for word in wanted if len(word) >= _TRIGRAM]
    if phrases:
        matching = select(_index.c.rowid).where(_index.c.search_text.op("MATCH")(" ".join(phrases)))
        conditions.append(deployments.c.id.in_(matching))
    return conditions


def naming(connection: Connection, ids: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the conditions on `deployments` that any of some features is among those that a record is found by."""
    lines = [f"\n{words(one)[0]}\n" for one in ids if words(one)]
    exact = or_(*(contains(deployments.c.features_folded + "\n", line) for line in lines), false())
    if connection.dialect.name != "sqlite" or not lines:
        return [exact]
    phrases = " OR ".join('"' + line.replace('"', '""') + '"' for line in lines)
    matching = select(_index.c.rowid).where(_index.c.search_text.op("MATCH")(phrases))
    return [exact, deployments.c.id.in_(matching)]


def contains(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Return the condition that a folded column contains a folded text, each character standing for itself."""
    return text.contains(part, autoescape=True)
