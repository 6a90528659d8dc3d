"""What the renderer port promises: which kind an application's files are, and what becomes of them."""

import pytest

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_SUBMODULE, MODE_SYMLINK
from lastgood.core.errors import NoRenderer, RenderFailed
from lastgood.render import tool_render
from lastgood.render.renderers import Renderers
from lastgood.render.tools import Tools, ToolSettings
from twins.config_repo import MemoryConfigRepo
from twins.processes import application

PROCESSES = "processes: {web: {command: serve}}"


@pytest.fixture
def renderer():
    """Return the renderers of a machine without Helm and Kustomize."""
    return Renderers(Tools(lambda: ToolSettings(kustomize="/nowhere/kustomize", helm="/nowhere/helm")))


async def repo_with(files):
    repo = MemoryConfigRepo()
    return repo, await repo.commit_files("main", files)


def at(path, **words):
    return application(path=path, scope=Scope(path=path), **words)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["process-compose.yaml"], "process-compose"),
        (["process-compose.yml", "kustomization.yaml"], "process-compose"),
        (["kustomization.yaml", "deployment.yaml"], "kustomize"),
        (["kustomization.yml"], "kustomize"),
        (["Kustomization"], "kustomize"),
        (["Chart.yaml", "values.yaml"], "helm"),
        (["deployment.yaml"], "plain"),
        (["deployment.yml"], "plain"),
        (["deployment.json"], "plain"),
        (["README.md"], "unknown"),
        (["below/kustomization.yaml"], "unknown"),
    ],
)
async def test_the_files_say_which_kind_it_is(renderer, names, kind):
    """`render: auto` goes by the names in the folder itself."""
    repo, head = await repo_with({f"apps/web/{name}": "x" for name in names})
    assert await renderer.kind(at("apps/web"), repo, head) == kind


async def test_the_entry_s_own_word_wins(renderer):
    """`render: helm` is helm, whatever the files are called."""
    repo, head = await repo_with({"apps/web/process-compose.yaml": PROCESSES})
    assert await renderer.kind(at("apps/web", render="helm"), repo, head) == "helm"


async def test_a_path_that_is_not_there_is_unknown(renderer):
    """Nothing is guessed of a missing folder."""
    repo, head = await repo_with({"other/deployment.yaml": "x"})
    assert await renderer.kind(at("apps/web"), repo, head) == "unknown"


async def test_at_the_root_the_entry_file_is_no_manifest(renderer):
    """`lastgood.yaml` and files that are left out do not make a repo an application of plain manifests."""
    repo, head = await repo_with({"lastgood.yaml": "x", "README": "x", ".lastgood/holds/web.hold": "x"})
    assert await renderer.kind(at(""), repo, head) == "unknown"
    repo, head = await repo_with({"lastgood.yaml": "x", "process-compose.yaml": PROCESSES})
    assert [r.name for r in (await renderer.render(at(""), repo, head)).resources] == ["web"]


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        (
            "kustomization.yaml",
            "web is of the kind kustomize, and there is no program /nowhere/kustomize",
            "LASTGOOD_RENDER__KUSTOMIZE",
        ),
        ("Chart.yaml", "web is of the kind helm, and there is no program /nowhere/helm", "LASTGOOD_RENDER__HELM"),
        ("README.md", "web is of the kind unknown, which is not rendered here", ""),
    ],
)
async def test_what_nothing_renders_is_said(renderer, name, message, hint):
    """A kind without its program is no failure of the version; what to do about it is said."""
    repo, head = await repo_with({f"apps/web/{name}": "x"})
    with pytest.raises(NoRenderer) as refused:
        await renderer.render(at("apps/web"), repo, head)
    assert refused.value.message == message
    assert hint in refused.value.hint


@pytest.mark.parametrize("name", ["kustomization.yaml", "Chart.yaml"])
async def test_without_a_boundary_nothing_is_rendered(renderer, monkeypatch, name):
    """A machine that cannot keep a program in must be accepted by name; plain manifests start none."""
    missing = {"files": "the kernel has no Landlock", "network": "there is no program unshare"}
    monkeypatch.setattr(tool_render, "missing_boundaries", lambda: missing)
    repo, head = await repo_with({f"apps/web/{name}": "x", "apps/cart/a.yaml": CONFIG % "a"})
    with pytest.raises(NoRenderer) as refused:
        await renderer.render(at("apps/web"), repo, head)
    assert refused.value.message == (
        "web is not rendered: a renderer cannot be kept from other files here, because the kernel has no Landlock"
    )
    assert 'without = ["files", "network"]' in refused.value.hint
    assert (await renderer.render(at("apps/cart"), repo, head)).resources
    accepting = Renderers(Tools(lambda: ToolSettings(helm="/no", kustomize="/no", without=("files", "network"))))
    with pytest.raises(NoRenderer, match="there is no program"):
        await accepting.render(at("apps/web"), repo, head)


