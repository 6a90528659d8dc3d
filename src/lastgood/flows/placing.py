"""What a plan does to an application's holds: the one it places, those it ends, and what refuses the result."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from lastgood.core.commit import FileChange
from lastgood.core.errors import LastgoodError
from lastgood.core.hold import HeldFile, Hold, held_paths, hold_id, image_references, refusing
from lastgood.core.ports import ConfigRepo
from lastgood.core.resource import Rendered
from lastgood.core.version import Version

MAX_HELD_FILES = 500


@dataclass(frozen=True, kw_only=True)
class HoldChange:
    """What becomes of the holds of one application.

    placed: the new hold. refuses: what keeps the result out. released: the holds that the commit ends because
    somebody overrides them; taken_back: those that an undo takes back with what placed them.
    content: the hold file's new entries, None where the file stays as it is. wrong: why the file cannot be read.
    """

    placed: Hold | None = None
    refuses: Hold | None = None
    released: tuple[Hold, ...] = ()
    taken_back: tuple[Hold, ...] = ()
    content: tuple[Hold, ...] | None = None
    wrong: LastgoodError | None = None


async def refusing_at(
    repo: ConfigRepo,
    commit: str,
    holds: Sequence[Hold],
    *,
    version: str | None,
    rendered: Rendered | LastgoodError | None,
    now: dt.datetime,
) -> tuple[Hold, ...]:
    """Return all holds that refuse an application's version at a commit (or root tree), oldest first.

    rendered: that version's render; where there is none, holds by image say nothing beyond their version.
    """
    images = image_references(rendered.images) if isinstance(rendered, Rendered) else frozenset()
    files: dict[str, str] = {}
    for path in held_paths(holds):
        entry = await repo.entry(commit, path)
        if entry is not None:
            files[path] = entry.oid
    return tuple(h for h in holds if refusing([h], version=version, images=images, files=files, now=now) is not None)


def new_hold(
    *,
    operation: str,
    app: str,
    left: Version,
    before: Rendered | LastgoodError | None,
    after: Rendered | LastgoodError | None,
    files: Sequence[FileChange],
    reason: str,
    by: str,
    now: dt.datetime,
    until: dt.datetime | None = None,
) -> Hold | None:
    """Return the hold for a version that is left, None where there is none to leave.

    before, after: renders of what is left and of what comes instead: the images of the first that the second does
    not have entered with it. Where none did, or nothing renders here, the files that differ are held by blob.
    files: from what is left to what comes instead.
    """
    if left.version is None:
        return None
    images: tuple[str, ...] = ()
    if isinstance(before, Rendered) and isinstance(after, Rendered):
        images = tuple(sorted(image_references(before.images) - image_references(after.images)))
    held = () if images else tuple(_held_files(files))
    return Hold(
        id=hold_id(operation, app),
        version=left.version,
        commit=left.commit,
        images=images,
        files=held[:MAX_HELD_FILES],
        reason=reason,
        by=by,
        since=now.replace(microsecond=0),
        until=until,
    )


def _held_files(files: Sequence[FileChange]) -> list[HeldFile]:
    # A name that is not UTF-8 cannot stand in a YAML file; the version itself is held all the same.
    return [
        HeldFile(path=change.path, blob=change.old)
        for change in files
        if change.old is not None and _is_text(change.path)
    ]


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
