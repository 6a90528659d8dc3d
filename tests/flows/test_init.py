"""`lastgood init`: what it writes for the layouts that people have reads back as exactly those applications."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lastgood.core.commit import MODE_SYMLINK
from lastgood.core.config import parse_config
from lastgood.core.discovery import Discovery
from lastgood.core.errors import AlreadyThere
from lastgood.flows.init import init_files, init_repo
from twins.config_repo import MemoryConfigRepo

MANIFEST = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n"
KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [deployment.yaml]\n"
PROCESSES = "version: '0.5'\nprocesses: {web: {command: ./web}}\n"
FLUX = """\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps}
spec: {path: ./apps, prune: true, sourceRef: {kind: GitRepository, name: flux-system}}
"""


def over(base: str) -> str:
    return f"resources:\n  - {base}\n"


def chart(name: str = "web") -> str:
    return f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n"


# layout -> (files, applications by name with their path and environment, number of entries)
LAYOUTS = {
    "apps/<service>/<env>": (
        {f"apps/{s}/{e}/deploy.yaml": MANIFEST for s in ("web", "cart") for e in ("staging", "production")}
        | {"README.md": "# hello", "docs/example.yaml": MANIFEST, ".github/workflows/ci.yaml": MANIFEST},
        {f"{s}-{e}": (f"apps/{s}/{e}", e) for s in ("web", "cart") for e in ("staging", "production")},
        1,
    ),
    "<env>/<service>": (
        {f"{e}/{s}/deploy.yaml": MANIFEST for s in ("web", "cart") for e in ("dev", "prod")},
        {f"{s}-{e}": (f"{e}/{s}", e) for s in ("web", "cart") for e in ("dev", "prod")},
        1,
    ),
    "base and overlays at the root": (
        {"base/deployment.yaml": MANIFEST, "base/kustomization.yaml": KUSTOMIZATION}
        | {f"overlays/{e}/kustomization.yaml": over("../../base") for e in ("staging", "production")},
        {f"shop-{e}": (f"overlays/{e}", e) for e in ("staging", "production")},
        1,
    ),
    "apps/<service>/overlays/<env>": (
        {f"apps/{s}/base/kustomization.yaml": KUSTOMIZATION for s in ("web", "cart")}
        | {f"apps/{s}/base/deployment.yaml": MANIFEST for s in ("web", "cart")}
        | {
            f"apps/{s}/overlays/{e}/kustomization.yaml": over("../../base")
            for s in ("web", "cart")
            for e in ("qa", "eu-prod")
        }
        | {"components/monitoring/kustomization.yaml": "kind: Component\n"},
        {f"{s}-{e}": (f"apps/{s}/overlays/{e}", e) for s in ("web", "cart") for e in ("qa", "eu-prod")},
        1,
    ),
    "a gathering kustomization for each environment": (
        {f"{e}/{s}/kustomization.yaml": KUSTOMIZATION for e in ("staging", "production") for s in ("web", "cart")}
        | {f"{e}/kustomization.yaml": "resources: [web, cart]\n" for e in ("staging", "production")},
        {f"{s}-{e}": (f"{e}/{s}", e) for e in ("staging", "production") for s in ("web", "cart")},
        1,
    ),
    "one chart with values-<env>.yaml": (
        {"charts/web/Chart.yaml": chart(), "charts/web/values.yaml": "a: 1\n"}
        | {"charts/web/templates/deploy.yaml": MANIFEST, "charts/web/charts/redis/Chart.yaml": chart("redis")}
        | {f"charts/web/values-{e}.yaml": "a: 2\n" for e in ("staging", "production", "common")},
        {f"web-{e}": ("charts/web", e) for e in ("staging", "production")},
        2,
    ),
    "several charts with values-<env>.yaml": (
        {f"charts/{s}/Chart.yaml": chart(s) for s in ("web", "cart", "lib")}
        | {"charts/lib/Chart.yaml": chart("lib") + "type: library\n"}
        | {f"charts/{s}/values-{e}.yaml": "a: 2\n" for s in ("web", "cart") for e in ("staging", "production")},
        {f"{s}-{e}": (f"charts/{s}", e) for s in ("web", "cart") for e in ("staging", "production")},
        4,
    ),
    "a chart at the root with environments/<env>/values.yaml": (
        {"Chart.yaml": chart("shop"), "values.yaml": "a: 1\n", "templates/deploy.yaml": MANIFEST}
        | {f"environments/{e}/values.yaml": "a: 2\n" for e in ("staging", "production")},
        {f"shop-{e}": ("", e) for e in ("staging", "production")},
        2,
    ),
    "environments beside one chart": (
        {"chart/Chart.yaml": chart("shop"), "chart/values.yaml": "a: 1\n"}
        | {f"environments/{e}/values.yaml": "a: 2\n" for e in ("staging", "production")},
        {f"shop-{e}": ("chart", e) for e in ("staging", "production")},
        2,
    ),
    "plain folders": (
        {f"{s}/deploy.yaml": MANIFEST for s in ("web", "cart", "payments")} | {"web/extra/crd.yaml": MANIFEST},
        {s: (s, None) for s in ("web", "cart", "payments")},
        1,
    ),
    "process-compose": (
        {f"apps/{s}/{e}/process-compose.yaml": PROCESSES for s in ("web", "cart") for e in ("staging", "production")},
        {f"{s}-{e}": (f"apps/{s}/{e}", e) for s in ("web", "cart") for e in ("staging", "production")},
        1,
    ),
    "k8s/<env>": (
        {f"k8s/{e}/deploy.yaml": MANIFEST for e in ("staging", "production")},
        {f"shop-{e}": (f"k8s/{e}", e) for e in ("staging", "production")},
        1,
    ),
    "clusters/<region and env>/<service>": (
        {f"clusters/{e}/{s}/deploy.yaml": MANIFEST for s in ("web", "cart") for e in ("eu-prod-1", "eu-staging-1")},
        {f"{s}-{e}": (f"clusters/{e}/{s}", e) for s in ("web", "cart") for e in ("eu-prod-1", "eu-staging-1")},
        1,
    ),
    "one chart with values/<env>.yaml": (
        {"charts/web/Chart.yaml": chart(), "charts/web/values.yaml": "a: 1\n"}
        | {f"charts/web/values/{e}.yaml": "a: 2\n" for e in ("staging", "production", "common")},
        {f"web-{e}": ("charts/web", e) for e in ("staging", "production")},
        2,
    ),
    "one application at the root": ({"deploy.yaml": MANIFEST, "README.md": ""}, {"shop": ("", None)}, 1),
    "processes at the root": ({"process-compose.yml": PROCESSES}, {"shop": ("", None)}, 1),
    "teams": (
        {f"{t}/{s}/{e}/deploy.yaml": MANIFEST for t, s in (("red", "web"), ("blue", "cart")) for e in ("test", "live")},
        {f"{t}-{s}-{e}": (f"{t}/{s}/{e}", e) for t, s in (("red", "web"), ("blue", "cart")) for e in ("test", "live")},
        1,
    ),
    "folders that are no applications beside those that are": (
        {f"apps/{s}/{e}/deploy.yaml": MANIFEST for s in ("web", "cart") for e in ("staging", "production")}
        | {"apps/web/notes/todo.txt": "x", "apps/tools/readme/x.md": "x"},
        {f"{s}-{e}": (f"apps/{s}/{e}", e) for s in ("web", "cart") for e in ("staging", "production")},
        2,
    ),
    "mixed": (
        {f"apps/web/{e}/deploy.yaml": MANIFEST for e in ("staging", "production")}
        | {f"apps/cart/overlays/{e}/kustomization.yaml": over("../../base") for e in ("staging", "production")}
        | {"apps/cart/base/kustomization.yaml": KUSTOMIZATION, "charts/queue/Chart.yaml": chart("queue")}
        | {"Edge_Cases/Web/deploy.yaml": MANIFEST},
        {f"web-{e}": (f"apps/web/{e}", e) for e in ("staging", "production")}
        | {f"cart-{e}": (f"apps/cart/overlays/{e}", e) for e in ("staging", "production")}
        | {"queue": ("charts/queue", None), "edge-cases-web": ("Edge_Cases/Web", None)},
        None,
    ),
    "Flux in the same repository": (
        {f"apps/{e}/{s}/deploy.yaml": MANIFEST for e in ("staging", "production") for s in ("web", "cart")}
        | {"clusters/production/apps.yaml": FLUX, "clusters/production/flux-system/gotk-components.yaml": MANIFEST}
        | {"clusters/production/flux-system/gotk-sync.yaml": FLUX.replace("./apps", "./clusters/production")}
        | {"clusters/production/flux-system/kustomization.yaml": "resources: [gotk-components.yaml, gotk-sync.yaml]\n"},
        {f"{s}-{e}": (f"apps/{e}/{s}", e) for e in ("staging", "production") for s in ("web", "cart")},
        1,
    ),
}


async def discovered(files: dict[str, str]):
    repo = MemoryConfigRepo(name="shop")
    commit = await repo.commit_files("main", files)
    result = await init_repo(repo, commit, force=True)
    commit = await repo.commit_files("main", result.files)
    return result, await Discovery().applications(repo, "main", commit)


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_what_is_written_discovers_exactly_the_applications_of_the_layout(layout):
    """The written file parses and its entries make the applications that are there, and no others."""
    files, expected, entries = LAYOUTS[layout]
    result, found = await discovered(files)
    assert {n: (a.path, a.environment) for n, a in found.applications.items()} == expected
    assert found.problems == ()
    assert {app.name for app in result.found} == expected.keys()
    if entries is not None:
        assert len(parse_config(result.files["lastgood.yaml"].encode()).entries) == entries


@pytest.mark.parametrize(
    ("paths", "path", "name"),
    [
        # A folder that is the same everywhere stays itself: a word would take in whatever else has this depth.
        (["org/red/web/live", "org/blue/cart/live"], "org/{team}/{service}/{environment}", None),
        (["teams/red/web/live", "teams/blue/cart/test"], "teams/{team}/{service}/{environment}", "{team}-{service}"),
        (["apps/web/live", "apps/web/test"], "apps/{service}/{environment}", "{service}"),
        (
            ["apps/web/live/eu-west-1", "apps/cart/live/us-east-1"],
            "apps/{service}/{environment}/{region}",
            "{service}-{region}",
        ),
        (["overlays/live", "overlays/test"], "overlays/{environment}", "shop"),
    ],
)
def test_the_words_of_a_pattern_say_what_they_stand_for(paths, path, name):
    """Team, service, region, environment, as far as the folders show them."""
    files = {f"{one}/deploy.yaml": MANIFEST.encode() for one in paths}
    written = init_files(files, files.get, name="shop").files["lastgood.yaml"]
    assert f'path: "{path}"\n' in written
    assert name is None or f'name: "{name}-{{environment}}"\n' in written


async def test_a_charts_environments_get_their_own_values_files():
    """Each environment's application lists the chart's values and its own, and leaves the others' out."""
    _, found = await discovered(LAYOUTS["one chart with values-<env>.yaml"][0])
    production = found.applications["web-production"]
    assert production.definition["helm"]["values"] == ["charts/web/values.yaml", "charts/web/values-production.yaml"]
    assert found.scopes["web-production"].left_out == (
        "charts/web/values-common.yaml",
        "charts/web/values-staging.yaml",
    )


