"""Kustomize, Helm 3 and Helm 4 themselves: what they render here is what they render anywhere, and hostile input ends.

Each case is written into a repo, rendered from its Git objects, and compared with the program run by hand.
"""

import asyncio
import contextlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest
import yaml

from lastgood.core.application import DeclaredScope
from lastgood.core.cluster_facts import Circumstances, ClusterFacts
from lastgood.core.commit import MODE_EXECUTABLE, MODE_SYMLINK
from lastgood.core.errors import RenderFailed
from lastgood.render.manifests import EMPTY
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools, ToolSettings
from twins.config_repo import MemoryConfigRepo
from twins.git_http import PASSWORD, git_over_http
from twins.processes import application

pytestmark = pytest.mark.programs

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
CHART = "apiVersion: v2\nname: web\nversion: 1.2.3\n"


@pytest.fixture(params=["helm3", "helm4"])
def helm(request, render_programs):
    """Return the path of each Helm in turn."""
    return getattr(render_programs, request.param)


def renderers(programs, helm=None, circumstances=None, **words):
    settings = ToolSettings(kustomize=str(programs.kustomize), helm=str(helm or programs.helm4), **words)
    told = circumstances or Circumstances()

    async def say(_app):
        return told

    return Renderers(Tools(lambda: settings), circumstances=say)


def at(path, **words):
    helm = words.get("definition", {}).get("helm") or {}
    values = tuple(helm.get("values", ()))
    others = tuple(file for file in values if not file.startswith(f"{path}/"))
    return application(path=path, scope=DeclaredScope(path=path, others=others, values=values), **words)


async def rendered(renderer, app, files):
    repo = MemoryConfigRepo()
    return await renderer.render(app, repo, await repo.commit_files("main", files))


def by_hand(tmp_path, files, *argv):
    """Return the objects that a program renders from the same files in a folder, run without any boundary."""
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    environment = {"HOME": str(tmp_path), "PATH": ""}
    ran = subprocess.run([str(one) for one in argv], cwd=tmp_path, env=environment, capture_output=True, check=True)
    return [one for one in yaml.load_all(ran.stdout, yaml.CSafeLoader) if one is not None]


def manifests(found):
    return [resource.manifest for resource in found.resources]


KUSTOMIZATIONS = {
    "overlay": (
        "apps/web/overlays/prod",
        {
            "apps/web/base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\n",
            "apps/web/base/deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n"
            "    spec: {containers: [{name: web, image: 'shop/web:v1'}]}\n",
            "apps/web/base/service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n",
            "apps/web/overlays/prod/kustomization.yaml": "resources: [../../base]\nnamespace: shop\nnamePrefix: prod-\n"
            "images: [{name: shop/web, newTag: v2}]\npatches:\n  - path: replicas.yaml\n",
            "apps/web/overlays/prod/replicas.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n",
        },
    ),
    "components and generators": (
        "web",
        {
            "web/kustomization.yml": "resources: [a.yaml]\ncomponents: [../parts/logging]\nconfigMapGenerator:\n"
            "  - {name: settings, files: [app.ini], literals: [MODE=on, N=010]}\nsecretGenerator:\n"
            "  - {name: keys, envs: [keys.env]}\n",
            "web/a.yaml": CONFIG % "a",
            "web/app.ini": "x = 1\n",
            "web/keys.env": "KEY=value\n",
            "parts/logging/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
            'resources: [log.yaml]\npatches: [{target: {kind: ConfigMap, name: a}, patch: \'[{"op": "add", "path": "/data", "value": {"l": "v"}}]\'}]\n',
            "parts/logging/log.yaml": CONFIG % "log",
        },
    ),
    "at the root, in its own order": (
        "",
        {
            "Kustomization": "resources: [z.yaml, ns.yaml, a.yaml]\nsortOptions: {order: legacy}\n",
            "z.yaml": CONFIG % "z",
            "a.yaml": CONFIG % "a",
            "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: space}\n",
        },
    ),
    "as written": (
        "web",
        {
            "web/kustomization.yaml": "resources: [z.yaml, ns.yaml]\n",
            "web/z.yaml": CONFIG % "z" + "data: {a: 'on', b: '010', c: \"1e3\"}\n",
            "web/ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: space}\n",
        },
    ),
}


