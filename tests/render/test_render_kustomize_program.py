"""Kustomize itself: what it renders here is what it renders anywhere, and hostile input ends.

Each case is written into a repo, rendered from its Git objects, and compared with the program run by hand.
"""

import pytest

from lastgood.core.commit import MODE_EXECUTABLE, MODE_SYMLINK
from lastgood.core.errors import RenderFailed
from twins.git_fixtures import git
from twins.git_http import PASSWORD, git_over_http
from twins.rendering import CONFIG, at, by_hand, manifests, rendered, renderers

pytestmark = pytest.mark.programs

NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: space}\n"

KUSTOMIZATIONS = {
    "overlay": (
        "apps/web/overlays/prod",
        {
            "apps/web/base/kustomization.yaml": "resources: [deployment.yaml, service.yaml]\n",
            "apps/web/base/deployment.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec: {containers: [{name: web, image: 'shop/web:v1'}]}
""",
            "apps/web/base/service.yaml": """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}]}
""",
            "apps/web/overlays/prod/kustomization.yaml": """
resources: [../../base]
namespace: shop
namePrefix: prod-
images: [{name: shop/web, newTag: v2}]
patches: [{path: replicas.yaml}]
""",
            "apps/web/overlays/prod/replicas.yaml": """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {replicas: 3}
""",
        },
    ),
    "components and generators": (
        "web",
        {
            "web/kustomization.yml": """
resources: [a.yaml]
components: [../parts/logging]
configMapGenerator: [{name: settings, files: [app.ini], literals: [MODE=on, N=010]}]
secretGenerator: [{name: keys, envs: [keys.env]}]
""",
            "web/a.yaml": CONFIG % "a",
            "web/app.ini": "x = 1\n",
            "web/keys.env": "KEY=value\n",
            "parts/logging/kustomization.yaml": """
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources: [log.yaml]
patches:
  - target: {kind: ConfigMap, name: a}
    patch: '[{"op": "add", "path": "/data", "value": {"l": "v"}}]'
""",
            "parts/logging/log.yaml": CONFIG % "log",
        },
    ),
    "at the root, in its own order": (
        "",
        {
            "Kustomization": "resources: [z.yaml, ns.yaml, a.yaml]\nsortOptions: {order: legacy}\n",
            "z.yaml": CONFIG % "z",
            "a.yaml": CONFIG % "a",
            "ns.yaml": NAMESPACE,
        },
    ),
    "as written": (
        "web",
        {
            "web/kustomization.yaml": "resources: [z.yaml, ns.yaml]\n",
            "web/z.yaml": CONFIG % "z" + "data: {a: 'on', b: '010', c: \"1e3\"}\n",
            "web/ns.yaml": NAMESPACE,
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


EXEC = """
apiVersion: x/v1
kind: X
metadata:
  name: x
  annotations: {config.kubernetes.io/function: "exec: {path: ./x.sh}"}
"""
OLD_EXEC = "apiVersion: x/v1\nkind: X\nmetadata: {name: x}\n"


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"kustomization.yaml": "generators: [g.yaml]", "g.yaml": EXEC}, "external plugins disabled"),
        ({"kustomization.yaml": "transformers: [g.yaml]", "g.yaml": OLD_EXEC}, "external plugins disabled"),
        (
            {"kustomization.yaml": "helmCharts: [{name: x, repo: 'https://example.com'}]"},
            "make the chart an application",
        ),
        (
            {"kustomization.yaml": "resources: [../b]", "../b/kustomization.yaml": "helmCharts: [{name: x}]"},
            "`helmCharts`",
        ),
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
        git(work, *argv)
    git(work, "clone", "-q", "--bare", ".", str(tmp_path / "srv" / "base.git"))
    with git_over_http(tmp_path / "srv") as server:
        files = {"apps/web/kustomization.yaml": f"resources: ['{server.url('base.git')}//base?ref=v1']"}
        found = await rendered(renderers(render_programs, remote_bases=True), at("apps/web"), files)
        assert [r.name for r in found.resources] == ["from-afar"]
        assert found.origins.bases == {f"127.0.0.1:{server.port}/base//base": "v1"}
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
