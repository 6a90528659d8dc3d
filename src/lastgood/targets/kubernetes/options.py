"""What the annotations of an object ask of whoever applies it, in the words that repos already contain.

Argo CD's, Helm's and Flux's (these also as labels, as Flux itself takes them), read into one value. Pure.
"""

from collections.abc import Mapping
from typing import Any

from lastgood.core.resource import annotations_of, labels_of
from lastgood.core.value import Value

_ARGO = "argocd.argoproj.io"
WAVE = f"{_ARGO}/sync-wave"
SYNC_OPTIONS = f"{_ARGO}/sync-options"
COMPARE_OPTIONS = f"{_ARGO}/compare-options"
_FLUX = "kustomize.toolkit.fluxcd.io"
_RESOURCE_POLICY = "helm.sh/resource-policy"
MOST_WAVE = 1_000_000
# Deleting one of these takes much more with it than the object.
PRECIOUS: frozenset[tuple[str, str]] = frozenset(
    {
        ("", "Namespace"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("", "PersistentVolume"),
        ("", "PersistentVolumeClaim"),
    }
)


class Options(Value, frozen=True, kw_only=True):
    """How to treat one object.

    wave: lower ones go first. prune: may it be deleted when it left Git. delete: may it be deleted with its
    application. replace: put it in place whole instead of merging. force: delete and make anew what cannot be changed.
    create_only: leave it alone once it is there; what differs is no drift. skip_unknown_kind: not there yet is no
    error. compare: False: nobody waits for its health either. keep_kubectl: what was added with kubectl stays.
    ignore_extra: an object that nobody asks for is no drift.
    """

    wave: int = 0
    prune: bool = True
    delete: bool = True
    replace: bool = False
    force: bool = False
    create_only: bool = False
    skip_unknown_kind: bool = False
    compare: bool = True
    keep_kubectl: bool = False
    ignore_extra: bool = False


def options_of(manifest: Mapping[str, Any]) -> Options:
    """Read the options of an object; what is unknown or no number is passed over, as the other tools do."""
    said = annotations_of(manifest)
    sync = _listed(said.get(SYNC_OPTIONS, ""))
    compare = _listed(said.get(COMPARE_OPTIONS, ""))
    flux = {f"{key}: {value.lower()}" for one in (labels_of(manifest), said) for key, value in one.items()}
    off = f"{_FLUX}/reconcile: disabled" in flux
    ignored = off or f"{_FLUX}/ssa: ignore" in flux
    kept = off or f"{_FLUX}/prune: disabled" in flux or said.get(_RESOURCE_POLICY, "").strip().lower() == "keep"
    return Options(
        wave=_wave(said.get(WAVE, "")),
        prune=sync.get("prune") not in ("false", "confirm") and not kept,
        delete=sync.get("delete") not in ("false", "confirm") and not kept,
        replace=sync.get("replace") == "true",
        force=sync.get("force") == "true" or f"{_FLUX}/force: enabled" in flux,
        create_only=ignored or f"{_FLUX}/ssa: ifnotpresent" in flux,
        skip_unknown_kind=sync.get("skipdryrunonmissingresource") == "true",
        compare=not ignored,
        keep_kubectl=f"{_FLUX}/ssa: merge" in flux,
        ignore_extra="ignoreextraneous" in compare,
    )


def _listed(text: str) -> dict[str, str]:
    """Read `A=b,C=d,E`: names in small letters, values too."""
    pairs = [one.strip().partition("=") for one in text.split(",")[:50]]
    return {key.strip().lower(): value.strip().lower() for key, _, value in pairs if key}


def _wave(text: str) -> int:
    try:
        return max(-MOST_WAVE, min(MOST_WAVE, int(text.strip() or "0")))
    except ValueError:
        return 0