@pytest.mark.parametrize("name", KUSTOMIZATIONS)
async def test_a_kustomization_renders_as_kustomize_does(render_programs, tmp_path, name):
    """Object by object, in its order, with bases and components outside the path."""
    path, files = KUSTOMIZATIONS[name]
    found = await rendered(renderers(render_programs), at(path), files)
    expected = by_hand(tmp_path, files, render_programs.kustomize, "build", path or ".")
    assert len(expected) > 1
    assert manifests(found) == expected


def chart(templates, **files):
    return {
        "charts/web/Chart.yaml": CHART,
        **{f"charts/web/templates/{name}": text for name, text in templates.items()},
        **{f"charts/web/{name.replace('__', '/')}": text for name, text in files.items()},
    }


FULL = {
    **chart(
        {
            "a.yaml": CONFIG
            % "{{ include 'web.name' . }}".replace("'", '"')
            + "data: {v: {{ .Values.v | quote }}, up: '{{ .Release.IsUpgrade }}', in: {{ .Release.Namespace }},\n"
            "  kube: '{{ .Capabilities.KubeVersion.Version }}', has: '{{ .Capabilities.APIVersions.Has \"x.example.com/v1\" }}',\n"
            '  file: {{ .Files.Get "extra.txt" | quote }}, found: \'{{ len (lookup "v1" "Secret" "n" "s") }}\'}\n',
            "_helpers.tpl": '{{ define "web.name" }}{{ .Release.Name }}-web{{ end }}',
            "hook.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade,"
            " helm.sh/hook-weight: '-5'}}\n",
            "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
            "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: space}\n",
        }
    ),
    "charts/web/crds/crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
    "metadata: {name: xs.example.com}\nspec: {group: example.com}\n",
    "charts/web/values.yaml": "v: own\nsub: {num: 1}\n",
    "charts/web/values-prod.yaml": "v: prod\n",
    "charts/web/extra.txt": "of the chart",
    "env/prod.yaml": "v: outside\n",
    "charts/web/charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 0.1.0\n",
    "charts/web/charts/sub/templates/b.yaml": CONFIG % "sub-{{ .Values.num }}",
}


@pytest.mark.parametrize(
    ("definition", "circumstances", "options"),
    [
        ({}, Circumstances(), ["web"]),
        ({"helm": {"release": "shop", "values": []}}, Circumstances(has_run=True), ["shop", "--is-upgrade"]),
        (
            {"helm": {"release": "w", "values": ["charts/web/values-prod.yaml"]}},
            Circumstances(),
            ["w", "-f", "charts/web/values-prod.yaml"],
        ),
        (
            {"helm": {"release": "w", "values": ["charts/web/values-prod.yaml", "env/prod.yaml"]}},
            Circumstances(cluster=ClusterFacts(kube_version="v1.31.4", api_versions=("v1", "x.example.com/v1"))),
            ["w", "-f", "charts/web/values-prod.yaml", "-f", "env/prod.yaml"]
            + ["--kube-version", "v1.31.4", "--api-versions", "v1,x.example.com/v1"],
        ),
    ],
)
async def test_a_chart_renders_as_helm_does(render_programs, helm, tmp_path, definition, circumstances, options):
    """Object by object: release, namespace, values, subcharts, CRDs, hooks, and what the cluster is said to be."""
    renderer = renderers(render_programs, helm, circumstances)
    app = at("charts/web", name="web", namespace="shop-ns", definition=definition)
    found = await rendered(renderer, app, FULL)
    options = [options[0], "charts/web", *options[1:], "--include-crds", "--namespace", "shop-ns"]
    expected = by_hand(tmp_path, FULL, helm, "template", *options)
    assert len(expected) == 6
    assert manifests(found) == expected
    data = next(one["data"] for one in manifests(found) if "data" in one)
    assert data["up"] == str(circumstances.has_run).lower()
    assert data["has"] == str(circumstances.cluster is not None).lower()


async def test_hooks_keep_their_annotations(render_programs, helm):
    """Who applies them has to know when."""
    found = await rendered(renderers(render_programs, helm), at("charts/web"), FULL)
    hook = next(one for one in manifests(found) if one["kind"] == "Job")
    assert hook["metadata"]["annotations"] == {"helm.sh/hook": "pre-upgrade", "helm.sh/hook-weight": "-5"}


def archive(name, template):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        chart_yaml = f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n"
        for path, text in ((f"{name}/Chart.yaml", chart_yaml), (f"{name}/templates/t.yaml", template)):
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


