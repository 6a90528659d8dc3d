"""Which files an application is made of at a commit, in the layouts that people have and in hostile ones."""

import pytest

from lastgood.core import declared_inputs as module
from lastgood.core.application import DeclaredScope, Scope
from lastgood.core.commit import MODE_SUBMODULE, MODE_SYMLINK
from twins.config_repo import MemoryConfigRepo


def lists(**fields: list[str]) -> str:
    """Write a kustomization with lists of texts."""
    return "".join(f"{key}:\n" + "".join(f"- {one}\n" for one in value) for key, value in fields.items())


BASE = {
    "base/kustomization.yaml": lists(resources=["deployment.yaml", "./service.yaml"]),
    "base/deployment.yaml": "d",
    "base/service.yaml": "s",
    "base/README.md": "nobody reads me",
}
NAMES = ("Kustomization", "kustomization.yaml", "kustomization.yml")
OF_BASE = ("base/deployment.yaml", "base/service.yaml", *(f"base/{name}" for name in NAMES))


async def declared(files, **asked):
    repo = MemoryConfigRepo()
    return await repo.inputs(await repo.commit_files("main", files), DeclaredScope(**asked))


async def others(files, path="overlays/production", **asked) -> tuple[str, ...]:
    return (await declared(files, path=path, **asked)).scope.others


async def test_an_overlay_is_made_of_its_folder_and_what_its_base_names():
    """The other overlay and what the base does not name are no inputs."""
    files = BASE | {
        "overlays/production/kustomization.yaml": lists(resources=["../../base"], patchesStrategicMerge=["patch.yaml"]),
        "overlays/staging/kustomization.yaml": lists(resources=["../../base"]),
    }
    assert await others(files) == tuple(sorted(OF_BASE))


async def test_overlays_below_their_base_are_no_inputs_of_each_other():
    """A base that is the folder above takes in its own files alone."""
    files = {
        "web/kustomization.yaml": lists(resources=["deployment.yaml"]),
        "web/deployment.yaml": "d",
        "web/overlays/production/kustomization.yaml": lists(resources=["../.."]),
        "web/overlays/staging/kustomization.yaml": lists(resources=["../.."]),
    }
    found = await others(files, "web/overlays/production")
    assert found == tuple(sorted(["web/deployment.yaml", *(f"web/{name}" for name in NAMES)]))


async def test_a_base_of_a_base_and_components_are_followed():
    """Through every reference, each once, also where they lead in a circle."""
    files = BASE | {
        "overlays/production/kustomization.yml": lists(resources=["../../middle"], components=["../../parts/tls"]),
        "middle/Kustomization": lists(bases=["../base"]),
        "base/kustomization.yaml": lists(resources=["deployment.yaml", "../middle"]),
        "parts/tls/kustomization.yaml": lists(resources=["secret.yaml"]) + "kind: Component\n",
        "parts/tls/secret.yaml": "x",
    }
    found = await others(files)
    assert {"middle/Kustomization", "base/deployment.yaml", "parts/tls/secret.yaml"} <= set(found)
    assert "base/service.yaml" not in found


@pytest.mark.parametrize(
    ("kustomization", "inputs"),
    [
        ("patches:\n- {path: ../p.yaml, target: {kind: A}}\n- {patch: 'inline: ../no'}\n", ["p.yaml"]),
        ("patchesJson6902:\n- {path: ../p.json}\n", ["p.json"]),
        ("patchesStrategicMerge:\n- ../p.yaml\n- |-\n  kind: ../no\n", ["p.yaml"]),
        ("replacements:\n- path: ../r.yaml\n- source: {kind: A}\n", ["r.yaml"]),
        ("configMapGenerator:\n- {name: a, files: [../f, key=../g], envs: [../e], env: ../h}\n", ["e", "f", "g", "h"]),
        ("secretGenerator:\n- {name: a, files: [../f], literals: [a=../no]}\n", ["f"]),
        ("crds: [../c.json]\nconfigurations: [../n]\nopenapi: {path: ../o.json}\n", ["c.json", "n", "o.json"]),
        ("helmGlobals: {chartHome: ../charts}\nhelmCharts:\n- {name: web, version: 1, valuesFile: ../v.yaml}\n",
         ["charts/web", "v.yaml"]),
        ("helmCharts:\n- {name: web, version: 1.2.0, additionalValuesFiles: [../a.yaml]}\n", ["a.yaml"]),
        ("generators:\n- |-\n  kind: ConfigMapGenerator\n  files: [../f]\n", ["f"]),
        ("transformers: [../plugin.yaml]\n", ["plugin.yaml", "plugin/patch.yaml"]),
        ("validators: [../gone.yaml]\n", ["gone.yaml"]),
        ("resources: [../gone.yaml, ../gone/folder/]\n", ["gone.yaml", "gone/folder"]),
        ("resources: &r [../f]\ncomponents: *r\n", ["f"]),
        ("resources: [../f]\n---\nresources: [../g]\n", ["f", "g"]),
        ("kind: Kustomization\nresources: [../g]\nresources: [../f]\nkind: Kustomization\n", ["f"]),
        ("Resources: [../f]\nconfigmapgenerator:\n- {Files: [../g]}\n", ["f", "g"]),
        ("Resources: [../f]\nresources: [../g]\n", ["g"]),
        ("resources: !ours [!ours ../f]\n", ["f"]),
        ("\ufeffresources: [../f]\n".encode("utf-16-le"), ["f"]),
    ],
)  # fmt: skip
async def test_every_kind_of_reference_counts(kustomization, inputs):
    """What Kustomize reads is an input, also where it is not there; what is written inline names no file."""
    files = {
        "a/kustomization.yaml": kustomization,
        "plugin.yaml": "kind: PatchTransformer\npath: ../plugin/patch.yaml\n",
        "charts/web/Chart.yaml": "name: web\n",
        **dict.fromkeys(("e", "f", "g", "h"), "x"),
    }
    assert await others(files, "a") == tuple(inputs)


