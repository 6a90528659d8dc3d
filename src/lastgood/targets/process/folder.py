"""Where the process target keeps what it knows, and how it writes there without ever leaving half a file.

Flat folders, one file a process, `<app>@<process>`: neither name can hold an `@`. Knows no process.

    root/state/     what supervisors say of their processes; one event for each change
    root/applied/   what was asked for last, by application
    root/locks/     held by supervisors, and by whoever applies
    root/logs/      output of the processes, bounded
    root/work/      a folder of each process's own (its HOME), kept across releases
    root/releases/  release folders, see `releases.py`
    root/temporary/ what is being written
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

SEPARATOR = "@"
MARK = "LASTGOOD_WORK"


class Folder:
    """The root folder of one process target."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.states = root / "state"
        self.applied = root / "applied"
        self.locks = root / "locks"
        self.logs = root / "logs"
        self.works = root / "work"
        self.releases = root / "releases"
        self.temporary = root / "temporary"

    def create(self) -> None:
        """Make what is missing. Only what the processes must reach can be passed through by their account."""
        self.root.mkdir(mode=0o711, parents=True, exist_ok=True)
        for private in (self.states, self.applied, self.locks, self.logs, self.temporary):
            private.mkdir(mode=0o700, exist_ok=True)
        for shared in (self.works, self.releases):
            shared.mkdir(mode=0o711, exist_ok=True)
            shared.chmod(0o711)

    def state_file(self, app: str, process: str) -> Path:
        """Return where the supervisor of a process writes."""
        return self.states / f"{app}{SEPARATOR}{process}.json"

    def lock_file(self, app: str, process: str) -> Path:
        """Return what the supervisor of a process holds locked as long as it lives."""
        return self.locks / f"{app}{SEPARATOR}{process}"

    def log_file(self, app: str, process: str) -> Path:
        """Return where the output of a process goes; the former log is beside it, with `.1`."""
        return self.logs / f"{app}{SEPARATOR}{process}.log"

    def work_folder(self, app: str, process: str) -> Path:
        """Return the folder of a process's own."""
        return self.works / f"{app}{SEPARATOR}{process}"

    def marker(self, app: str, process: str) -> bytes:
        """Return the variable by which a process and its children are known as those of this root."""
        return os.fsencode(f"{MARK}={self.work_folder(app, process)}")

    def applied_file(self, app: str) -> Path:
        """Return where it stands what was asked for last."""
        return self.applied / f"{app}.json"

    def processes_with_state(self, app: str) -> list[str]:
        """Return the names of an application's processes that have a state file."""
        prefix = f"{app}{SEPARATOR}"
        with contextlib.suppress(FileNotFoundError):
            return sorted(
                name.removeprefix(prefix).removesuffix(".json")
                for name in os.listdir(self.states)  # noqa: PTH208  # names are all that is needed of thousands
                if name.startswith(prefix) and name.endswith(".json")
            )
        return []

    def remove_process(self, app: str, process: str) -> None:
        """Delete what is kept of a process that has ended; its state last, so that a second try finds it."""
        log = self.log_file(app, process)
        for file in (log, log.with_name(f"{log.name}.1"), self.lock_file(app, process)):
            file.unlink(missing_ok=True)
        remove_tree(self.work_folder(app, process))
        self.state_file(app, process).unlink(missing_ok=True)

    def write_json(self, file: Path, value: Any) -> None:
        """Replace a file by a value as JSON: readers see the old one or the new one. Raises OSError."""
        temporary = self.temporary / secrets.token_hex(8)
        try:
            with temporary.open("xb") as out:
                out.write(msgspec.json.encode(value))
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(file)
        finally:
            temporary.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, name: str, *, shared: bool = False) -> Iterator[bool]:
        """Hold a lock among all programs that use this root; yields False at once where another holds it."""
        with (self.locks / name).open("ab") as file:
            try:
                fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True


def remove_tree(folder: Path) -> None:
    """Delete a folder, also one whose folders are read-only. What is not there is fine. Raises OSError."""
    if not folder.exists() and not folder.is_symlink():
        return
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o700)
    shutil.rmtree(folder)
