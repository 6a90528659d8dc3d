"""Run `lastgood serve` and other commands as a person would: as programs of their own, in the demo's folder."""

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

STARTS_WITHIN_S = 30
STOPS_WITHIN_S = 15
TAKE_BACK_TRIES = 3


class DemoServer:
    """A running `lastgood serve`; its words go to `serve.log` in the demo's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.token = ""

    @property
    def page(self) -> str:
        """The dashboard's address with the token that opens it."""
        return f"{self.url}/?token={self.token}"

    def start(self) -> None:
        """Start it and wait until it says where it listens. Raises RuntimeError with its last words."""
        with (self._folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "lastgood", "serve"],
                cwd=self._folder,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the server in order
            )
        deadline = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._read_address():
                return
            time.sleep(0.05)
        message = f"lastgood serve did not start:\n{self._last_words()}"
        raise RuntimeError(message)

    def take_back(self) -> None:
        """Have a server of our own on the folder again, where somebody ended ours; whoever serves it instead ends.

        What runs is adopted by each server in turn. Raises RuntimeError with its last words.
        """
        if self._process is not None and self._process.poll() is None:
            return
        for tries_left in reversed(range(TAKE_BACK_TRIES)):
            for pid in _holders(self._folder / "data"):
                _end(pid)
            try:
                self.start()
            except RuntimeError:
                # A stranger's server that was only just starting may have been quicker than ours.
                if not tries_left or not _holders(self._folder / "data"):
                    raise
            else:
                return

    def _read_address(self) -> bool:
        """Read the address that this very process left beside its store."""
        try:
            left = json.loads((self._folder / "data" / "server.json").read_text())
        except (OSError, ValueError):
            return False
        if self._process is None or left.get("pid") != self._process.pid:
            return False
        self.url, self.token = left["url"], left["token"]
        return True

    def stop(self) -> None:
        """End it in order; kill it if it does not end."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _last_words(self) -> str:
        return "\n".join((self._folder / "serve.log").read_text(errors="replace").splitlines()[-15:])


def _holders(data: Path) -> set[int]:
    """Return the processes that work on a data folder: the locks tell, which the kernel gives back with a process."""
    pids = set()
    for role in ("agent", "web"):
        with contextlib.suppress(FileNotFoundError), (data / f"{role}.lock").open("r+", encoding="ascii") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                with contextlib.suppress(ValueError):
                    pids.add(int(file.read(20)))
    return pids


def _end(pid: int) -> None:
    """End a process that is not our child in order; kill it if it does not end."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for name in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(process, name)
            if select.select([process], [], [], STOPS_WITHIN_S)[0]:
                return
    finally:
        os.close(process)


def run_lastgood(folder: Path, *arguments: str) -> tuple[int, str]:
    """Run a lastgood command in the demo's folder; return its exit code and all that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "lastgood", *arguments],
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def _environment() -> dict[str, str]:
    """This environment without what would lead the commands to another server or clone."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("LASTGOOD_", "GIT_"))}