async def test_a_version_renders_to_its_resources(renderer):
    """The resources, the artifacts and the digest of what stands at the commit."""
    text = f"x-lastgood: {{artifacts: {{web: v1}}}}\n{PROCESSES}"
    repo, head = await repo_with({"apps/web/process-compose.yml": text})
    rendered = await renderer.render(at("apps/web"), repo, head)
    assert [(r.kind, r.name) for r in rendered.resources] == [("Process", "web")]
    assert rendered.images == {"web": "v1"}
    assert rendered == await renderer.render(at("apps/web"), repo, head)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"README.md": "x"}, "there is no process-compose.yaml in apps/web"),
        ({"process-compose.yaml": PROCESSES, "process-compose.yml": PROCESSES}, "keep one"),
        ({"process-compose.yaml": (MODE_SYMLINK, "/etc/passwd")}, "is not a regular file"),
        ({"process-compose.yaml": b"\xff\xfe"}, "it is not UTF-8"),
        ({"process-compose.yaml": b"#" * 2_000_000}, "2000000 bytes"),
        ({"process-compose.yaml": "processes: {web: {}}"}, "neither command nor entrypoint"),
    ],
)
async def test_what_cannot_be_rendered_is_said_with_its_file(renderer, files, reason):
    """A version that is wrong is RenderFailed with file and reason."""
    repo, head = await repo_with({f"apps/web/{name}": content for name, content in files.items()})
    with pytest.raises(RenderFailed) as refused:
        await renderer.render(at("apps/web", render="process-compose"), repo, head)
    assert refused.value.facts["file"].startswith("apps/web/process-compose.y")
    assert reason in refused.value.facts["reason"]


async def test_one_version_is_rendered_once(renderer):
    """A commit that changed another application costs no reading of this one's file; a new definition does."""
    repo, head = await repo_with({"apps/web/process-compose.yaml": PROCESSES})
    reads = []
    read = repo.read

    async def counted(blob, **words):
        reads.append(blob)
        return await read(blob, **words)

    repo.read = counted
    first = await renderer.render(at("apps/web"), repo, head)
    other = await repo.commit_files("main", {"apps/cart/process-compose.yaml": PROCESSES})
    assert await renderer.render(at("apps/web"), repo, other) == first
    assert len(reads) == 1
    await renderer.render(at("apps/web", definition={"name": "web", "namespace": "n"}), repo, other)
    assert len(reads) == 2


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


async def test_plain_manifests_are_found_in_every_folder(renderer):
    """In kubectl's order: name by name, a folder's files where its name stands. Other endings are left alone."""
    names = ["b.yaml", "a/z.yml", "a-b.json", "a.yaml", "c/d/e.yaml"]
    files = {f"apps/web/{name}": CONFIG % name.replace("/", "-") for name in names if not name.endswith("json")}
    files |= {
        "apps/web/a-b.json": '{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "j"}}',
        "apps/web/README.md": "x",
        "apps/web/UPPER.YAML": "x",
        "apps/web/script": (MODE_SYMLINK, "/etc"),
        "apps/other/f.yaml": "x",
    }
    repo, head = await repo_with(files)
    assert await renderer.kind(at("apps/web"), repo, head) == "plain"
    found = (await renderer.render(at("apps/web"), repo, head)).resources
    assert [r.name for r in found] == ["a-z.yml", "j", "a.yaml", "b.yaml", "c-d-e.yaml"]


async def test_plain_manifests_at_the_root_leave_lastgoods_own_out(renderer):
    """`lastgood.yaml`, `.lastgood` and what the scope leaves out are no manifests; the same names below are."""
    repo, head = await repo_with(
        {"lastgood.yaml": "x", ".lastgood/a.yaml": "x", "a.yaml": CONFIG % "a", "other/b.yaml": "x", "not.yaml": "x"}
    )
    app = application(path="", scope=Scope(path="", left_out=("other", "not.yaml")))
    assert [r.name for r in (await renderer.render(app, repo, head)).resources] == ["a"]
    repo, head = await repo_with({"web/lastgood.yaml": "x"})
    with pytest.raises(RenderFailed, match=r"web/lastgood\.yaml:1: it is the text"):
        await renderer.render(at("web"), repo, head)


async def test_a_submodule_is_named_in_a_warning(renderer):
    """What is in it is in another repo."""
    repo, head = await repo_with(
        {"apps/web/a.yaml": CONFIG % "a", "apps/web/vendor": (MODE_SUBMODULE, "1" * 40), "b.yaml": "x"}
    )
    warnings = (await renderer.render(at("apps/web"), repo, head)).warnings
    assert warnings == ("apps/web/vendor is a submodule: this repo does not have what is in it",)


