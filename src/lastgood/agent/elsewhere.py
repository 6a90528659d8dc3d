"""The agent in another process, asked through the records that both share: for a dashboard that runs apart from it.

A question is an event, and so is its answer. Nothing else passes between the two; which questions there are is the
port Agent. Knows no network.
"""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from lastgood.core.commit import Person
from lastgood.core.errors import NeedsServer
from lastgood.core.ports import Clock, Store
from lastgood.core.request import ForgetResult, PressRequest, PressResult
from lastgood.core.told_error import read_error
from lastgood.core.value import to_plain

ASK = "ask"
ANSWER = "answer"
STARTED = "agent"
LOOK_S = 0.2
# A look at a slow remote, or the stop of a service that takes its time, is over by then.
WAIT_S = 90.0
NO_AGENT = "no agent runs on this data folder"
START_ONE = "start `lastgood agent` there"

T = TypeVar("T")


class AgentElsewhere:
    """The port Agent. Every method raises NeedsServer where no agent answers, and what the agent raised.

    runs: says whether there is one: nobody waits for an answer of one that is not.
    """

    def __init__(self, store: Store, clock: Clock, *, runs: Callable[[], bool]) -> None:
        self._store = store
        self._clock = clock
        self._runs = runs

    async def look(self, repo: str | None) -> list[str]:
        """See Agent.look."""
        return await self._ask("look", list[str], repo=repo)

    async def press(self, request: PressRequest, *, dry_run: bool = False) -> PressResult:
        """See Agent.press."""
        return await self._ask("press", PressResult, request=to_plain(request), dry_run=dry_run)

    async def forget(self, app: str, *, prune: bool, dry_run: bool = False, by: Person | None = None) -> ForgetResult:
        """See Agent.forget."""
        who = to_plain(by) if by is not None else None
        return await self._ask("forget", ForgetResult, app=app, prune=prune, dry_run=dry_run, by=who)

    async def changed(self, app: str | None) -> None:
        """See Agent.changed: the agent looks at the pauses by itself."""

    async def _ask(self, what: str, kind: type[T], **arguments: Any) -> T:
        if not self._runs():
            raise NeedsServer(NO_AGENT, hint=f"{START_ONE}; nothing has changed", command=f"`lastgood {what}`")
        question = str(uuid.uuid4())
        asked = self._clock.now()
        payload = {"question": question, "what": what, "arguments": arguments}
        last = await self._put(payload)
        while self._runs() and (self._clock.now() - asked).total_seconds() < WAIT_S:
            for event in await self._store.events(after=last):
                last = event.id
                if event.kind == STARTED:
                    # It hears only what is asked from then on. What may have been begun is not begun again unasked.
                    if what != "look":
                        raise NeedsServer(
                            "the agent started anew before it answered",
                            hint="nothing is known to have changed; see, and ask again",
                            command=f"`lastgood {what}`",
                        )
                    last = await self._put(payload)
                    break
                if event.kind == ANSWER and event.payload.get("question") == question:
                    return _read(event.payload, kind)
            await self._clock.sleep(LOOK_S)
        raise NeedsServer(
            f"no agent answered within {WAIT_S:.0f} s" if self._runs() else "the agent ended before it answered",
            hint="nothing is known to have changed; see that `lastgood agent` runs on the same data folder",
            command=f"`lastgood {what}`",
        )

    async def _put(self, payload: dict[str, Any]) -> int:
        return (await self._store.add_event(kind=ASK, app=None, payload=payload, at=self._clock.now())).id


def _read(payload: dict[str, Any], kind: type[T]) -> T:
    wrong = payload.get("error")
    if isinstance(wrong, dict):
        raise read_error(wrong)
    return msgspec.convert(payload.get("result"), kind)
