"""Helm 3 and Helm 4 themselves: what they render here is what they render anywhere, and hostile input ends.

Each case is written into a repo, rendered from its Git objects, and compared with the program run by hand.
"""

import asyncio
import contextlib
import io
import tarfile
from pathlib import Path

import pytest

from lastgood.core.cluster_facts import Circumstances, ClusterFacts
from lastgood.core.commit import MODE_SYMLINK
from lastgood.core.errors import RenderFailed
from lastgood.render.manifests import EMPTY
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools, ToolSettings
from twins.config_repo import MemoryConfigRepo
from twins.rendering import CONFIG, at, by_hand, manifests, rendered, renderers

pytestmark = pytest.mark.programs

CHART = "apiVersion: v2\nname: web\nversion: 1.2.3\n"


@pytest.fixture(params=["helm3", "helm4"])
def helm(request, render_programs):
    """Return the path of each Helm in turn."""
    return getattr(render_programs, request.param)


def chart(templates, **files):
    return {
        "charts/web/Chart.yaml": CHART,
        **{f"charts/web/templates/{name}": text for name, text in templates.items()},
        **{f"charts/web/{name.replace('__', '/')}": text for name, text in files.items()},
    }


FULL = {
    **chart(
        {
            "a.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ include "web.name" . }}}
data:
  v: {{ .Values.v | quote }}
  up: '{{ .Release.IsUpgrade }}'
  in: {{ .Release.Namespace }}
  kube: '{{ .Capabilities.KubeVersion.Version }}'
  has: '{{ .Capabilities.APIVersions.Has "x.example.com/v1" }}'
  file: {{ .Files.Get "extra.txt" | quote }}
  found: '{{ len (lookup "v1" "Secret" "space" "s") }}'
""",
            "_helpers.tpl": '{{ define "web.name" }}{{ .Release.Name }}-web{{ end }}',
            "hook.yaml": """
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade, helm.sh/hook-weight: '-5'}}
""",
            "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
            "ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: space}\n",
        }
    ),
    "charts/web/crds/crd.yaml": """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: xs.example.com}
spec: {group: example.com}
""",
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
            [
                *("w", "-f", "charts/web/values-prod.yaml", "-f", "env/prod.yaml"),
                *("--kube-version", "v1.31.4", "--api-versions", "v1,x.example.com/v1"),
            ],
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


async def test_an_empty_render_says_so(render_programs, helm):
    """A chart whose switches are all off renders nothing, and nothing is deleted for it."""
    found = await rendered(
        renderers(render_programs, helm), at("charts/web"), chart({"a.yaml": "{{ if false }}a{{ end }}"})
    )
    assert (found.resources, found.warnings[-1]) == ((), EMPTY)


async def test_a_version_is_rendered_once_for_each_circumstance(render_programs, monkeypatch):
    """Another cluster or a first run renders anew; the same does not; `render_anew` always does."""
    told = [Circumstances()]

    async def say(_app, _version):
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


POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s}
spec: {containers: [{name: app, image: "%s"}]}
"""


async def test_each_image_is_of_the_chart_that_rendered_it(render_programs, helm):
    """By an alias, in a folder or an archive; one that two charts run has the word of both; a number is Helm's text."""
    cache = "apiVersion: v2\nname: redis\nversion: 1.0.0\nappVersion: 7.10\nsources: [https://git.example.com/redis]\n"
    probe = "apiVersion: v2\nname: probe\nversion: 1.0.0\nappVersion: '3'\n"
    packed = {
        "probe/Chart.yaml": probe,
        "probe/templates/p.yaml": POD % ("probe", "probe:x"),
        "probe/crds/c.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
        "metadata: {name: a.example.com}\nspec: {group: example.com}\n",
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as members:
        for name, text in packed.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            members.addfile(member, io.BytesIO(text.encode()))
    files = {
        "charts/web/Chart.yaml": CHART
        + "appVersion: 1.4.2\nsources: [https://git.example.com/web, https://example.com]\n"
        + "dependencies:\n- {name: redis, alias: cache, version: 1.0.0}\n- {name: probe, version: 1.0.0}\n",
        "charts/web/templates/a.yaml": (POD % ("web", "web:{{ .Chart.AppVersion }}")) + "---" + POD % ("s", "redis:7"),
        "charts/web/charts/redis/Chart.yaml": cache,
        "charts/web/charts/redis/templates/a.yaml": (POD % ("redis", "redis:7"))
        + "---"
        + POD % ("old", "redis:{{ .Chart.AppVersion }}"),
        "charts/web/charts/probe-1.0.0.tgz": archive.getvalue(),
    }
    found = await rendered(renderers(render_programs, helm), at("charts/web"), files)
    said = {name: {(c.revision, c.source) for c in claims} for name, claims in found.origins.charts.items()}
    own = {("1.4.2", "https://git.example.com/web"), ("1.4.2", "https://example.com")}
    of_redis = {("7.1", "https://git.example.com/redis")}
    assert found.images["redis (in old/app)"] == "7.1"
    assert said == {"web": own, "redis": own | of_redis, "redis (in old/app)": of_redis, "probe": {("3", None)}}