@pytest.mark.parametrize(
    ("reference", "note"),
    [
        ("https://github.com/acme/base//web?ref=v1", "https://github.com/acme/base//web?ref=v1 is not in this repo"),
        ("github.com/acme/base", "github.com/acme/base is not in this repo"),
        ("git@github.com:acme/base.git", "git@github.com:acme/base.git is not in this repo"),
        ("https://bot:hunter2@git.test/base", "https://[redacted]@git.test/base is not in this repo"),
        ("../../elsewhere", "'../../elsewhere' in a is no path in this repo"),
        ("/etc/passwd", "'/etc/passwd' in a is no path in this repo"),
    ],
)
async def test_what_is_not_in_the_repo_is_noted(reference, note):
    """An address or a way out of the repo is no input; it is said, without passwords."""
    found = await declared({"a/kustomization.yaml": lists(resources=[f'"{reference}"'])}, path="a")
    assert found.scope.others == ()
    assert "hunter2" not in str(found.notes)
    assert found.notes == (note,)


@pytest.mark.parametrize(
    "kustomization",
    [
        "resources: [",
        "resources: {a: b}\n",
        "resources: 5\n",
        "- a\n",
        "",
        "resources: [[../f], 5, null, ''] \n",
        "\xff",
    ],
)
async def test_what_cannot_be_read_leaves_the_path(kustomization):
    """A broken file is an input like any other; nothing is followed, nothing fails."""
    found = await declared({"a/kustomization.yaml": kustomization.encode("latin-1")}, path="a")
    assert found == module.Declared(scope=Scope(path="a"))


async def test_links_and_submodules_are_inputs_and_are_not_followed():
    """What they point to is not in the tree at their place."""
    files = {
        "a/kustomization.yaml": lists(resources=["../link", "../sub", "../link/below"]),
        "link": (MODE_SYMLINK, "base"),
        "sub": (MODE_SUBMODULE, "1" * 40),
        **BASE,
    }
    assert await others(files, "a") == ("link", "sub")


async def test_lastgoods_own_files_are_never_inputs():
    """Whatever a kustomization says of them, a hold or an entry is not content."""
    files = {
        "a/kustomization.yaml": lists(resources=["../lastgood.yaml", "../.lastgood/holds/a.hold", "../.lastgood"]),
        "lastgood.yaml": "x",
        ".lastgood/kustomization.yaml": lists(resources=["../f"]),
        "f": "x",
    }
    assert await others(files, "a") == ()


async def test_a_chart_is_a_whole_with_the_libraries_beside_it():
    """`file://` dependencies are followed from chart to chart, those of the first chart format, too."""
    files = {
        "charts/shop/Chart.yaml": "dependencies:\n- {name: web, repository: 'file://../web'}\n"
        "- {name: db, repository: 'https://charts.test'}\n- {name: out, repository: 'file://../../../out'}\n",
        "charts/web/Chart.yaml": "name: web\n",
        "charts/web/requirements.yaml": "Dependencies:\n- {name: lib, Repository: 'file://../lib/'}\n",
        "charts/lib/Chart.yaml": "dependencies:\n- {name: web, repository: 'file://../web'}\n",
        "charts/other/Chart.yaml": "name: other\n",
    }
    found = await declared(files, path="charts/shop")
    assert found.scope.others == ("charts/lib", "charts/web")
    assert found.notes == (
        "https://charts.test is not in this repo",
        "'../../../out' in charts/shop is no path in this repo",
    )


async def test_others_values_files_are_left_out_as_they_are_there():
    """With listed files, those of other environments at the chart's root do not count; listed ones elsewhere do."""
    files = dict.fromkeys(
        ("c/values.yaml", "c/values-a.yaml", "c/values-b.yaml", "c/values_c.yml", "c/values.d.yaml", "c/x-values.yaml"),
        "",
    )
    found = await declared(
        files | {"c/Chart.yaml": "", "c/sub/values-b.yaml": ""},
        path="c",
        others=("envs/a.yaml",),
        values=("c/values-a.yaml", "envs/a.yaml"),
    )
    left_out = ("c/values-b.yaml", "c/values.d.yaml", "c/values_c.yml")
    assert found.scope == Scope(path="c", others=("envs/a.yaml",), left_out=left_out)


