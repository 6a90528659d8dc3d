"""An application: a path on one branch of one config repo, bound to one destination.

Values only; `core/config.py` reads them from `lastgood.yaml`.
"""

import datetime as dt
from typing import Any

from lastgood.core.value import Value
from lastgood.core.version import Version
from lastgood.core.words import Health, RendererName, Sync


class Policy(Value, frozen=True, kw_only=True):
    """What the writers of the config repo want; an operator's limits may lower it."""

    bake_s: int = 600
    prune: bool = True
    self_heal: bool = True
    reason_required: bool = False
    auto_rollback: bool = False


class IgnoredDrift(Value, frozen=True, kw_only=True):
    """Fields of some objects whose difference from Git is no drift.

    group, name: None for any. pointers: JSON pointers to the fields. managers: field managers whose fields they are.
    """

    kind: str
    group: str | None = None
    name: str | None = None
    pointers: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()

    def covers(self, group: str, kind: str, name: str) -> bool:
        """Say whether an object is meant."""
        return self.kind == kind and self.group in (None, group) and self.name in (None, name)


class Scope(Value, frozen=True, kw_only=True):
    """Which files an application is made of.

    path: its folder, "" for the repo's root. others: inputs outside it (folders or files, also such as are not there).
    left_out: paths inside that do not count (`lastgood.yaml`, `.lastgood`, another environment's values file).
    All are paths from the repo's root.
    """

    path: str
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class DeclaredScope(Value, frozen=True, kw_only=True):
    """Which files an application is made of, as far as its entry says; the files at a commit declare the rest.

    path, others, left_out: as in Scope. render: `auto`, or the renderer whose declarations are followed.
    values: the values files that the entry lists; others at the chart's root do not count then.
    """

    path: str
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    render: str = "auto"
    values: tuple[str, ...] = ()


AnyScope = Scope | DeclaredScope
"""What can be asked for at any commit: fixed paths, or those that the declarations at that commit lead to."""


class Application(Value, frozen=True, kw_only=True):
    """One application as its entry in `lastgood.yaml` defines it.

    definition: the entry with its pattern filled in, as plain JSON: kept with each deployment and compared.
    render: as asked for; `auto` is settled by the files at the path.
    scope: which files it is made of; `core/declared_inputs.py` says which these are at a commit.
    """

    name: str
    repo: str
    branch: str
    path: str
    group: str
    environment: str | None
    destination: str
    namespace: str | None
    render: str
    scope: AnyScope
    policy: Policy
    definition: dict[str, Any]
    ignore_drift: tuple[IgnoredDrift, ...] = ()


class Refusal(Value, frozen=True, kw_only=True):
    """A head that a hold refused: the commit that brought it, and the hold's id."""

    commit: str
    hold: str


class ApplicationView(Value, frozen=True, kw_only=True):
    """What `apps` prints of one application; what Git alone cannot know is None."""

    name: str
    group: str
    environment: str | None
    repo: str | None
    branch: str | None
    path: str
    destination: str
    renderer: RendererName
    health: Health | None
    sync: Sync | None
    observed_at: dt.datetime | None
    desired: Version | None
    running: Version | None
    last_good: Version | None
    held: int
    paused: bool | None
    refused: Refusal | None
    updated_at: dt.datetime | None
    state: str = "followed"
    message: str | None = None
