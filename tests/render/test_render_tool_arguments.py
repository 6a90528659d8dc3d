"""What Helm and Kustomize are asked, which references lead out of the repo, and which programs will do."""

import os
import sys

import pytest

from lastgood.core.application import Scope
from lastgood.core.cluster_facts import Circumstances, ClusterFacts
from lastgood.render.helm import helm_arguments
from lastgood.render.kustomize import find_elsewhere, kustomize_arguments
from lastgood.render.tools import ToolMissing, Tools, ToolSettings, find_tool
from lastgood.render.work_folder import WorkFolder
from twins.processes import application


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes files into a work folder and returns it."""

    def make(files=()):
        for name, content in dict(files).items():
            path = tmp_path / "files" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return WorkFolder(tmp_path / "files", tmp_path / "home", (), 0)

    return make


def test_a_chart_is_rendered_by_its_entry(folder):
    """Release, namespace, listed values in their order, CRDs, and what is known of the cluster."""
    app = application(
        path="charts/web",
        namespace="shop",
        scope=Scope(path="charts/web"),
        definition={"helm": {"release": "w", "values": ["charts/web/values.yaml", "env/a,b.yaml"]}},
    )
    known = ClusterFacts(kube_version="v1.33.2", api_versions=("v1", "apps/v1/Deployment"))
    files = folder().files
    assert helm_arguments(folder(), app, Circumstances(cluster=known, has_run=True)) == (
        "template",
        "w",
        f"{files}/charts/web",
        "--include-crds",
        "--namespace",
        "shop",
        f"--values={files}/charts/web/values.yaml",
        f'--values="{files}/env/a,b.yaml"',
        "--kube-version=v1.33.2",
        "--api-versions=v1",
        "--api-versions=apps/v1/Deployment",
        "--is-upgrade",
    )


def test_a_chart_without_an_entry_of_its_own(folder):
    """The release is called after the application; nothing is said of a cluster that nobody knows."""
    app = application(name="web", path="", namespace=None, scope=Scope(path=""), definition={"helm": None})
    assert helm_arguments(folder(), app, Circumstances()) == ("template", "web", str(folder().files), "--include-crds")


def test_kustomize_keeps_its_restrictor(folder):
    """Files stay below their kustomization, and nothing that runs programs is switched on."""
    where = f"{folder().files}/apps/web"
    assert kustomize_arguments(folder(), "apps/web") == (
        "build",
        "--load-restrictor",
        "LoadRestrictionsRootOnly",
        where,
    )


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.com/x.yaml",
        "http://127.0.0.1/x.yaml",
        "github.com/org/repo",
        "git@example.com:org/repo.git",
        "ssh://git@example.com/org/repo",
        "git::https://example.com/x",
        "file:///etc",
        "gh:org/repo",
        "example.org:org/repo",
    ],
)
@pytest.mark.parametrize(
    "form",
    [
        "resources: ['%s']",
        "bases: ['%s']",
        "components: ['%s']",
        "crds: ['%s']",
        "patches: [{path: '%s'}]",
        "openapi: {path: '%s'}",
        "configMapGenerator: [{name: x, files: ['%s']}]",
        "configMapGenerator: [{name: x, files: ['key=%s']}]",
        "secretGenerator: [{name: x, envs: ['%s']}]",
    ],
)
def test_what_would_be_fetched_is_found(folder, form, reference):
    """Every kind of address, wherever a kustomization may have one."""
    found = find_elsewhere(folder({"a/kustomization.yaml": form % reference}), "a")
    assert found == ("a/kustomization.yaml", reference, True)


def test_a_git_ref_in_an_address_is_found(folder):
    """An address with a query is one reference."""
    reference = "github.com/org/repo//base?ref=v1"
    found = find_elsewhere(folder({"kustomization.yaml": f"resources: ['{reference}']"}), "")
    assert found == ("kustomization.yaml", reference, True)


def test_a_plugin_s_file_is_read(folder):
    """What a built-in generator's configuration names counts as the kustomization's own."""
    files = {"kustomization.yaml": "generators: [g.yaml]", "g.yaml": "files: ['https://example.com/x']"}
    assert find_elsewhere(folder(files), "") == ("g.yaml", "https://example.com/x", True)


@pytest.mark.parametrize("reference", ["../../etc", "../../../etc/passwd", "/etc/passwd", "b/../../../x"])
def test_what_leads_out_of_the_repo_is_found(folder, reference):
    """Upwards beyond the root, or absolute."""
    found = find_elsewhere(folder({"a/kustomization.yml": f"resources: ['{reference}']"}), "a")
    assert found == ("a/kustomization.yml", reference, False)


def test_references_are_followed(folder):
    """Through bases and components, around in circles, and no further than what is referred to."""
    files = {
        "a/kustomization.yaml": "resources: [../b, x.yaml]\ncomponents: [../c]",
        "b/Kustomization": "resources: [../a]",
        "c/kustomization.yml": "resources: [https://example.com]",
        "d/kustomization.yaml": "resources: [https://example.org]",
    }
    assert find_elsewhere(folder(files), "a") == ("c/kustomization.yml", "https://example.com", True)
    files["c/kustomization.yml"] = "resources: [../b]"
    assert find_elsewhere(folder(files), "a") is None


@pytest.mark.parametrize(
    "content",
    [
        "resources: [x.example.yaml, ./github.com/y, sub.example/z.yaml]",
        "resources: {a: b}",
        "resources: [1, null, [x]]",
        "- x",
        "a: [",
        "",
        'resources: ["a\\nhttps://example.com"]',
        "patches: [{patch: 'https://example.com'}]",
    ],
)
def test_what_stays_here_is_left_to_kustomize(folder, content):
    """Files with dots in their names, and whatever is no kustomization: it says best what is wrong."""
    files = {"kustomization.yaml": content, "sub.example/z.yaml": "", "github.com/y": "", "x.example.yaml": ""}
    assert find_elsewhere(folder(files), "") is None


@pytest.fixture
def program(tmp_path):
    """Return a function that makes a program that says something."""

    def make(script):
        path = tmp_path / "tool"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    return make


@pytest.mark.parametrize(
    ("name", "said", "version"),
    [
        ("helm", "v3.22.0+g1234", "v3.22.0+g1234"),
        ("helm", "v4.3", "v4.3"),
        ("kustomize", "{Version:kustomize/v5.0.1 GitCommit:x}", "v5.0.1"),
    ],
)
def test_a_program_says_its_version(program, name, said, version):
    """In whatever form its makers chose."""
    found = find_tool(name, ToolSettings(**{name: program(f"echo '{said}'")}))
    assert (found.name, found.version) == (name, version)


@pytest.mark.parametrize(
    ("name", "script", "reason"),
    [
        ("helm", "echo v2.17.0", "is v2.17.0, and Helm 3.8 or newer, or Helm 4 is needed"),
        ("helm", "echo v3.7.9", "is v3.7.9"),
        ("helm", "echo v5.0.0", "is v5.0.0"),
        ("kustomize", "echo v4.5.7", "is v4.5.7, and Kustomize 5 is needed"),
        ("helm", "echo hello", "does not say its version"),
        ("helm", "exit 3", "does not say its version"),
    ],
)
def test_a_program_that_will_not_do_is_named(program, name, script, reason):
    """Too old, too new to have been tried, or none at all: with what to do about it."""
    with pytest.raises(ToolMissing) as missing:
        find_tool(name, ToolSettings(**{name: program(script)}))
    assert reason in missing.value.reason
    assert f"LASTGOOD_RENDER__{name.upper()}" in missing.value.hint


async def test_a_program_that_came_later_is_found(tmp_path):
    """What was missing is looked for again; what was found is remembered. Settings are read once, when needed."""
    path, reads = tmp_path / "helm", []

    def read():
        reads.append(1)
        return ToolSettings(helm=str(path))

    tools = Tools(read)
    assert reads == []
    with pytest.raises(ToolMissing, match="there is no program"):
        await tools.find("helm")
    path.write_text("#!/bin/sh\necho v3.10.0\n")
    path.chmod(0o755)
    found = await tools.find("helm")
    path.unlink()
    assert await tools.find("helm") == found
    assert len(reads) == 1


async def test_versions_are_asked_without_this_account_s_surroundings(program):
    """A program's plugins and configuration are not looked at, and its environment tells it nothing."""
    script = f"{sys.executable} -I -c \"import os; print('v3.9.' + str('SECRET' in os.environ).lower())\""
    os.environ["SECRET"] = "x"
    try:
        assert find_tool("helm", ToolSettings(helm=program(script))).version == "v3.9.false"
    finally:
        del os.environ["SECRET"]
