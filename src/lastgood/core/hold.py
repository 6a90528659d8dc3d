"""A hold: what must not be released again in an application, its rule and its file `.lastgood/holds/<app>.hold`.

Knows no repository: the file's bytes and a version's files come in as arguments.
"""

import datetime as dt
import re
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

from lastgood.core.value import Value
from lastgood.core.yaml import Document, Path, read_yaml, yaml_text

MAX_HOLD_BYTES = 256 * 1024
MAX_ITEMS = 20_000
MAX_TEXT = 10_000


class HeldFile(Value, frozen=True, kw_only=True):
    """A file by content: path from the repo's root, and blob id."""

    path: str
    blob: str


class Hold(Value, frozen=True, kw_only=True):
    """One entry of `.lastgood/holds/<app>.hold`. until: ends by itself then; None: by hand only.

    images: references (`name:tag`, or `artifact:revision` for processes) that entered with the version.
    """

    id: str
    version: str
    commit: str | None
    images: tuple[str, ...] = ()
    files: tuple[HeldFile, ...] = ()
    reason: str = ""
    by: str = ""
    since: dt.datetime
    until: dt.datetime | None = None


def hold_path(app: str) -> str:
    """Return where an application's holds stand in the config repo."""
    return f".lastgood/holds/{app}.hold"