NEEDS = CHART + "dependencies: [{name: redis, version: 1.0.0, repository: 'https://charts.example.com'}]\n"


async def test_a_dependency_that_is_vendored_is_used(render_programs, helm, tmp_path):
    """As an archive in the chart's own folder."""
    files = {
        **chart({"a.yaml": CONFIG % "a"}),
        "charts/web/Chart.yaml": NEEDS,
        "charts/web/charts/redis-1.0.0.tgz": archive("redis", CONFIG % "redis"),
    }
    found = await rendered(renderers(render_programs, helm), at("charts/web"), files)
    expected = by_hand(tmp_path, files, helm, "template", "web", "charts/web")
    assert sorted(one.name for one in found.resources) == ["a", "redis"]
    assert manifests(found) == expected


async def test_a_dependency_that_is_not_vendored_is_named(render_programs, helm):
    """Nothing is fetched; the command that vendors it is."""
    files = {**chart({"a.yaml": CONFIG % "a"}), "charts/web/Chart.yaml": NEEDS}
    with pytest.raises(RenderFailed) as refused:
        await rendered(renderers(render_programs, helm), at("charts/web"), files)
    assert refused.value.facts == {
        "file": "charts/web/Chart.yaml",
        "line": None,
        "reason": "the chart needs redis, which is not in its folder charts; nothing is fetched here: run "
        "`helm dependency build charts/web` and commit what it writes",
    }


@pytest.mark.parametrize(
    ("template", "file", "line", "words"),
    [
        ("a: 1\nb: {{ .Values.x.y.z }}", "charts/web/templates/a.yaml", 2, "nil pointer"),
        ("a: {{ if }}", "charts/web/templates/a.yaml", 1, "missing value for if"),
        ('{{ fail "no way" }}', "charts/web/templates/a.yaml", 1, "no way"),
        ("a: [\nb: 1\n", "charts/web/templates/a.yaml", 2, "YAML"),
        ('{{ fail "password=hunter2" }}', "charts/web/templates/a.yaml", 1, "password=[redacted]"),
    ],
)
async def test_what_helm_says_names_the_repo_s_file(render_programs, helm, template, file, line, words):
    """File and line as people have them, without the folder that it ran in and without secrets."""
    with pytest.raises(RenderFailed) as refused:
        await rendered(renderers(render_programs, helm), at("charts/web"), chart({"a.yaml": template}))
    assert (refused.value.facts["file"], refused.value.facts["line"]) == (file, line)
    assert words in refused.value.message
    assert "hunter2" not in refused.value.message
    assert "/tmp" not in refused.value.message
    assert refused.value.app == "web"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}", "was ended after 3 seconds"),
        (
            '{{ $x := repeat 1024 "x" }}{{ range until 24 }}{{ $x = print $x $x }}{{ end }}',
            "more than 1024 MB of memory",
        ),
        ("{{ range until 1000000 }}\n# {{ repeat 60 `x` }}{{ end }}", "was ended after 20000000 bytes of output"),
        ('{{ define "f" }}{{ include "f" . }}{{ end }}{{ include "f" . }}', "nested reference"),
    ],
)
async def test_a_hostile_chart_ends_in_a_clear_error(render_programs, helm, template, reason):
    """One that loops, takes ten gigabytes, floods or calls itself; the next render of this agent works."""
    renderer = renderers(render_programs, helm, time_s=3.0 if "seconds" in reason else 60.0, memory_bytes=1024 * 2**20)
    with pytest.raises(RenderFailed) as refused:
        await rendered(renderer, at("charts/web"), chart({"a.yaml": template}))
    assert reason in refused.value.message
    assert (refused.value.app, refused.value.message.startswith("web does not render: ")) == ("web", True)
    assert (await rendered(renderer, at("charts/web"), chart({"a.yaml": CONFIG % "a"}))).resources


async def test_a_chart_reads_no_file_but_its_own(render_programs, helm):
    """Absolute and upward paths are empty; a symlink out stops the render."""
    text = (
        CONFIG % "a"
        + "data: {a: {{ .Files.Get `/etc/passwd` | quote }}, b: {{ .Files.Get `../../../../etc/passwd` | quote }}}\n"
    )
    found = await rendered(renderers(render_programs, helm), at("charts/web"), chart({"a.yaml": text}))
    assert manifests(found)[0]["data"] == {"a": "", "b": ""}
    files = {**chart({"a.yaml": text}), "charts/web/passwd": (MODE_SYMLINK, "/etc/passwd")}
    with pytest.raises(RenderFailed, match="is a symlink to /etc/passwd, which is outside"):
        await rendered(renderers(render_programs, helm), at("charts/web"), files)