@pytest.mark.parametrize(
    ("files", "file", "reason"),
    [
        ({"values.yaml": "replicas: 3"}, "values.yaml", "it is no Kubernetes object"),
        ({"a.yaml": CONFIG % "a", "b.yaml": CONFIG % "a"}, "b.yaml", "the first is in apps/web/a.yaml:1"),
        ({"a.yaml": (MODE_SYMLINK, "/etc/passwd")}, "a.yaml", "apps/web/a.yaml is a symlink, which is never followed"),
        ({"a.yaml": b"a: \xff"}, "a.yaml", "it is not UTF-8"),
        ({"a.yaml": b"#" * 6_000_000}, "a.yaml", "6000000 bytes"),
        ({"a.yaml": "kind: [\n"}, "a.yaml", "it is not YAML"),
    ],
)
async def test_manifests_that_are_wrong_are_said_with_their_file(renderer, files, file, reason):
    """RenderFailed names the file, whatever is wrong with it."""
    repo, head = await repo_with({f"apps/web/{name}": content for name, content in files.items()})
    with pytest.raises(RenderFailed) as refused:
        await renderer.render(at("apps/web"), repo, head)
    assert refused.value.facts["file"] == f"apps/web/{file}"
    assert reason in refused.value.facts["reason"]


async def test_plain_manifests_may_be_gone(renderer):
    """A folder without manifests renders to nothing, and says so; without the folder there is nothing to render."""
    repo, head = await repo_with({"apps/web/README.md": "x"})
    rendered = await renderer.render(at("apps/web", render="plain"), repo, head)
    assert (rendered.resources, len(rendered.warnings)) == ((), 1)
    with pytest.raises(RenderFailed, match="there is no folder apps/gone"):
        await renderer.render(at("apps/gone", render="plain"), repo, head)


async def test_renders_that_are_kept_are_bounded(renderer):
    """Large versions are not all kept: the oldest is read again."""
    padding = "#" * 1_500_000
    repo = MemoryConfigRepo()
    heads = [await repo.commit_files("main", {"apps/web/a.yaml": CONFIG % f"v{n}" + padding}) for n in range(3)]
    reads = []
    read_all = repo.read_all

    async def counted(files, **words):
        reads.extend(files)
        return await read_all(files, **words)

    repo.read_all = counted
    for head in (*heads, heads[2], heads[0]):
        await renderer.render(at("apps/web"), repo, head)
    assert len(reads) == 4


PROGRAMS = pytest.mark.programs
KINDS = {
    "process-compose": {"process-compose.yaml": PROCESSES},
    "plain": {"a.yaml": CONFIG % "a"},
    "kustomize": {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": CONFIG % "a"},
    "helm": {"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", "templates/a.yaml": CONFIG % "a"},
}
WRONG = {
    "process-compose": ("process-compose.yaml", "processes: ["),
    "plain": ("a.yaml", "a: ["),
    "kustomize": ("kustomization.yaml", "resources: [nothing.yaml]"),
    "helm": ("templates/a.yaml", "a: {{ if }}"),
}
EVERY_KIND = pytest.mark.parametrize(
    "kind",
    ["process-compose", "plain", pytest.param("kustomize", marks=PROGRAMS), pytest.param("helm", marks=PROGRAMS)],
)


@pytest.fixture
def able(request, kind):
    """Return renderers that have every program that the kind needs."""
    if kind in {"process-compose", "plain"}:
        return Renderers()
    programs = request.getfixturevalue("render_programs")
    return Renderers(Tools(lambda: ToolSettings(kustomize=str(programs.kustomize), helm=str(programs.helm4))))


def below(kind):
    return {f"apps/web/{name}": content for name, content in KINDS[kind].items()}


@EVERY_KIND
async def test_every_kind_renders_once_for_a_version(able, kind):
    """The same version at another commit is the very same value; a new definition is rendered anew."""
    repo, head = await repo_with(below(kind))
    assert await able.kind(at("apps/web"), repo, head) == kind
    first = await able.render(at("apps/web"), repo, head)
    assert len(first.resources) == 1
    other = await repo.commit_files("main", {"apps/cart/x": "x"})
    assert await able.render(at("apps/web"), repo, other) is first
    anew = await able.render(at("apps/web", definition={"name": "web", "namespace": "n"}), repo, other)
    assert (anew is first, anew.digest) == (False, first.digest)


@EVERY_KIND
async def test_every_kind_says_what_is_wrong(able, kind):
    """RenderFailed names the application and a reason that does not name this machine's folders."""
    repo, _ = await repo_with(below(kind))
    name, content = WRONG[kind]
    head = await repo.commit_files("main", {f"apps/web/{name}": content})
    with pytest.raises(RenderFailed) as refused:
        await able.render(at("apps/web"), repo, head)
    assert refused.value.app == "web"
    assert refused.value.facts["reason"]
    assert "/tmp" not in str(refused.value.as_json())


@EVERY_KIND
async def test_every_kind_needs_its_folder(able, kind):
    """Where the path is not, there is nothing to render."""
    repo, head = await repo_with(below(kind))
    with pytest.raises(RenderFailed):
        await able.render(at("apps/gone", render=kind), repo, head)


@EVERY_KIND
async def test_every_kind_can_say_whether_it_is_stable(able, kind):
    """A program is asked once more; what no program makes needs no asking."""
    repo, head = await repo_with(below(kind))
    first = await able.render(at("apps/web"), repo, head)
    again = await able.render_anew(at("apps/web"), repo, head)
    assert again == (None if kind in {"process-compose", "plain"} else first)
    assert again is not first