async def test_values_beside_the_chart_are_inputs_of_the_version():
    """Values files outside the chart's folder count too."""
    _, found = await discovered(LAYOUTS["environments beside one chart"][0])
    assert found.scopes["shop-staging"].others == ("environments/staging/values.yaml",)


@pytest.mark.parametrize(
    "names",
    [("staging.yaml", "production.yaml"), ("deployment-staging.yml", "deployment-production.yml", "service.yaml")],
)
def test_a_folder_of_several_environments_is_no_application(names):
    """Taken as one, production would run what staging is to run: it is left out, and a note says what to do."""
    files = {f"apps/web/{name}": MANIFEST.encode() for name in names} | {"apps/cart/cart.yaml": MANIFEST.encode()}
    result = init_files(files, files.get, name="shop")
    assert [app.name for app in result.found] == ["cart"]
    assert "apps/web" not in result.files["lastgood.yaml"]
    (note,) = [note for note in result.notes if note.startswith("apps/web is left out: ")]
    assert "give each environment a folder of its own" in note


def test_one_environment_in_file_names_is_an_application_as_ever():
    """Only files of two environments in one folder mix them."""
    files = {f"web/{name}": MANIFEST.encode() for name in ("deploy-production.yaml", "service-production.yaml")}
    assert [app.name for app in init_files(files, files.get, name="shop").found] == ["web"]


