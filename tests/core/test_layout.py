"""The words by which folders are recognised, and what single files are."""

import pytest

from lastgood.core.environment_word import is_environment
from lastgood.core.layout_files import file_kind, flux_paths, references


@pytest.mark.parametrize(
    "name",
    [
        "production",
        "stage",
        "dev",
        "qa",
        "preview",
        "prod-eu",
        "eu-prod",
        "prod-eu-west-1",
        "dev2",
        "us-prod",
        "eu-prod-1",
    ],
)
def test_environments(name):
    """The words people use, with a region or a number beside them."""
    assert is_environment(name)


@pytest.mark.parametrize("name", ["web", "test-runner", "dev-tools", "reproduction", "stager", "web-production"])
def test_services(name):
    """A word beside another word is a service."""
    assert not is_environment(name)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("a/kustomization.yaml", "kind: Kustomization", "kustomization"),
        ("a/kustomization.yml", "kind: Component", "component"),
        ("a/Chart.yaml", "name: a", "chart"),
        ("a/Chart.yaml", "name: a\ntype: library", "library"),
        ("process-compose.yaml", None, "process-compose"),
        ("a/x.yaml", "apiVersion: v1\nkind: Service", "manifest"),
        ("a/x.yaml", "apiVersion: argoproj.io/v1alpha1\nkind: Application", "flux"),
        ("a/x.yaml", "on: push", "other"),
        ("a/x.json", "apiVersion: v1\nkind: Service", "other"),
        ("a/x.yaml", None, "other"),
    ],
)
def test_kinds_of_files(path, text, kind):
    """Name and content decide."""
    assert file_kind(path, text) == kind


def test_hostile_files_say_nothing():
    """Broken YAML, odd types and paths out of the repo are passed by."""
    assert references("a/kustomization.yaml", "resources: {a: 1}") == ((), False)
    assert references("a/kustomization.yaml", "resources: [1, ../../../etc, ../b, https://x/y]") == (("b",), False)
    assert references("a/kustomization.yaml", "[") == ((), False)
    flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {path: X}\n"
    texts = {
        "a.yaml": flux.replace("X", "../up"),
        "b.yaml": flux.replace("X", "[1]"),
        "c.yaml": flux.replace("X", "./c"),
    }
    assert flux_paths(texts) == ("c",)
