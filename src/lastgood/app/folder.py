"""Look at a folder on this disk for `init`: a Git work tree, or any folder with manifests."""

import os
from pathlib import Path

from lastgood.core.errors import GitFailed, RepoUnsupported
from lastgood.core.layout_files import MAX_READ_BYTES
from lastgood.core.tree import name_text
from lastgood.flows.init import MAX_FILES, InitResult, init_files
from lastgood.git.program import Git


def look_at_folder(where: Path, *, force: bool = False) -> tuple[Path, InitResult]:
    """Return the repo's root at or above a folder, and what to write there.

    In a Git work tree the files that Git has or would take count, committed or not; elsewhere all files.
    Raises AlreadyThere, GitFailed.
    """
    root, names = _files_of_work_tree(where)
    paths = [name for name in names if _is_file(root, name)]

    def read(path: str) -> bytes | None:
        try:
            with (root / path).open("rb") as file:
                data = file.read(MAX_READ_BYTES + 1)
        except OSError:
            return None
        return data if len(data) <= MAX_READ_BYTES else None

    return root, init_files(paths, read, name=root.name, force=force)


def _files_of_work_tree(where: Path) -> tuple[Path, list[str]]:
    try:
        root = Path(Git(where).run("rev-parse", "--show-toplevel").text)
        listed = Git(root).run("ls-files", "-z", "--cached", "--others", "--exclude-standard").out
    except RepoUnsupported:
        raise
    except GitFailed:
        return where.resolve(), _files_below(where.resolve())
    return root, sorted({name_text(name) for name in listed.split(b"\0") if name})[:MAX_FILES]


def _files_below(root: Path) -> list[str]:
    found: list[str] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [str((Path(folder) / name).relative_to(root)) for name in sorted(files)]
        if len(found) >= MAX_FILES:
            break
    return found[:MAX_FILES]


def _is_file(root: Path, name: str) -> bool:
    # A link is never followed: it may lead out of the repo.
    path = root / name
    return path.is_file() and not path.is_symlink()
