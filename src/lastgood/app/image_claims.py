"""What registries say of images, without anybody waiting long: a slow registry is asked on, and told of as unknown.

Knows no source repo, and believes nothing; remembers failures for a while, so that each is not one more question.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

from lastgood.core.errors import LastgoodError
from lastgood.core.image_facts import ImageFacts
from lastgood.core.image_name import ImageName
from lastgood.core.ports import Clock, ImageRegistry
from lastgood.core.short_memory import ShortMemory

# For each registry: one that hangs is in no other's way.
MAX_ASKED = 200
# So long altogether are answers of one registry waited for in a minute, however many images are asked for.
WAIT_S = 5.0
AGAIN_S = 60.0
_Question = Callable[[ImageName], Awaitable[ImageFacts]]


@dataclasses.dataclass
class _Patience:
    """What a registry has cost. waited_s: seconds that were waited for its answers."""

    waited_s: float = 0.0


class ImageClaims:
    """Asks the port ImageRegistry beside what is going on. wait_s: see WAIT_S."""

    def __init__(self, registry: ImageRegistry, *, clock: Clock, wait_s: float = WAIT_S) -> None:
        self._registry = registry
        self._wait_s = wait_s
        self._asked: dict[str, dict[str, asyncio.Task[ImageFacts | str]]] = {}
        self._failed: ShortMemory[str] = ShortMemory(clock, AGAIN_S)
        self._patience: ShortMemory[_Patience] = ShortMemory(clock, AGAIN_S)

    async def describe(self, image: ImageName) -> ImageFacts | str:
        """Return what an image says of itself, or why that is not known (yet)."""
        known = await self._registry.known(image)
        return known if known is not None else await self._answer(image, str(image), self._registry.describe)

    async def attest(self, image: ImageName) -> ImageFacts | str:
        """Return what an image says and what is attached to it, or why that is not known (yet)."""
        known = await self._registry.known(image)
        if known is not None and known.attached is not None:
            return known
        return await self._answer(image, f"{image} attached", self._registry.attest)

    async def _answer(self, image: ImageName, key: str, ask: _Question) -> ImageFacts | str:
        reason = self._failed.get(key)
        if reason is not None:
            return reason
        asked = self._asked.setdefault(image.registry, {})
        if key not in asked:
            if len(asked) >= MAX_ASKED:
                return f"{image.registry} is asked about it after {MAX_ASKED} other images"
            asked[key] = asyncio.create_task(self._ask(image, key, ask))
        return await self._wait(image.registry, asked[key])

    async def close(self) -> None:
        """Ask no more."""
        asked = [task for of_host in self._asked.values() for task in of_host.values()]
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def _ask(self, image: ImageName, key: str, ask: _Question) -> ImageFacts | str:
        try:
            return await ask(image)
        except LastgoodError as wrong:
            self._failed.keep(key, wrong.message)
            return wrong.message
        finally:
            self._forget(image.registry, key)

    def _forget(self, host: str, key: str) -> None:
        asked = self._asked[host]
        del asked[key]
        if not asked:
            del self._asked[host]

    async def _wait(self, host: str, task: asyncio.Task[ImageFacts | str]) -> ImageFacts | str:
        """Wait for an answer as long as the patience with its registry lasts."""
        patience = self._patience.get(host)
        if patience is None:
            patience = _Patience()
            self._patience.keep(host, patience)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.wait({task}, timeout=max(0.0, self._wait_s - patience.waited_s))
        patience.waited_s += loop.time() - begun
        return task.result() if task.done() else f"{host} has not answered yet; it is asked on"
