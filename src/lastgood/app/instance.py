"""One server for each data folder: the lock that says so, its secret, and the address that it leaves for the CLI."""

import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from lastgood.core.errors import SettingsWrong

ADDRESS_FILE = "server.json"
RECORDS = "records.db"
MIRRORS = "mirrors"
SOURCES = "sources"
IMAGES = "images"


def make_data_folder(data: Path, *, passable: bool) -> None:
    """Make the folder for its owner alone.

    passable: accounts that the settings name run commands from releases in it: they can pass through, and read
    nothing, not even names. What else is private has modes of its own.
    Raises SettingsWrong where that cannot be done.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = stat.S_IMODE(data.stat().st_mode)
        if passable and not mode & stat.S_IXOTH:
            data.chmod(mode | 0o011)
        for private in (data / MIRRORS, data / SOURCES, data / IMAGES):
            private.mkdir(exist_ok=True)
            private.chmod(0o700)
    except OSError as wrong:
        raise SettingsWrong(setting="data", reason=f"{data} cannot be made: {wrong.strerror}") from wrong


@contextlib.contextmanager
def only_one(data: Path, role: str) -> Iterator[None]:
    """Keep a second agent (or dashboard) off the same data folder; the kernel lets go when this process ends.

    role: agent or web. Raises SettingsWrong where another one has it.
    """
    try:
        file = (data / f"{role}.lock").open("a+", encoding="ascii")
    except OSError as wrong:
        raise SettingsWrong(setting="data", reason=f"{data} cannot be written: {wrong.strerror}") from wrong
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            file.seek(0)
            pid = file.read(20).strip() or "unknown"
            raise SettingsWrong(
                setting="data",
                reason=f"another lastgood {role} (process {pid}) works on {data}",
                hint="stop it, or give this one another `data` folder",
            ) from taken
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_agent_running(data: Path) -> bool:
    """Say whether an agent holds its lock on the data folder."""
    try:
        with (data / "agent.lock").open(encoding="ascii") as file:
            os.kill(int(file.read(20)), 0)
            # The number may be another process's by now; the lock is not. It is let go at once.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, ValueError):
        return False
    return False


def own_secret(data: Path) -> bytes:
    """Return the server's own secret, made once, readable by its owner alone."""
    path = data / "secret"
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
    found = path.read_bytes()
    if len(found) != 32:  # noqa: PLR2004 - as written above
        raise SettingsWrong(setting="data", reason=f"{path} is damaged", hint="delete it: a new one is made")
    return found


def derived(secret: bytes, purpose: str) -> str:
    """Return a text that follows from the secret, another one for each purpose."""
    return hmac.new(secret, purpose.encode(), hashlib.sha256).hexdigest()


@contextlib.contextmanager
def left_address(data: Path, *, url: str, token: str) -> Iterator[None]:
    """Leave the address and token for commands run beside the store, for the owner alone, while the server runs."""
    path = data / ADDRESS_FILE
    new = data / f"{ADDRESS_FILE}.new"
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": url, "token": token, "pid": os.getpid()}, file)
    new.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