def hold_id(operation: str, app: str) -> str:
    """Return the id of the hold that an operation places: the same however often its plan is made again."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"lastgood:{operation}:{app}"))


def image_references(images: Mapping[str, str]) -> frozenset[str]:
    """Write rendered images (name -> tag or revision) as holds name them: `name:tag`.

    What a name says of the container that runs another version of it, ` (in web/app)`, is left out.
    """
    return frozenset(f"{name.partition(' (in ')[0]}:{reference}" for name, reference in images.items())


def in_force(hold: Hold, now: dt.datetime) -> bool:
    """Say whether a hold has not reached its date."""
    return hold.until is None or now < hold.until


def refusing(
    holds: Sequence[Hold], *, version: str | None, images: Collection[str], files: Mapping[str, str], now: dt.datetime
) -> Hold | None:
    """Return the first hold that keeps a version out, None where it may go.

    images: as `image_references` writes them; files: path from the repo's root -> blob id of the version's files
    (only the paths that `held_paths` names are looked at). A path that is gone (version None) is never held.
    Any one of what a hold names is enough: a release that brings back one bad image of two is still bad.
    """
    if version is None:
        return None
    for hold in holds:
        if in_force(hold, now) and (
            hold.version == version
            or any(image in images for image in hold.images)
            or (not hold.images and any(files.get(file.path) == file.blob for file in hold.files))
        ):
            return hold
    return None


def held_paths(holds: Sequence[Hold]) -> tuple[str, ...]:
    """Return the paths whose blobs `refusing` wants to know."""
    return tuple(sorted({file.path for hold in holds if not hold.images for file in hold.files}))


def parse_holds(data: bytes, *, file: str) -> tuple[Hold, ...]:
    """Read a hold file; oldest first, as written.

    data: hostile. Everything that is not exactly understood is ConfigWrong (file, line, reason), never "no hold":
    a damaged file must not let a bad version out. Fields of later versions of lastgood are passed over.
    """
    reader = _Reader(read_yaml(data, file=file, max_bytes=MAX_HOLD_BYTES, max_nodes=MAX_ITEMS))
    if reader.text((), "version") != "1":
        reader.wrong((), "`version: 1` is missing: this file is of another kind, or of a later lastgood")
    if "holds" not in reader.mapping(()):
        reader.wrong((), "`holds:` is missing")
    return tuple(reader.hold(("holds", i)) for i in range(reader.length((), "holds")))


def format_holds(holds: Sequence[Hold]) -> bytes:
    """Write a hold file, YAML in UTF-8. An id is quoted where its digits would read as a number."""
    lines = ["version: 1", "holds:" if holds else "holds: []"]
    for hold in holds:
        lines += [
            f"  - id: {yaml_text(hold.id)}",
            f"    version: {yaml_text(hold.version)}",
            f"    commit: {yaml_text(hold.commit) if hold.commit else 'null'}",
            "    images:" if hold.images else "    images: []",
            *(f"      - {yaml_text(image)}" for image in hold.images),
            "    files:" if hold.files else "    files: []",
        ]
        for held in hold.files:
            lines += [f"      - path: {yaml_text(held.path)}", f"        blob: {yaml_text(held.blob)}"]
        lines += [
            f"    reason: {yaml_text(hold.reason)}",
            f"    by: {yaml_text(hold.by)}",
            f"    since: {_time_text(hold.since)}",
            f"    until: {_time_text(hold.until) if hold.until else 'null'}",
        ]
    return ("\n".join(lines) + "\n").encode("utf-8", errors="replace")


def _time_text(time: dt.datetime) -> str:
    return time.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


_OBJECT_ID = re.compile(r"[0-9a-f]{40}")


class _Reader:
    """Turns a YAML document into holds; every refusal names the line."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def wrong(self, path: Path, reason: str) -> NoReturn:
        self.document.wrong(path, reason, hint="a hold that cannot be read keeps everything out until it is mended")

    def value(self, path: Path) -> Any:
        found = self.document.value
        for step in path:
            found = found[step]
        return found

    def mapping(self, path: Path) -> dict[str, Any]:
        found = self.value(path)
        if not isinstance(found, dict):
            self.wrong(path, "`name: value` pairs are expected")
        return found

    def length(self, path: Path, name: str) -> int:
        found = self.mapping(path).get(name)
        if found is None:
            return 0
        if not isinstance(found, list):
            self.wrong((*path, name), f"`{name}` is a list")
        return len(found)

    def scalar(self, path: Path, name: str) -> str:
        found = self.value(path)
        if isinstance(found, (dict, list)):
            self.wrong(path, f"`{name}` is text")
        # An id of digits alone reads as a number: what was written counts.
        text = found if isinstance(found, str) else self.document.written(path) or ""
        if len(text) > MAX_TEXT:
            self.wrong(path, f"`{name}` has {len(text)} characters; at most {MAX_TEXT} are read")
        return text

    def text(self, path: Path, name: str) -> str:
        return self.scalar((*path, name), name) if self.mapping(path).get(name) is not None else ""

    def object_id(self, path: Path, name: str) -> str:
        text = self.text(path, name)
        if not _OBJECT_ID.fullmatch(text):
            self.wrong((*path, name), f"`{name}` is a Git id of 40 hex digits")
        return text

    def time(self, path: Path, name: str) -> dt.datetime:
        try:
            time = dt.datetime.fromisoformat(self.text(path, name))
            return time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
        except (ValueError, OverflowError):
            self.wrong((*path, name), f"`{name}` is a time such as 2026-11-20T14:00:00Z")

    def hold(self, path: Path) -> Hold:
        identity = self.text(path, "id")
        if not identity:
            self.wrong(path, "`id` is missing")
        images = range(self.length(path, "images"))
        files = range(self.length(path, "files"))
        return Hold(
            id=identity,
            version=self.object_id(path, "version"),
            commit=self.object_id(path, "commit") if self.text(path, "commit") else None,
            images=tuple(self.scalar((*path, "images", i), "images") for i in images),
            files=tuple(self.held_file((*path, "files", i)) for i in files),
            reason=self.text(path, "reason"),
            by=self.text(path, "by"),
            since=self.time(path, "since"),
            until=self.time(path, "until") if self.text(path, "until") else None,
        )

    def held_file(self, path: Path) -> HeldFile:
        name = self.text(path, "path")
        if not name:
            self.wrong(path, "`path` is missing")
        return HeldFile(path=name, blob=self.object_id(path, "blob"))