async def test_flux_is_kept_from_reading_our_files():
    """Where Flux reads the repo, `.sourceignore` is written too, and the double deployment is named."""
    result, _ = await discovered(LAYOUTS["Flux in the same repository"][0])
    assert result.files[".sourceignore"].splitlines()[-2:] == ["/.lastgood/", "/lastgood.yaml"]
    assert any("let only one of the two do it" in note for note in result.notes)


async def test_what_sourceignore_says_already_stays():
    """Lines of people are kept, ours come after them once."""
    files = LAYOUTS["Flux in the same repository"][0] | {".sourceignore": "/docs/"}
    result, _ = await discovered(files)
    assert result.files[".sourceignore"].startswith("/docs/\n#")
    again, _ = await discovered(files | result.files)
    assert ".sourceignore" not in again.files


async def test_a_repo_without_flux_gets_no_sourceignore():
    """Nothing is written that nobody needs."""
    result, _ = await discovered(LAYOUTS["plain folders"][0])
    assert list(result.files) == ["lastgood.yaml"]


async def test_an_existing_file_is_not_overwritten():
    """Without force, init says that the file is there; with it, the file is written anew."""
    repo = MemoryConfigRepo(name="shop")
    commit = await repo.commit_files("main", {"lastgood.yaml": "version: 1\n", "web/deploy.yaml": MANIFEST})
    with pytest.raises(AlreadyThere, match=r"lastgood\.yaml is already there"):
        await init_repo(repo, commit)
    assert [app.name for app in (await init_repo(repo, commit, force=True)).found] == ["web"]


