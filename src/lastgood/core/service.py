"""What an application runs: each workload with its pods, images, addresses and last change. Values only."""

import datetime as dt

from lastgood.core.commit import Person
from lastgood.core.value import Value
from lastgood.core.words import Health, Trigger


class Endpoint(Value, frozen=True, kw_only=True):
    """Where a service is reached.

    kind, name: the object that says so. address: `host:port`, or a host with a path, with its scheme where that is
    known. ready, wanted: addresses behind it that take traffic, and all of them; None where nobody counts them.
    """

    kind: str
    name: str
    address: str
    ready: int | None = None
    wanted: int | None = None


class LastChange(Value, frozen=True, kw_only=True):
    """The deployment that changed a service last."""

    number: int
    trigger: Trigger
    at: dt.datetime
    commit: str
    subject: str
    author: Person


class ServiceView(Value, frozen=True, kw_only=True):
    """One workload that Git asks for, or one process.

    ready, wanted: pods of its newest version. restarts: of their containers. images: as asked for; of a process, the
    source revision that it runs from. pods: the names by which logs and events are asked for, the first 100.
    last_change: None where none of the newest 100 deployments changed it.
    """

    group: str
    kind: str
    namespace: str | None
    name: str
    health: Health
    reason: str = ""
    message: str = ""
    ready: int = 0
    wanted: int = 1
    restarts: int = 0
    images: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    labels: dict[str, str] = {}
    pods: tuple[str, ...] = ()
    last_change: LastChange | None = None


class Services(Value, frozen=True, kw_only=True):
    """The services of one application at one moment.

    left_out: how many further services there are, beyond what is told. trouble: why the target cannot be seen now, ""
    where it can; every health is Unknown then.
    """

    app: str
    observed_at: dt.datetime
    services: tuple[ServiceView, ...]
    left_out: int = 0
    trouble: str = ""
