"""What stands in a renderer's folder: the application's inputs as Git has them, and nothing else."""

import os
import stat

import pytest

from lastgood.core.application import Scope
from lastgood.core.commit import MODE_EXECUTABLE, MODE_FILE, MODE_SUBMODULE, MODE_SYMLINK, MODE_TREE, TreeEntry
from lastgood.core.errors import RenderFailed
from lastgood.render import work_folder as module
from lastgood.render.work_folder import work_folder
from twins.config_repo import MemoryConfigRepo
from twins.processes import application

APP = application(
    path="apps/web", scope=Scope(path="apps/web", others=("base", "shared/v.yaml"), left_out=("apps/web/x",))
)


async def written(files, app=APP):
    """Return what stands in the folder: path -> content, or (link,) for a symlink."""
    repo = MemoryConfigRepo()
    head = await repo.commit_files("main", files)
    async with work_folder(app, repo, head) as folder:
        found = {}
        for path in folder.files.rglob("*"):
            inside = str(path.relative_to(folder.files))
            if path.is_symlink():
                found[inside] = (str(path.readlink()),)
            elif path.is_file():
                found[inside] = path.read_text()
    assert not folder.files.parent.exists()
    return found


def names_in(folder):
    return [os.fsencode(path.name) for path in folder.iterdir()]


async def refusal(files, app=APP):
    with pytest.raises(RenderFailed) as refused:
        await written(files, app)
    assert refused.value.app == app.name
    return refused.value.facts["file"], refused.value.facts["reason"]


async def test_it_holds_the_inputs_at_their_paths():
    """The folder, the inputs beside it, without what is left out; nothing of anybody else."""
    found = await written(
        {
            "apps/web/a.yaml": "a",
            "apps/web/deep/er/b.yaml": "b",
            "apps/web/x": "left out",
            "apps/cart/c.yaml": "other",
            "base/d.yaml": "d",
            "shared/v.yaml": "v",
            "shared/w.yaml": "other",
            "lastgood.yaml": "ours",
        }
    )
    assert found == {"apps/web/a.yaml": "a", "apps/web/deep/er/b.yaml": "b", "base/d.yaml": "d", "shared/v.yaml": "v"}


async def test_at_the_root_what_is_lastgoods_own_stays_out():
    """An application at the repo's root is everything but `lastgood.yaml` and `.lastgood`."""
    app = application(path="", scope=Scope(path=""))
    files = {"a.yaml": "a", "lastgood.yaml": "x", ".lastgood/holds/web.hold": "x", "b/lastgood.yaml": "b"}
    assert await written(files, app) == {"a.yaml": "a", "b/lastgood.yaml": "b"}


async def test_bytes_and_executable_bits_are_gits():
    """No filter, no end of line is changed; what may run may run, and is its owner's alone."""
    repo = MemoryConfigRepo()
    head = await repo.commit_files(
        "main",
        {
            "apps/web/.gitattributes": "* text eol=lf filter=x ident export-ignore\n",
            "apps/web/a.yaml": b"$Id$\r\n\xff",
            "apps/web/run": (MODE_EXECUTABLE, "#!"),
        },
    )
    async with work_folder(APP, repo, head) as folder:
        a, run = folder.at("apps/web/a.yaml"), folder.at("apps/web/run")
        assert a.read_bytes() == b"$Id$\r\n\xff"
        assert [stat.S_IMODE(one.stat().st_mode) for one in (a, run, folder.files.parent)] == [0o600, 0o700, 0o700]


async def test_a_name_that_is_no_utf8_comes_out_as_it_went_in():
    """Names are bytes in Git and on disk."""
    repo = MemoryConfigRepo()
    head = await repo.commit_files("main", {"apps/web/caf\udce9": "x"})
    async with work_folder(APP, repo, head) as folder:
        assert names_in(folder.at("apps/web")) == [b"caf\xe9"]


