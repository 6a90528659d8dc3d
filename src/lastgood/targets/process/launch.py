"""Start a supervisor, stop one, and end what a dead one left behind: the three things done to a process.

Blocking, called in threads. Knows one process at a time, no order and no application as a whole.
"""

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import Any

import msgspec

from lastgood.targets.process.account import Account
from lastgood.targets.process.folder import Folder
from lastgood.targets.process.identity import boot_id, end_session, send_signal, wait_end
from lastgood.targets.process.state import ProcessState, read_state

SUPERVISOR = Path(__file__).with_name("supervisor.py")
ANSWER_S = 20.0
# What a supervisor needs on top of its process's own time: to send SIGKILL, see the group end, write its state.
STOP_MARGIN_S = 10.0


class LaunchFailed(Exception):
    """A process could not be started or stopped; the text is the reason."""


class Launcher:
    """Starts and stops the processes of one root folder, as one account."""

    def __init__(self, folder: Folder, account: Account | None, *, settle_s: float, stable_s: float) -> None:
        self._folder = folder
        self._account = account
        self._settle_s = settle_s
        self._stable_s = stable_s

    def start(
        self,
        app: str,
        process: str,
        *,
        spec: dict[str, Any],
        digest: str,
        run: dict[str, Any],
        parts: dict[str, str],
    ) -> None:
        """Start a supervisor that starts the process, and return when it has taken over.

        spec: the manifest's `spec`; run: release, working_dir and environment as settled for this machine; parts: for
        its state.
        Raises LaunchFailed, also where a supervisor of this process runs already.
        """
        folder = self._folder
        work = folder.work_folder(app, process)
        state_file = folder.state_file(app, process)
        job = {
            "app": app,
            "process": process,
            "digest": digest,
            "parts": parts,
            "release": run["release"],
            "argv": spec["argv"],
            "environment": run["environment"],
            "working_dir": run["working_dir"] or str(work),
            "depends_on": spec["depends_on"],
            "availability": spec["availability"],
            "shutdown": spec["shutdown"],
            "account": msgspec.to_builtins(self._account) if self._account is not None else None,
            "settle_s": self._settle_s,
            "stable_s": self._stable_s,
            "state_file": str(state_file),
            "lock_file": str(folder.lock_file(app, process)),
            "log_file": str(folder.log_file(app, process)),
            "temporary_file": str(folder.temporary / state_file.name),
        }
        if "readiness_probe" in spec:
            job["probe"] = spec["readiness_probe"]
        try:
            self._make_work_folder(work)
            answer = _run_supervisor(msgspec.json.encode(job))
        except (OSError, subprocess.SubprocessError) as wrong:
            reason = wrong.strerror if isinstance(wrong, OSError) else "it does not answer"
            raise LaunchFailed(f"its supervisor cannot be started: {reason}") from wrong
        if answer != "ok":
            raise LaunchFailed(answer or "its supervisor ended before it said anything")

    def stop(self, app: str, process: str) -> bool:
        """Stop a process as its own specification says, then for certain; say whether there was one.

        Also ends what a supervisor that was killed left running. Raises LaunchFailed if something is still there.
        """
        state = read_state(self._folder.state_file(app, process))
        if state is None:
            return False
        boot = boot_id()
        stopped = False
        if state.is_supervised(boot):
            stopped = send_signal(state.supervisor, SIGTERM)
            if not wait_end(state.supervisor, timeout_s=state.stop_timeout_s + STOP_MARGIN_S):
                send_signal(state.supervisor, SIGKILL)
                wait_end(state.supervisor, timeout_s=STOP_MARGIN_S)
            state = read_state(self._folder.state_file(app, process)) or state
        return self._end_left_behind(state, boot) or stopped

    def end_left_behind(self, app: str, process: str) -> bool:
        """End what is left of a process whose supervisor is dead. Raises LaunchFailed if it does not end."""
        state = read_state(self._folder.state_file(app, process))
        return state is not None and self._end_left_behind(state, boot_id())

    def _end_left_behind(self, state: ProcessState, boot: str | None) -> bool:
        left = state.left_behind(boot)
        if left is None:
            return False
        if not end_session(left, marker=self._folder.marker(state.app, state.process), grace_s=state.stop_timeout_s):
            raise LaunchFailed(f"it does not end (pid {left.pid}); nothing was started in its place")
        return True

    def _make_work_folder(self, work: Path) -> None:
        work.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            os.chown(work, self._account.uid, self._account.gid, follow_symlinks=False)


def _run_supervisor(job: bytes) -> str:
    """Start the program apart from us, give it its job, and return its one line of answer."""
    # A new session: a Ctrl-C for the agent is none for what it started. -I -S: no folder but the standard library's.
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(SUPERVISOR)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        close_fds=True,
        env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        cwd="/",
    ) as started:
        try:
            answer, _ = started.communicate(job, timeout=ANSWER_S)
        except BaseException:
            started.kill()
            raise
    return answer.decode(errors="replace").strip()
