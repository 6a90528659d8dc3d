"""Which renderer a folder's files call for, by their names alone. Knows no repository and renders nothing."""

from collections.abc import Collection

from lastgood.core.words import RendererName

PROCESS_COMPOSE_FILES = ("process-compose.yaml", "process-compose.yml")
KUSTOMIZE_FILES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
HELM_FILES = ("Chart.yaml",)
MANIFEST_ENDINGS = (".yaml", ".yml", ".json")


def kind_of_names(names: Collection[str]) -> RendererName:
    """Settle `render: auto`. names: the files (no folders) in the application's folder that count."""
    if any(name in names for name in PROCESS_COMPOSE_FILES):
        return "process-compose"
    if any(name in names for name in KUSTOMIZE_FILES):
        return "kustomize"
    if any(name in names for name in HELM_FILES):
        return "helm"
    if any(name.endswith(MANIFEST_ENDINGS) for name in names):
        return "plain"
    return "unknown"
