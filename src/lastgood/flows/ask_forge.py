"""Ask forges and trackers about what a deployment carried: titles, labels and authors, and the build of a commit.

Nobody waits long for the answers: what is not answered in time is told as away, and stays as Git has it until then.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
import structlog

from lastgood.core.carried import Carried
from lastgood.core.errors import ForgeFailed
from lastgood.core.feature import Feature, called
from lastgood.core.forge import WebAddress
from lastgood.core.forge_facts import ForgeFacts, told_better
from lastgood.core.ports import Clock, Forge
from lastgood.core.short_memory import ShortMemory
from lastgood.core.source_features import Between, SourceAt

# Of a record so many of its newest pull requests and issues are asked about, and so many images' commits.
MOST_ASKED = 50
MOST_COMMITS = 5
# So long altogether is waited for answers in a minute, for whatever many records: other records wait meanwhile.
WAIT_S = 20.0
PER_S = 60.0
# That a forge is away is logged once in so long.
TOLD_S = 3600.0
_Key = tuple[str, str]
_Question = Callable[[], Coroutine[Any, Any, ForgeFacts | None]]
_Said = TypeVar("_Said")


@dataclasses.dataclass
class _Patience:
    waited_s: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answers:
    """What is known with the forges' help. away: whether any did not answer, so that it is worth asking again."""

    found: Between
    build: str | None
    away: bool


class AskForge:
    """Asks the port Forge. wait_s: see WAIT_S."""

    def __init__(self, forge: Forge, *, clock: Clock, wait_s: float = WAIT_S) -> None:
        self._forge = forge
        self._wait_s = wait_s
        self._patience: ShortMemory[_Patience] = ShortMemory(clock, PER_S)
        self._told: ShortMemory[bool] = ShortMemory(clock, TOLD_S)

    async def tell(
        self,
        found: Between,
        located: Sequence[SourceAt],
        entered: Sequence[SourceAt],
        *,
        build: bool,
        before: Carried | None,
    ) -> Answers:
        """Say more of what lies between two versions.

        located: what both versions are built from; entered: what the newer one is. build: whether the page of a build
        is looked for. before: what is kept of the record already, which stays where nobody answers now.
        """
        repos = _repos(located)
        asked: dict[_Key, _Question] = {}
        for feature in (*found.entered, *found.left):
            question = self._question(feature, repos) if len(asked) < MOST_ASKED else None
            if question is not None:
                asked[feature.repo, feature.id] = question
        page, facts = await self._within(_commits(entered) if build else [], asked)
        away = page is None or len(facts) < len(asked)
        kept = {(one.repo, one.id): one for one in (*before.entered, *before.left)} if before is not None else {}
        missing = {key: kept[key] for key in asked if key not in facts and key in kept}
        found = msgspec.structs.replace(
            found, entered=_better(found.entered, facts, missing), left=_better(found.left, facts, missing)
        )
        known = page[0] if page is not None else before.build if before is not None and build else None
        return Answers(found=found, build=known, away=away)

    def _question(self, feature: Feature, repos: Mapping[str, WebAddress]) -> _Question | None:
        path, _, number = feature.id.rpartition("#" if feature.kind == "issue" else "-")
        repo = repos.get(feature.repo)
        if feature.kind == "issue" and "#" not in feature.id:
            return partial(self._forge.ticket, feature.url) if feature.url is not None else None
        if feature.kind == "commit" or repo is None or not number.isdecimal():
            return None
        if feature.kind == "pull_request":
            return partial(self._forge.pull_request, repo, int(number))
        # With the token of lastgood a commit message must not read the titles of repos that nobody named.
        return partial(self._forge.issue, repo, int(number)) if path in {"", repo.path} else None

    async def _build(self, commits: Iterable[tuple[WebAddress, str]]) -> tuple[str | None]:
        for repo, commit in commits:
            page = await self._forge.build(repo, commit)
            if page is not None:
                return (page,)
        return (None,)

    async def _within(
        self, commits: Sequence[tuple[WebAddress, str]], asked: Mapping[_Key, _Question]
    ) -> tuple[tuple[str | None] | None, dict[_Key, ForgeFacts | None]]:
        """Return what was answered as long as the patience lasts; the rest is not asked any more."""
        if not commits and not asked:
            return (None,), {}
        patience = self._patience.get("")
        if patience is None:
            patience = _Patience()
            self._patience.keep("", patience)
        left_s = self._wait_s - patience.waited_s
        if left_s <= 0:
            return None, {}
        loop = asyncio.get_running_loop()
        begun = loop.time()
        page = asyncio.create_task(self._build(commits))
        tasks = {key: asyncio.create_task(question()) for key, question in asked.items()}
        everything: set[asyncio.Future[Any]] = {page, *tasks.values()}
        try:
            await asyncio.wait(everything, timeout=left_s)
        finally:
            for task in everything:
                task.cancel()
            await asyncio.gather(*everything, return_exceptions=True)
        patience.waited_s += loop.time() - begun
        answers = {key: answer for key, task in tasks.items() if (answer := self._said(task)) is not None}
        return next(iter(self._said(page) or ()), None), {key: answer[0] for key, answer in answers.items()}

    def _said(self, task: "asyncio.Future[_Said]") -> tuple[_Said] | None:
        """Return the answer of a question that was answered."""
        if task.cancelled():
            return None
        wrong = task.exception()
        if isinstance(wrong, ForgeFailed):
            forge = str(wrong.facts["forge"])
            if self._told.get(forge) is None:
                self._told.keep(forge, True)
                structlog.get_logger().warning("a forge is asked again later", reason=wrong.message)
            return None
        return (task.result(),)


def _repos(located: Iterable[SourceAt]) -> dict[str, WebAddress]:
    """Return where source repos are on the web, by their names in features; two of one name are not told apart."""
    found: dict[str, WebAddress] = {}
    unclear: set[str] = set()
    for one in located:
        if one.history is not None and found.setdefault(one.history.repo, one.history.web) != one.history.web:
            unclear.add(one.history.repo)
    return {name: web for name, web in found.items() if name not in unclear}


def _commits(entered: Iterable[SourceAt]) -> list[tuple[WebAddress, str]]:
    found = [
        (one.history.web, one.revision)
        for one in entered
        if one.history is not None and one.revision is not None and not one.base
    ]
    return list(dict.fromkeys(found))[:MOST_COMMITS]


def _better(
    features: Iterable[Feature], facts: Mapping[_Key, ForgeFacts | None], missing: Mapping[_Key, Feature]
) -> tuple[Feature, ...]:
    better: list[Feature] = []
    for one in features:
        said, kept = facts.get((one.repo, one.id)), missing.get((one.repo, one.id))
        if said is not None:
            better.append(told_better(one, said))
        elif kept is not None:
            # It was told before, and whoever told it is away.
            better.append(
                msgspec.structs.replace(
                    called(one, kept.title), labels=kept.labels, authors=kept.authors, url=one.url or kept.url
                )
            )
        else:
            better.append(one)
    return tuple(better)
