"""Helm 3, Helm 4 and Kustomize: the real programs."""

from pathlib import Path
from typing import NamedTuple

from twins.go_programs import built

MODULES = {
    "kustomize": "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1",
    "helm3": "helm.sh/helm/v3/cmd/helm@v3.22.0",
    "helm4": "helm.sh/helm/v4/cmd/helm@v4.3.1",
}


class RenderPrograms(NamedTuple):
    """Where each program is."""

    kustomize: Path
    helm3: Path
    helm4: Path


def built_programs() -> RenderPrograms:
    """Return the programs; build what is missing (about 5 minutes on two cores). Raises CalledProcessError."""
    return RenderPrograms(**built("renderers", MODULES))
