"""Objects that are run at a moment of a deployment instead of being kept: hooks of Argo CD and of Helm charts. Pure.

Which of them run depends on the occasion: Helm knows installs, upgrades and rollbacks apart, and healing runs none.
Those of the deletion of an application run at that alone.
"""

from collections.abc import Iterable
from typing import Any, Literal

from lastgood.core.kind_order import rank
from lastgood.core.resource import Resource, annotations_of
from lastgood.core.value import Value
from lastgood.core.words import Occasion

ARGO_HOOK = "argocd.argoproj.io/hook"
HELM_HOOK = "helm.sh/hook"
_ARGO_DELETE = "argocd.argoproj.io/hook-delete-policy"
_ARGO_WAVE = "argocd.argoproj.io/sync-wave"
_HELM_DELETE = "helm.sh/hook-delete-policy"
_HELM_WEIGHT = "helm.sh/hook-weight"

Moment = Literal["before", "during", "after", "failed", "before deletion", "after deletion"]
_ARGO: dict[str, Moment] = {"presync": "before", "sync": "during", "postsync": "after", "syncfail": "failed"}
_HELM: dict[Occasion, dict[str, Moment]] = {
    "install": {"pre-install": "before", "post-install": "after"},
    "upgrade": {"pre-upgrade": "before", "post-upgrade": "after"},
    "return": {"pre-rollback": "before", "post-rollback": "after"},
    "heal": {},
}
_ARGO_DELETION: dict[str, Moment] = {"predelete": "before deletion", "postdelete": "after deletion"}
_HELM_DELETION: dict[str, Moment] = {"pre-delete": "before deletion", "post-delete": "after deletion"}
MOST_WEIGHT = 1_000_000


class Hook(Value, frozen=True, kw_only=True):
    """One hook at one moment.

    weight: lower ones run first. delete: what it is deleted at (`before-hook-creation`, `hook-succeeded`,
    `hook-failed`).
    """

    resource: Resource
    moment: Moment
    weight: int
    delete: frozenset[str]

    @property
    def label(self) -> str:
        """Return its name for people."""
        return f"{self.resource.kind} {self.resource.name}"


def is_hook(manifest: dict[str, Any]) -> bool:
    """Say whether an object is run instead of kept, or left out altogether (Argo CD's `Skip`, Helm's `test`)."""
    said = annotations_of(manifest)
    return ARGO_HOOK in said or HELM_HOOK in said


def kept(resources: Iterable[Resource]) -> list[Resource]:
    """Return the objects that are no hooks."""
    return [one for one in resources if not is_hook(one.manifest)]


def hooks_at(resources: Iterable[Resource], occasion: Occasion) -> list[Hook]:
    """Return the hooks that an occasion runs, by moment and in the order in which they run.

    On the way back to a version that ran before, Helm's rollback hooks stand in for its upgrade hooks.
    """
    if occasion == "heal":
        return []
    found = _in_order(hook for one in resources for hook in _hooks_of(one, _ARGO, _HELM[occasion]))
    return sorted(found, key=lambda hook: _MOMENTS.index(hook.moment))


def deletion_hooks(resources: Iterable[Resource]) -> list[Hook]:
    """Return the hooks that run when an application is deleted, those before it first, each in their order."""
    found = _in_order(hook for one in resources for hook in _hooks_of(one, _ARGO_DELETION, _HELM_DELETION))
    return sorted(found, key=lambda hook: hook.moment != "before deletion")


def _in_order(hooks: Iterable[Hook]) -> list[Hook]:
    # Within a weight what others need comes first: the account before the Job that runs as it.
    return sorted(hooks, key=lambda hook: (hook.weight, rank(hook.resource.kind), hook.resource.kind, hook.label))


def _hooks_of(resource: Resource, argo: dict[str, Moment], helm: dict[str, Moment]) -> list[Hook]:
    said = annotations_of(resource.manifest)
    if ARGO_HOOK in said:
        moments, names = argo, _listed(said[ARGO_HOOK])
        delete = frozenset(_ARGO_POLICY.get(one, one) for one in _listed(said.get(_ARGO_DELETE, "")))
        weight = _number(said.get(_ARGO_WAVE, ""))
    elif HELM_HOOK in said:
        moments, names = helm, _listed(said[HELM_HOOK])
        delete = frozenset(_listed(said.get(_HELM_DELETE, "")))
        weight = _number(said.get(_HELM_WEIGHT, ""))
    else:
        return []
    return [
        Hook(resource=resource, moment=moments[name], weight=weight, delete=_delete_at(resource.kind, delete))
        for name in names
        if name in moments
    ]


_MOMENTS: tuple[Moment, ...] = ("before", "during", "after", "failed")
_ARGO_POLICY = {
    "hooksucceeded": "hook-succeeded",
    "hookfailed": "hook-failed",
    "beforehookcreation": "before-hook-creation",
}
_DEFAULT_DELETE = frozenset({"before-hook-creation"})
_PRECIOUS = ("Namespace", "PersistentVolume", "PersistentVolumeClaim")


def _delete_at(kind: str, asked: frozenset[str]) -> frozenset[str]:
    """Return what a hook is deleted at: a definition at nothing, since all objects of its kind would go with it.

    What else takes more with it goes only where that is asked for; any other hook before it runs again.
    """
    if kind == "CustomResourceDefinition":
        return frozenset()
    return asked or (frozenset() if kind in _PRECIOUS else _DEFAULT_DELETE)


def _listed(text: str) -> list[str]:
    return [one.strip().lower() for one in text.split(",")[:20] if one.strip()]


def _number(text: str) -> int:
    try:
        return max(-MOST_WEIGHT, min(MOST_WEIGHT, int(text.strip() or "0")))
    except ValueError:
        return 0