async def test_a_values_file_s_name_is_no_address(render_programs, helm):
    """A comma in a listed file's name begins no second one, which could be fetched."""
    name = "charts/web/v,http:x.yaml"
    files = {**chart({"a.yaml": CONFIG % "{{ .Values.who }}"}), name: "who: mine"}
    app = at("charts/web", definition={"helm": {"release": "w", "values": [name]}})
    assert [r.name for r in (await rendered(renderers(render_programs, helm), app, files)).resources] == ["mine"]


async def test_the_agents_surroundings_are_not_seen(render_programs, helm, monkeypatch):
    """Templates see neither its environment nor its configuration of Helm."""
    monkeypatch.setenv("HELM_NAMESPACE", "elsewhere")
    found = await rendered(
        renderers(render_programs, helm), at("charts/web"), chart({"a.yaml": CONFIG % "in-{{ .Release.Namespace }}"})
    )
    assert [r.name for r in found.resources] == ["in-default"]


EXEC = 'apiVersion: x/v1\nkind: X\nmetadata: {name: x, annotations: {config.kubernetes.io/function: "exec: {path: ./x.sh}"}}\n'
OLD_EXEC = "apiVersion: x/v1\nkind: X\nmetadata: {name: x}\n"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"kustomization.yaml": "generators: [g.yaml]", "g.yaml": EXEC}, "external plugins disabled"),
        ({"kustomization.yaml": "transformers: [g.yaml]", "g.yaml": OLD_EXEC}, "external plugins disabled"),
        ({"kustomization.yaml": "helmCharts: [{name: x, repo: 'https://example.com'}]"}, "must specify --enable-helm"),
        ({"kustomization.yaml": "resources: ['https://example.com/x.yaml']"}, "takes https://example.com/x.yaml from"),
        ({"kustomization.yaml": "resources: ['github.com/o/r//b?ref=1']"}, "takes github.com/o/r//b?ref=1 from"),
        ({"kustomization.yaml": "resources: [../../../../etc/passwd]"}, "../../../../etc/passwd, which is outside"),
        ({"kustomization.yaml": "resources: [/etc/passwd]"}, "refers to /etc/passwd, which is outside this repo"),
        ({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": (MODE_SYMLINK, "/etc/passwd")}, "is a symlink to"),
        ({"kustomization.yaml": "configMapGenerator: [{name: x, files: [../b/x]}]", "../b/x": "x"}, "security; file"),
        (
            {"kustomization.yaml": "resources: [../b]", "../b/kustomization.yaml": "resources: [../web]"},
            "cycle detected",
        ),
        ({"kustomization.yaml": "resources: [.]"}, "cycle detected"),
        ({"kustomization.yaml": "resources: [a.yaml]", "a.yaml": "a: [\nb: 1\n"}, "yaml: line 2"),
        ({"kustomization.yaml": "resourcess: []"}, 'unknown field "resourcess"'),
        ({"kustomization.yaml": "a: 1", "Kustomization": "b: 1"}, "Found multiple kustomization files"),
        ({"a.yaml": CONFIG % "a"}, "unable to find one of 'kustomization.yaml'"),
    ],
)
async def test_a_hostile_kustomization_ends_in_a_clear_error(render_programs, files, reason):
    """Plugins, programs, other repos, paths out, circles and mistakes: named, and nothing was run or fetched."""
    placed = {f"apps/web/{name}".replace("web/../", ""): content for name, content in files.items()}
    placed["apps/web/x.sh"] = (MODE_EXECUTABLE, "#!/bin/sh\necho 'kind: X'\n")
    renderer = renderers(render_programs)
    with pytest.raises(RenderFailed) as refused:
        await rendered(renderer, at("apps/web", render="kustomize"), placed)
    assert reason in refused.value.message
    assert refused.value.message.startswith("web does not render: ")
    assert "lastgood-render" not in refused.value.message
    assert (await rendered(renderer, *_good())).resources


def _good():
    return at("apps/web"), {"apps/web/kustomization.yaml": "resources: [a.yaml]", "apps/web/a.yaml": CONFIG % "a"}


