"""Say whether what an apply was refused would be taken now: from memory, or by a dry run, less and less often.

So a version that cannot be applied is not tried for ever, and goes as soon as what was in its way has gone. Writes
nothing, to the cluster or to a file.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from lastgood.core.back_off import back_off
from lastgood.targets.kubernetes.apply import SECRET
from lastgood.targets.kubernetes.cluster import Cluster
from lastgood.targets.kubernetes.connection import chance
from lastgood.targets.kubernetes.live_object import Key
from lastgood.targets.kubernetes.memory import Applied, Hindrance
from lastgood.targets.kubernetes.options import options_of
from lastgood.targets.kubernetes.send import Sender
from lastgood.targets.kubernetes.shared import may_be_left
from lastgood.targets.kubernetes.trouble import ClusterTrouble

# The content of a Secret is not kept: one that was refused for what it is cannot be asked for, and is tried again
# after this time.
UNSEEN_S = 3_600.0


class _Asking(msgspec.Struct):
    """How asking for one hindrance went. ask_at: on the loop's clock. gone: the cluster would take it."""

    ask_at: float
    times: int = 0
    gone: bool = False


class Hindrances:
    """Remembers when to ask again. claimed: says whose an object is, if it is not a set's.

    is_healthy: whether an object is.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        claimed: Callable[[str, Key], Awaitable[str | None]],
        is_healthy: Callable[[Key], bool],
    ) -> None:
        self._cluster = cluster
        self._claimed = claimed
        self._is_healthy = is_healthy
        self._askings: dict[str, dict[Key, _Asking]] = {}

    def forget(self, app: str) -> None:
        """An application is applied anew: what was asked before says nothing of that."""
        self._askings.pop(app, None)

    async def may_go_on(self, applied: Applied, sender: Sender) -> bool | None:
        """Say whether all would be taken now, None where nothing was refused."""
        if not applied.hindrances:
            return None
        gone = [await self._is_gone(one, applied, sender) for one in applied.hindrances]
        return all(gone)

    async def _is_gone(self, one: Hindrance, applied: Applied, sender: Sender) -> bool:
        if one.claimed:
            try:
                may_be_had = await self._claimed(applied.set_id, one.key) is None
                return may_be_had or may_be_left(self._cluster.live.get(one.key))
            except ClusterTrouble:
                return False
        if one.how == "health":
            return self._is_healthy(one.key)
        now = asyncio.get_running_loop().time()
        askings = self._askings.setdefault(applied.app, {})
        asking = askings.get(one.key)
        is_secret = one.key[0] == SECRET and one.how == "apply"
        if asking is None:
            first_s = back_off(1, jitter=chance()) if one.sent or one.how == "delete" else UNSEEN_S
            # Its first answer counts for nothing but to see whether it is the content that is refused.
            first_s = 0.0 if is_secret and one.sent else first_s
            asking = askings[one.key] = _Asking(ask_at=now + first_s)
        if not asking.gone and now >= asking.ask_at:
            asking.times += 1
            asking.ask_at = now + back_off(asking.times + 1, jitter=chance())
            asking.gone = await self._would_be_taken(one, sender)
            if asking.gone and is_secret and one.sent and asking.times == 1:
                asking.gone, asking.ask_at = False, now + UNSEEN_S
        return asking.gone

    async def _would_be_taken(self, one: Hindrance, sender: Sender) -> bool:
        try:
            kinds = self._cluster.kinds
            kind = await kinds.find(*one.key[0]) or await kinds.find(*one.key[0], anew=True)
            if kind is None:
                return one.how == "delete"
            if one.how == "delete":
                await sender.delete(kind.path(one.key[1] or None, one.key[2]), uid=None, dry_run=True)
            elif one.sent:
                manifest = msgspec.json.decode(one.sent)
                await sender.probe(kind, manifest, options_of(manifest))
        except ClusterTrouble as trouble:
            # What is wrong with a Secret without its content says that nothing else is in its way.
            return one.key[0] == SECRET and one.how == "apply" and trouble.fault == "version"
        return True
