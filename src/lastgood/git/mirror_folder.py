"""The folder of a bare mirror: make it, open it again, put a damaged one aside. Knows nothing of what is in it."""

from pathlib import Path

import pygit2

from lastgood.core.errors import GitFailed


def open_mirror(folder: Path, url: str) -> None:
    """Make sure that a readable bare repository with that remote stands there.

    A damaged one is renamed to `<folder>.damaged-<n>` and kept. Raises GitFailed if the folder cannot be made.
    """
    if url.startswith("-"):
        raise GitFailed("the address of a repository does not start with a dash")
    if folder.exists():
        try:
            _set_url(pygit2.Repository(str(folder), pygit2.enums.RepositoryOpenFlag.NO_SEARCH), url)
        except (pygit2.GitError, KeyError, ValueError):
            folder.rename(free_name(folder, "damaged"))
        else:
            return
    make_mirror(folder, url)


def make_mirror(folder: Path, url: str) -> None:
    """Make an empty mirror. Raises GitFailed if that is not possible."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700)  # its configuration holds the URL with its credentials
        _set_url(pygit2.init_repository(str(folder), bare=True), url)
    except (OSError, pygit2.GitError) as wrong:
        raise GitFailed(f"the mirror {folder} cannot be made: {wrong}") from wrong


def _set_url(repository: pygit2.Repository, url: str) -> None:
    # Not in the argument list of each fetch, where every account of the machine could read it.
    repository.config["remote.origin.url"] = url


def free_name(folder: Path, word: str) -> Path:
    """Return a name beside a folder that nothing has yet."""
    names = (folder.with_name(f"{folder.name}.{word}-{n}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())