async def test_expansion_is_bounded(render_programs):
    """Aliases that grow by powers end Kustomize, or are refused; not the agent."""
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n" for one, two in zip("abcdefgh", "bcdefghi", strict=True)
    )
    app, files = _good()
    renderer = renderers(render_programs, time_s=20.0, memory_bytes=256 * 2**20)
    with pytest.raises(RenderFailed):
        await rendered(renderer, app, {**files, "apps/web/a.yaml": CONFIG % "a" + bomb})


async def test_remote_bases_are_fetched_where_the_operator_allows_it(render_programs, tmp_path):
    """Over the network, with git, into what is thrown away; refused without it."""
    work = tmp_path / "work"
    (work / "base").mkdir(parents=True)
    (work / "base" / "kustomization.yaml").write_text("resources: [a.yaml]")
    (work / "base" / "a.yaml").write_text(CONFIG % "from-afar")
    for argv in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "x"], ["tag", "v1"]):
        subprocess.run(["git", "-C", str(work), *argv], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", str(work), str(tmp_path / "srv" / "base.git")], check=True)
    with git_over_http(tmp_path / "srv") as server:
        files = {"apps/web/kustomization.yaml": f"resources: ['{server.url('base.git')}//base?ref=v1']"}
        found = await rendered(renderers(render_programs, remote_bases=True), at("apps/web"), files)
        assert [r.name for r in found.resources] == ["from-afar"]
        with pytest.raises(RenderFailed, match="remote_bases = true") as refused:
            await rendered(renderers(render_programs), at("apps/web"), files)
    assert PASSWORD not in str(refused.value.as_json())


async def test_warnings_of_a_program_are_passed_on(render_programs):
    """What it would do otherwise some day is said, with the repo's paths."""
    files = {
        "apps/web/kustomization.yaml": "bases: [../base]",
        "apps/base/kustomization.yaml": "resources: [a.yaml]",
        "apps/base/a.yaml": CONFIG % "a",
    }
    warnings = (await rendered(renderers(render_programs), at("apps/web"), files)).warnings
    assert any("'bases' is deprecated" in warning for warning in warnings)


async def test_an_empty_render_says_so(render_programs, helm):
    """A chart whose switches are all off renders nothing, and nothing is deleted for it."""
    found = await rendered(
        renderers(render_programs, helm), at("charts/web"), chart({"a.yaml": "{{ if false }}a{{ end }}"})
    )
    assert (found.resources, found.warnings[-1]) == ((), EMPTY)


async def test_a_version_is_rendered_once_for_each_circumstance(render_programs, monkeypatch):
    """Another cluster or a first run renders anew; the same does not; `render_anew` always does."""
    told = [Circumstances()]

    async def say(_app):
        return told[0]

    settings = ToolSettings(helm=str(render_programs.helm4))
    renderer = Renderers(Tools(lambda: settings), circumstances=say)
    repo = MemoryConfigRepo()
    text = CONFIG % "a" + "data: {r: '{{ randAlphaNum 20 }}', k: '{{ .Capabilities.KubeVersion.Version }}'}\n"
    head = await repo.commit_files("main", chart({"a.yaml": text}))
    app = at("charts/web")
    first = await renderer.render(app, repo, head)
    assert await renderer.render(app, repo, head) is first
    told[0] = Circumstances(cluster=ClusterFacts(kube_version="v1.30.0"))
    other = await renderer.render(app, repo, head)
    assert manifests(other)[0]["data"]["k"] == "v1.30.0"
    told[0] = Circumstances()
    assert await renderer.render(app, repo, head) is first
    assert (await renderer.render_anew(app, repo, head)).digest != first.digest
    changed = await repo.commit_files("main", {"elsewhere": "x"})
    assert await renderer.render(app, repo, changed) is first


def processes_in(folder):
    """Return the processes whose arguments name a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if str(folder).encode() in process.read_bytes():
                found.append(process)
    return found


async def until(is_so):
    """Wait for what another process does."""
    for _ in range(3000):
        if is_so():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


async def test_a_cancelled_render_leaves_nothing(render_programs, tmp_path, monkeypatch):
    """Neither its folder nor its process."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    endless = chart({"a.yaml": "{{ range until 1000000 }}{{ range until 1000000 }}{{ end }}{{ end }}"})
    running = asyncio.create_task(rendered(renderers(render_programs), at("charts/web"), endless))
    await until(lambda: processes_in(tmp_path))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (list(tmp_path.iterdir()), processes_in(tmp_path)) == ([], [])
