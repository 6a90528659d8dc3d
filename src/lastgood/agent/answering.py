"""Answer what another process asks the agent through the records: see `elsewhere.py`.

Questions are answered side by side; one that nobody can understand is answered with an error, never with silence.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import structlog

from lastgood.agent.elsewhere import ANSWER, ASK, STARTED
from lastgood.core.commit import Person
from lastgood.core.errors import LastgoodError
from lastgood.core.ports import Agent, Clock, Store
from lastgood.core.record import Event
from lastgood.core.request import PressRequest
from lastgood.core.value import to_plain

LOOK_S = 1.0


class Answering:
    """Follows the events from now on, until cancelled."""

    def __init__(self, agent: Agent, *, store: Store, clock: Clock) -> None:
        self._agent = agent
        self._store = store
        self._clock = clock
        self._answers: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
            "look": self._look,
            "press": self._press,
            "forget": self._forget,
        }

    async def run(self) -> None:
        """Answer questions, for ever. Those from before the start are not answered: nobody waits for them."""
        last: int | None = None
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    last = await self._begin() if last is None else last
                    for event in await self._store.events(after=last):
                        last = event.id
                        if event.kind == ASK:
                            tasks.create_task(self._answer(event))
                except LastgoodError as trouble:
                    structlog.get_logger().warning("questions cannot be read", reason=trouble.message)
                await self._clock.sleep(LOOK_S)

    async def _begin(self) -> int:
        payload = {"state": "started"}
        return (await self._store.add_event(kind=STARTED, app=None, payload=payload, at=self._clock.now())).id

    async def _answer(self, event: Event) -> None:
        answer: dict[str, Any] = {"question": event.payload.get("question")}
        try:
            ask = self._answers.get(str(event.payload.get("what")), _unknown)
            answer["result"] = to_plain(await ask(event.payload["arguments"]))
        except LastgoodError as wrong:
            answer |= wrong.as_json()
        except Exception:  # noqa: BLE001 - whoever asked must not wait for a mistake of ours
            structlog.get_logger().exception("question cannot be answered")
            answer |= LastgoodError("lastgood made a mistake; the agent's log says which").as_json()
        try:
            await self._store.add_event(kind=ANSWER, app=None, payload=answer, at=self._clock.now())
        except LastgoodError as trouble:
            structlog.get_logger().warning("answer cannot be written", reason=trouble.message)

    async def _look(self, arguments: dict[str, Any]) -> Any:
        return await self._agent.look(arguments["repo"])

    async def _press(self, arguments: dict[str, Any]) -> Any:
        request = msgspec.convert(arguments["request"], PressRequest)
        return await self._agent.press(request, dry_run=bool(arguments["dry_run"]))

    async def _forget(self, arguments: dict[str, Any]) -> Any:
        return await self._agent.forget(
            str(arguments["app"]),
            prune=bool(arguments["prune"]),
            dry_run=bool(arguments["dry_run"]),
            by=msgspec.convert(arguments.get("by"), Person | None),
        )


async def _unknown(_arguments: dict[str, Any]) -> Any:
    raise LastgoodError("this agent does not know the question", hint="see that both processes are of one version")