async def test_an_empty_repo_gets_an_example():
    """Where nothing is found the file still parses, and a note says so."""
    repo = MemoryConfigRepo(name="shop")
    result = await init_repo(repo, await repo.commit_files("main", {"README.md": "x"}))
    assert parse_config(result.files["lastgood.yaml"].encode()).entries == ()
    assert result.notes == ("no application was found; the file holds an example to start from",)


async def test_links_and_broken_files_are_passed_by():
    """A symlink, bytes that are no UTF-8 and a large file neither stop the look nor become applications."""
    repo = MemoryConfigRepo(name="shop")
    commit = await repo.commit_files(
        "main",
        {
            "web/deploy.yaml": MANIFEST,
            "link": (MODE_SYMLINK, "web"),
            "bad/x.yaml": b"\xff\xfe",
            "big/x.yaml": MANIFEST + "#" * 300_000,
            "broken/kustomization.yaml": "resources: [",
        },
    )
    assert [app.name for app in (await init_repo(repo, commit)).found] == ["broken", "web"]


segment = st.sampled_from(
    ["apps", "web", "cart", "prod", "staging", "base", "overlays", "Web", "a_b", "eu-prod", "x.y", "charts", "envs"]
)
file_name = st.sampled_from(
    ["deploy.yaml", "kustomization.yaml", "Chart.yaml", "values-prod.yaml", "process-compose.yaml", "notes.txt"]
)
CONTENT = {
    "deploy.yaml": MANIFEST,
    "kustomization.yaml": KUSTOMIZATION,
    "Chart.yaml": chart(),
    "values-prod.yaml": "a: 1\n",
    "process-compose.yaml": PROCESSES,
    "notes.txt": "",
}


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.lists(segment, max_size=4), file_name).map(lambda t: "/".join([*t[0], t[1]])), max_size=12))
async def test_whatever_the_layout_the_file_says_what_was_found(paths):
    """For any tree of such folders, the written file parses and discovers exactly the applications that init names."""
    files = {path: CONTENT[path.rpartition("/")[2]] for path in paths}
    listing = init_files(files, lambda path: files[path].encode(), name="shop")
    repo = MemoryConfigRepo(name="shop")
    commit = await repo.commit_files("main", files | listing.files)
    found = await Discovery().applications(repo, "main", commit)
    assert {n: (a.path, a.environment) for n, a in found.applications.items()} == {
        app.name: (app.path, app.environment) for app in listing.found
    }
    assert found.problems == ()
