"""Look at a cluster once, as `lastgood doctor` wants it: does it answer, as what, whom, and may we do what we must?

Changes nothing, and ends its connection.
"""

import asyncio
from pathlib import Path

from lastgood.core.value import Value
from lastgood.targets.kubernetes.connection import ClusterAccess, Connection
from lastgood.targets.kubernetes.kinds import Kinds
from lastgood.targets.kubernetes.memory import Memory
from lastgood.targets.kubernetes.permissions import Need, missing, needs, role, whoami
from lastgood.targets.kubernetes.target import ClusterRules
from lastgood.targets.kubernetes.trouble import ClusterTrouble

# Whoever looks waits for it.
ANSWER_S = 10.0


class Examined(Value, frozen=True, kw_only=True):
    """What was found.

    trouble: why the cluster cannot be looked at, "" where it can. version: of Kubernetes. user: that we are taken for.
    refused: what we may not do. role: YAML that would allow it, "" where nothing is refused.
    """

    trouble: str = ""
    version: str = ""
    user: str | None = None
    refused: tuple[Need, ...] = ()
    role: str = ""


async def examine(access: ClusterAccess, rules: ClusterRules, *, destination: str, root: Path) -> Examined:
    """Look. root: the folder of the destination's target: it knows the kinds that applications have or wait for."""
    connection = Connection(access)
    try:
        # Once: whoever looks wants to know how it is now.
        async with asyncio.timeout(ANSWER_S):
            said = await connection.request("GET", "/version", repeat=False)
        version = str(said.get("gitVersion", "")) if isinstance(said, dict) else ""
        user = await whoami(connection)
        kinds = Kinds(connection)
        await kinds.read()
        memory = Memory(root)
        remembered = memory.read_all()
        applied = {one.key[0] for app in remembered for one in app.objects}
        needed = needs(
            kinds.known(),
            applied=applied.union(memory.waiting_kinds(), *(app.kinds for app in remembered)),
            namespace=rules.namespace,
            account=rules.account,
            may_delete=rules.may_delete,
        )
        refused = await missing(connection, needed)
    except TimeoutError:
        return Examined(trouble=f"the API server has not answered for {ANSWER_S:.0f} s")
    except ClusterTrouble as trouble:
        return Examined(trouble=str(trouble))
    finally:
        await connection.close()
    yaml = role(destination, refused, user=user) if refused else ""
    return Examined(version=version, user=user, refused=tuple(refused), role=yaml)