async def test_symlinks_inside_are_kept():
    """A link to another input is what Git says it is."""
    found = await written(
        {
            "apps/web/a.yaml": (MODE_SYMLINK, "../../base/d.yaml"),
            "apps/web/folder": (MODE_SYMLINK, "../../base"),
            "apps/web/dead": (MODE_SYMLINK, "never-there"),
            "base/d.yaml": "d",
        }
    )
    assert found == {
        "apps/web/a.yaml": ("../../base/d.yaml",),
        "apps/web/folder": ("../../base",),
        "apps/web/dead": ("never-there",),
        "base/d.yaml": "d",
    }


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        ({"l": "/etc/passwd"}, "is a symlink to /etc/passwd, which is outside the repo's files"),
        ({"l": "../../../../../../etc/passwd"}, "which is outside the repo's files"),
        ({"l": "../../.."}, "which is outside the repo's files"),
        ({"l": "../../../home"}, "which is outside the repo's files"),
        ({"l": "../cart/c.yaml"}, "is a symlink to ../cart/c.yaml, which is not among the application's inputs"),
        # As text it stays inside; followed through the other link it does not.
        ({"up": "../../base/deep", "l": "up/../../../.."}, "which is outside the repo's files"),
        ({"l": "l2", "l2": "/etc/passwd"}, "which is outside the repo's files"),
        ({"l": "/"}, "which is outside the repo's files"),
    ],
)
async def test_symlinks_that_lead_out_are_refused(links, reason):
    """Absolute, upwards, through one another, or to another application's file: named, and nothing is rendered."""
    files = {f"apps/web/{name}": (MODE_SYMLINK, target) for name, target in links.items()}
    file, said = await refusal({**files, "apps/cart/c.yaml": "x", "base/deep/d": "d"})
    assert file in {"apps/web/l", "apps/web/l2"}
    assert said.startswith(file)
    assert reason in said


async def test_a_submodule_is_an_empty_folder():
    """What is in it is in another repo; it is named for a warning."""
    repo = MemoryConfigRepo()
    head = await repo.commit_files("main", {"apps/web/a": "a", "apps/web/sub": (MODE_SUBMODULE, "1" * 40)})
    async with work_folder(APP, repo, head) as folder:
        assert folder.submodules == ("apps/web/sub",)
        assert names_in(folder.at("apps/web/sub")) == []


@pytest.mark.parametrize(
    ("limit", "most", "reason"),
    [
        ("MAX_FILE_BYTES", 99, "100 bytes; the limit is 99"),
        ("MAX_TOTAL_BYTES", 199, "the files together have more than 199 bytes"),
        ("MAX_ENTRIES", 5, "there are more than 5 files and folders in it"),
    ],
)
async def test_sizes_and_counts_are_bounded(monkeypatch, limit, most, reason):
    """Too large a file, too much of it, or too many, and the file at which it was."""
    monkeypatch.setattr(module, limit, most)
    file, said = await refusal({f"apps/web/{name}": "x" * 100 for name in ("a", "b/c", "b/d", "b/e")})
    assert file.startswith("apps/web/")
    assert reason in said


@pytest.mark.parametrize("name", ["..", ".", ".git", ".GIT", ""])
async def test_names_that_no_repo_may_have_are_refused(name):
    """A tree object made by hand cannot write beside the folder."""
    repo = MemoryConfigRepo()
    objects = repo.objects
    evil = objects.write_tree([TreeEntry(path="x", mode=MODE_FILE, oid=objects.write("blob", b"evil"))])
    tree = objects.write_tree([TreeEntry(path=name, mode=MODE_TREE, oid=evil)])
    for part in ("web", "apps"):
        tree = objects.write_tree([TreeEntry(path=part, mode=MODE_TREE, oid=tree)])
    with pytest.raises(RenderFailed, match="is not a path that a repository may have"):
        async with work_folder(APP, repo, tree):
            pass


async def test_a_missing_folder_is_said():
    """Nothing is rendered of nothing."""
    assert await refusal({"a": "a"}) == ("apps/web", "there is no folder apps/web")


async def test_the_folder_goes_when_rendering_fails():
    """Whatever happened over it."""
    repo = MemoryConfigRepo()
    head = await repo.commit_files("main", {"apps/web/a": "a"})
    with pytest.raises(ZeroDivisionError):
        async with work_folder(APP, repo, head) as folder:
            raise ZeroDivisionError
    assert not folder.files.parent.exists()
