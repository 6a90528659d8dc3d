"""Look at a config repo that has no `lastgood.yaml` and say what to write: `lastgood init`.

Reads through the port ConfigRepo, or from a listing; writes nothing itself: the caller does.
"""

from collections.abc import Callable, Iterable

from lastgood.core.config import CONFIG_FILE, MAX_ENTRIES
from lastgood.core.errors import AlreadyThere, ObjectTooLarge
from lastgood.core.first_config import first_config, source_ignore
from lastgood.core.layout import Found, recognise
from lastgood.core.layout_entries import suggest
from lastgood.core.layout_files import MAX_READ_BYTES, Repo, flux_paths, worth_reading
from lastgood.core.pattern import usable_segment
from lastgood.core.ports import ConfigRepo
from lastgood.core.side_by_side import environments_beside
from lastgood.core.value import Value

SOURCE_IGNORE = ".sourceignore"
MAX_FILES = 200_000
MAX_READ_FILES = 20_000
_MAX_DEPTH = 32


class InitResult(Value, frozen=True, kw_only=True):
    """files: path from the repo's root -> text to write. found: the applications. notes: sentences for people."""

    files: dict[str, str]
    found: tuple[Found, ...]
    notes: tuple[str, ...]


async def init_repo(repo: ConfigRepo, commit: str, *, force: bool = False) -> InitResult:
    """Look at a commit of a repo. force: `lastgood.yaml` may be there and is written anew.

    Raises AlreadyThere, and the errors of the port.
    """
    blobs = await _files(repo, commit)
    if CONFIG_FILE in blobs and not force:
        raise AlreadyThere(file=CONFIG_FILE)
    texts: dict[str, bytes] = {}
    for path in _to_read(blobs):
        try:
            texts[path] = await repo.read(blobs[path], max_bytes=MAX_READ_BYTES, path=path)
        except ObjectTooLarge:
            continue
    return init_files(blobs, texts.get, name=repo.name, force=force)


def init_files(
    paths: Iterable[str], read: Callable[[str], bytes | None], *, name: str, force: bool = False
) -> InitResult:
    """Look at a listing of files. read: gives a file's content, None for one that cannot be had or is over 256 kB.

    name: the repo's or folder's name, for an application at its root. Raises AlreadyThere.
    """
    every = sorted({path for path in paths if all(usable_segment(segment) for segment in path.split("/"))})
    if CONFIG_FILE in every and not force:
        raise AlreadyThere(file=CONFIG_FILE)
    texts: dict[str, str | None] = dict.fromkeys(every)
    notes: list[str] = []
    for path in _to_read(every):
        texts[path] = _text(read(path))
    if len(every) >= MAX_FILES or sum(map(worth_reading, every)) > MAX_READ_FILES:
        notes.append("the repository is so large that only a part of it was looked at")
    texts.pop(CONFIG_FILE, None)
    layout = recognise(Repo(name=name, texts=texts))
    found = _one_environment_each(layout.found, every, notes)
    entries = suggest(found, _folders(every))
    notes += layout.notes
    if len(entries) > MAX_ENTRIES:
        notes.append(f"only the first {MAX_ENTRIES} of {len(entries)} entries are written; patterns would say more")
        entries = entries[:MAX_ENTRIES]
        named = {one for entry in entries for one in entry.names}
        found = tuple(app for app in found if app.name in named)
    files = {CONFIG_FILE: first_config(entries)}
    if not found:
        notes.append("no application was found; the file holds an example to start from")
    if any(app.environment is None for app in found):
        notes.append(
            "some applications have no environment; `destination: default` must name one that the server knows"
        )
    _keep_flux_out(texts, found, files, notes)
    return InitResult(files=files, found=found, notes=tuple(notes))


def _one_environment_each(found: tuple[Found, ...], paths: list[str], notes: list[str]) -> tuple[Found, ...]:
    """Leave out folders that hold several environments at once: as one application each would run all of them."""
    kept = []
    for app in found:
        mixes = app.kind == "plain" and app.environment is None
        beside = environments_beside(paths, "" if app.path == "." else app.path) if mixes else ()
        if not beside:
            kept.append(app)
            continue
        more = f" and {len(beside) - 3} more" if len(beside) > 3 else ""  # noqa: PLR2004 -- enough to recognise them
        notes.append(
            f"{app.path} is left out: {', '.join(beside[:3])}{more} are of several environments, and an application "
            "is a whole folder; give each environment a folder of its own, then run `lastgood init --force`"
        )
    return tuple(kept)


def _keep_flux_out(
    texts: dict[str, str | None], found: tuple[Found, ...], files: dict[str, str], notes: list[str]
) -> None:
    folders = flux_paths(texts)
    if not folders:
        return
    ignore = source_ignore(texts.get(SOURCE_IGNORE))
    if ignore is not None:
        files[SOURCE_IGNORE] = ignore
        notes.append(f"Flux reads this repository: {SOURCE_IGNORE} keeps it from reading lastgood's own files")
    both = [app.name for app in found if any(not one or f"{app.path}/".startswith(f"{one}/") for one in folders)]
    if both:
        more = f" and {len(both) - 3} more" if len(both) > 3 else ""  # noqa: PLR2004 -- enough to recognise them
        notes.append(f"Flux deploys {', '.join(both[:3])}{more} as well: let only one of the two do it")


def _to_read(paths: Iterable[str]) -> list[str]:
    wanted = [path for path in paths if path == SOURCE_IGNORE or (worth_reading(path) and path != CONFIG_FILE)]
    return wanted[:MAX_READ_FILES]


def _text(data: bytes | None) -> str | None:
    if data is None or len(data) > MAX_READ_BYTES:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _folders(paths: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition("/")[0]
    return found


async def _files(repo: ConfigRepo, commit: str) -> dict[str, str]:
    """Return every regular file of a commit, path to blob; links and submodules are not followed."""
    root = await repo.entry(commit, "")
    found: dict[str, str] = {}
    todo = [("", root.oid, 0)] if root is not None else []
    while todo and len(found) < MAX_FILES:
        prefix, tree, depth = todo.pop()
        for entry in await repo.list_tree(tree):
            if not usable_segment(entry.path):
                continue
            if entry.is_file:
                found[prefix + entry.path] = entry.oid
            elif entry.is_tree and depth < _MAX_DEPTH:
                todo.append((f"{prefix}{entry.path}/", entry.oid, depth + 1))
    return found
