"""What was asked for in a cluster and what was last found equal to it, on disk, so that a restart asks nothing again.

One file for each application, in a folder that our account alone may open. Losing it costs requests, never correctness.
"""

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from lastgood.targets.kubernetes.apply_set import Extent, extent
from lastgood.targets.kubernetes.compare import Ignored
from lastgood.targets.kubernetes.kinds import GroupKind
from lastgood.targets.kubernetes.live_object import Key

_ENDING = ".msgpack"
# Of an application that waits because of its kinds, beside the file of what it has.
_WAITING = ".waiting"


class Asked(msgspec.Struct, kw_only=True):
    """One object as it was asked for.

    sent: the manifest as JSON, b"" for a Secret, whose content is not kept. wanted: digest of what was sent. equal:
    digest of the live object that was last found to be as asked for, None for none. mark: of what else decided
    how it looks when that was found, see `marks`. may_wait: the cluster may go without it while it lacks its kind.
    ignored: what of it is no drift; bare: digest of that live object without it, for a Secret. theirs: who has it, in
    words, where it is left in place; differs: in what it is not as asked for there, in words; `equal` and `mark` are
    then of what was looked at for that. job: the uid of a Job as it was found equal; ended: it was seen to have ended
    well, and may go by itself.
    """

    key: Key
    wanted: bytes
    sent: bytes = b""
    equal: bytes | None = None
    mark: str = ""
    wave: int = 0
    delete: bool = True
    compare: bool = True
    may_wait: bool = False
    ignored: Ignored = Ignored()
    bare: bytes | None = None
    theirs: str = ""
    differs: str = ""
    job: str = ""
    ended: bool = False


class Hindrance(msgspec.Struct, kw_only=True):
    """What one apply was refused, and may not be any more. words: why.

    how: `apply`, `delete`, or `health`: the waves after it wait for that. sent: the manifest as JSON, without
    the content of a Secret; b"" for one that was refused for what it is, and for what is deleted. owner: the
    application or field manager that has it, "" for nobody; claimed: it is an application.
    """

    key: Key
    words: str
    how: Literal["apply", "delete", "health"] = "apply"
    sent: bytes = b""
    owner: str = ""
    claimed: bool = False


class Applied(msgspec.Struct, kw_only=True):
    """What an application should be in its cluster.

    digest: rendered digest of what was asked for last; installed: of what was last applied completely, installed_by:
    by the deployment of which number. kinds, namespaces: as the set's parent says. left: objects that left Git and may
    not be deleted. hooks_done: hooks that ran for the version in `digest`, or for the deletion, before that was
    complete; hooks_begun: those of them that may run still, as HookRuns has it. hindrances: what the last apply was
    refused, where it is worth trying again only once it would not be.
    """

    app: str
    set_id: str
    digest: str
    installed: str | None = None
    installed_by: int | None = None
    objects: list[Asked] = []
    kinds: list[tuple[str, str]] = []
    namespaces: list[str] = []
    account: str | None = None
    left: list[str] = []
    hooks_done: list[str] = []
    hooks_begun: dict[str, str] = {}
    hindrances: list[Hindrance] = []


def extent_of(applied: Applied, parent: Mapping[str, str] | None) -> Extent:
    """Return where an application can have objects: as remembered, and as its parent says, None where it has none."""
    keys = {one.key for one in applied.objects}
    return extent(
        parent,
        kinds={*(key[0] for key in keys), *applied.kinds},
        namespaces={*(key[1] for key in keys), *applied.namespaces},
    )


class Memory:
    """A folder with a file for each application."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read_all(self) -> list[Applied]:
        """Return what is remembered; a damaged file is as good as none."""
        found = []
        for file in sorted(self._folder.glob(f"*{_ENDING}")) if self._folder.is_dir() else ():
            with contextlib.suppress(OSError, msgspec.DecodeError):
                found.append(msgspec.msgpack.decode(file.read_bytes(), type=Applied))
        return found

    def waiting_kinds(self) -> set[GroupKind]:
        """Return the kinds of the applications that wait because not all of theirs may be looked at."""
        found: set[GroupKind] = set()
        for file in sorted(self._folder.glob(f"*{_WAITING}")) if self._folder.is_dir() else ():
            with contextlib.suppress(OSError, msgspec.DecodeError):
                found |= set(msgspec.msgpack.decode(file.read_bytes(), type=list[tuple[str, str]]))
        return found

    def note_waiting(self, app: str, kinds: Iterable[GroupKind]) -> None:
        """Keep which kinds an application waits with; none: it waits no more. Raises OSError."""
        file, found = f"{self._folder}/{app}{_WAITING}", sorted(kinds)
        if not found:
            Path(file).unlink(missing_ok=True)
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(file, msgspec.msgpack.encode(found))

    def write(self, applied: Applied) -> None:
        """Replace an application's file, by one caller at a time. Raises OSError."""
        file, data = self._file(applied.app), msgspec.msgpack.encode(applied)
        try:
            try:
                _write(f"{file}.new", data)
            except FileNotFoundError:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                _write(f"{file}.new", data)
            os.replace(f"{file}.new", file)  # noqa: PTH105 - see `_file`
        except BaseException:
            Path(f"{file}.new").unlink(missing_ok=True)
            raise

    def forget(self, app: str) -> None:
        """Delete an application's file. Raises OSError."""
        Path(self._file(app)).unlink(missing_ok=True)
        self.note_waiting(app, ())

    def _file(self, app: str) -> str:
        # Text: making paths takes as long as writing, twice for each deployment.
        return f"{self._folder}/{app}{_ENDING}"


def _write(name: str, data: bytes) -> None:
    file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(file, left) :]
    finally:
        os.close(file)