@pytest.mark.parametrize(
    ("render", "files", "follows"),
    [
        ("auto", {}, True),
        ("kustomize", {}, True),
        ("plain", {}, False),
        ("process-compose", {}, False),
        ("helm", {}, False),
        ("auto", {"a/process-compose.yaml": ""}, False),
        ("auto", {"a/Chart.yaml": ""}, True),
    ],
)
async def test_the_renderer_decides_whose_declarations_count(render, files, follows):
    """By the entry's word, else by the files, as the renderers choose."""
    files = {"a/kustomization.yaml": lists(resources=["../f"]), "f": "", **files}
    assert (await others(files, "a", render=render) == ("f",)) is follows


async def test_applications_without_declarations_cost_nothing():
    """Where the entry alone says which files count, no object is read."""
    repo = MemoryConfigRepo()
    commit = await repo.commit_files("main", BASE)
    before = repo.objects.reads
    app = DeclaredScope(path="base", render="plain")
    assert module.fixed_inputs(app) == module.Declared(scope=Scope(path="base"))
    await repo.inputs(commit, app)
    assert repo.objects.reads - before <= 1  # the commit


async def test_bounds_are_named(monkeypatch):
    """Too much of anything ends with a sentence, not with hours of work."""
    monkeypatch.setattr(module, "MAX_INPUTS", 3)
    wrong = (
        await declared({"a/kustomization.yaml": lists(resources=["../b", "../c", "../d", "../e"])}, path="a")
    ).wrong
    assert wrong == "its declarations lead to more than 3 files"
    monkeypatch.setattr(module, "MAX_INPUTS", 5_000)
    monkeypatch.setattr(module, "MAX_DECLARATIONS", 10)
    files = {f"n{n}/kustomization.yaml": lists(resources=[f"../n{n + 1}"]) for n in range(20)}
    assert (await declared(files, path="n0")).wrong == "its declarations lead to more than 10 others"
    monkeypatch.setattr(module, "MAX_DECLARATIONS", 1_000)
    monkeypatch.setattr(module, "MAX_DECLARED_BYTES", 100)
    assert (await declared(files, path="n0")).wrong == "its declarations have more than 100 bytes"


async def test_what_is_remembered_is_never_out_of_date():
    """The same folder beside another base, a file that became a folder, a base that came: each is looked at anew."""
    repo = MemoryConfigRepo()
    asked = DeclaredScope(path="a")
    steps = [
        ({"a/kustomization.yaml": lists(resources=["../base"])}, ("base",)),
        ({"base": "a file"}, ("base",)),
        ({"base": None, "base/kustomization.yaml": lists(resources=["x"])}, (*(f"base/{n}" for n in NAMES), "base/x")),
        ({"base/kustomization.yaml": lists(resources=["y"])}, (*(f"base/{n}" for n in NAMES), "base/y")),
        ({"base/y/kustomization.yaml": ""}, (*(f"base/{n}" for n in NAMES), *(f"base/y/{n}" for n in NAMES))),
        ({"base/kustomization.yaml": None, "base/y/kustomization.yaml": None, "base/z": ""}, ("base",)),
    ]
    for files, expected in steps:
        commit = await repo.commit_files("main", files)
        assert (await repo.inputs(commit, asked)).scope.others == tuple(sorted(expected))


async def test_bases_in_other_repos_are_told_with_their_refs():
    """Through local bases and components; files, patches and charts elsewhere are none, and a second ref is kept."""
    files = {
        "overlays/production/kustomization.yaml": lists(
            resources=["../../base", "https://github.com/org/app//deploy?ref=v1", "https://example.com/o/r/crds.yaml"],
            components=["git@git.example.com:org/parts.git//tls"],
            patchesStrategicMerge=["https://github.com/org/app//patch?ref=v1"],
        ),
        "base/kustomization.yaml": lists(bases=["github.com/org/app/deploy?ref=v2"]),
    }
    found = await declared(files, path="overlays/production")
    assert found.bases == {
        "github.com/org/app//deploy": "v1",
        "git.example.com/org/parts//tls": "",
        "github.com/org/app//deploy (in base)": "v2",
    }
    plain = await declared(files, path="overlays/production", render="plain")
    assert plain.bases == {}


async def test_too_many_bases_are_refused(monkeypatch):
    """As too many declarations are."""
    monkeypatch.setattr(module, "MAX_DECLARATIONS", 2)
    many = [f"https://github.com/org/app{n}?ref=v1" for n in range(3)]
    found = await declared({"a/kustomization.yaml": lists(resources=many)}, path="a")
    assert found.wrong == "its declarations lead to more than 2 others"
