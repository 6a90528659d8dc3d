"""Run one program that reads a stranger's files: bounded in files, network, memory, time and output.

A thread of its own gives up, for good, the right to open anything but what the program needs (Landlock holds for a
thread and for all that it starts), starts the program without a network, reads what it says, and ends with it.
Knows no application and no repository.
"""

import asyncio
import contextlib
import ctypes
import os
import select
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from lastgood.core.value import Value
from lastgood.render.boundaries import OWN_NETWORK
from lastgood.render.tools import Boundary

OUT_BYTES = 20_000_000
ERR_BYTES = 100_000
_CHUNK = 1 << 16
_LIBRARIES = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec")
_READ = ("/etc/ld.so.cache", "/usr/share/zoneinfo")
# For git, which a program with a network starts for what is elsewhere.
_READ_ONLINE = ("/usr/bin", "/bin", "/usr/share", "/etc/ssl", "/etc/pki", "/usr/local/share/ca-certificates")
_READ_ONLINE_FILES = ("/dev/urandom", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf")
_STEP_S = 0.005


class Job(Value, frozen=True, kw_only=True):
    """One run of a program.

    argv: the program's full path first. readable, writable: folders. environment: all of it.
    online: it may use the network. without: boundaries not to draw. time_s: of the wall.
    """

    argv: tuple[str, ...]
    cwd: str
    readable: tuple[str, ...]
    writable: tuple[str, ...]
    environment: dict[str, str]
    time_s: float
    memory_bytes: int
    out_bytes: int = OUT_BYTES
    online: bool = False
    without: tuple[Boundary, ...] = ()


class Ran(NamedTuple):
    """How it ended. code: as in subprocess. err: its beginning. stopped: what it was killed for."""

    code: int
    out: bytes
    err: bytes
    stopped: Literal["time", "output"] | None


async def run_confined(job: Job) -> Ran:
    """Run a program to its end; a cancelled caller leaves no process behind. Raises OSError if it cannot be started."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Ran] = loop.create_future()
    stop_reading, stop_writing = os.pipe()

    def settle(ran: Ran | None, wrong: BaseException | None) -> None:
        if wrong is not None:
            done.set_exception(wrong)
        elif ran is not None:
            done.set_result(ran)

    def work() -> None:
        ran, wrong = None, None
        try:
            ran = _Run(job, stop_reading).run()
        except Exception as failed:  # noqa: BLE001 - raised again where it is awaited
            wrong = failed
        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, ran, wrong)

    # Never a thread of a pool: what it gave up, it cannot get back for the next task.
    thread = threading.Thread(target=work, name="lastgood-render", daemon=True)
    thread.start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        os.write(stop_writing, b"x")
        await asyncio.wait([done])
        done.exception()
        raise
    finally:
        os.close(stop_writing)
        os.close(stop_reading)


_Output = tuple[bytes, bytes, Literal["time", "output"] | None]


class _Run:
    """One run, in its own thread. Opens what it needs before it gives up the right to."""

    def __init__(self, job: Job, stop: int) -> None:
        self._job = job
        self._stop = stop
        self._deadline = time.monotonic() + job.time_s

    def run(self) -> Ran:
        argv, programs = _command(self._job)
        with Path(os.devnull).open("rb") as nothing, selectors.DefaultSelector() as selector:
            if "files" not in self._job.without:
                _give_up_files(self._job, programs)
            process = subprocess.Popen(
                argv,
                stdin=nothing,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._job.cwd,
                env=self._job.environment,
                start_new_session=True,
            )
            with process:
                try:
                    out, err, stopped = self._read(process, selector)
                    stopped = stopped or self._wait(process)
                finally:
                    # Before the leader is reaped: until then its number names no other group.
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                return Ran(process.wait(), out, err, stopped)

    def _read(self, process: subprocess.Popen[bytes], selector: selectors.BaseSelector) -> _Output:
        out, err = bytearray(), bytearray()
        for pipe, kept in ((process.stdout, out), (process.stderr, err)):
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, kept)
        selector.register(self._stop, selectors.EVENT_READ)
        while len(selector.get_map()) > 1:
            ready = selector.select(max(0.0, self._deadline - time.monotonic()))
            if time.monotonic() > self._deadline or any(key.fd == self._stop for key, _ in ready):
                return bytes(out), bytes(err), "time"
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                key.data.extend(chunk)
                if not chunk:
                    selector.unregister(key.fileobj)
            # The rest of what it complains of is read, so that it can go on, and forgotten.
            del err[ERR_BYTES:]
            if len(out) > self._job.out_bytes:
                return bytes(out), bytes(err), "output"
        return bytes(out), bytes(err), None

    def _wait(self, process: subprocess.Popen[bytes]) -> Literal["time"] | None:
        """Wait for one that has closed its pipes, without reaping it."""
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            stopped, _, _ = select.select([self._stop], [], [], _STEP_S)
            if stopped or time.monotonic() > self._deadline:
                return "time"
        return None


def _command(job: Job) -> tuple[list[str], list[str]]:
    """Return the whole argument list, and the programs in it."""
    argv: list[str] = []
    programs = [job.argv[0]]
    if not job.online and "network" not in job.without:
        argv += [_program("unshare", programs), *OWN_NETWORK]
    if "limits" not in job.without:
        argv += [_program("prlimit", programs), *_limits(job), "--"]
    return [*argv, *job.argv], programs


def _limits(job: Job) -> Sequence[str]:
    # RLIMIT_AS would end Go programs at their start. Several processors add their times up.
    cpu_s = int(job.time_s * (os.cpu_count() or 1)) + 1
    limits: Mapping[str, int] = {
        "data": job.memory_bytes,
        "cpu": cpu_s,
        "fsize": job.out_bytes,
        "nofile": 512,
        "core": 0,
    }
    return [f"--{name}={most}:{most}" for name, most in limits.items()]


def _program(name: str, programs: list[str]) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no program {name}")
    programs.append(found)
    return found


def _give_up_files(job: Job, programs: Sequence[str]) -> None:
    """Leave this thread, and what it starts, nothing but what the job names. There is no way back."""
    from landlock import plumbing  # noqa: PLC0415 - half of what a render costs, once

    # Its functions take any error number left from before for one of theirs.
    ctypes.set_errno(0)
    access = plumbing.FSAccess
    everything = access.all()
    read = access.READ_FILE | access.READ_DIR
    execute = access.EXECUTE | access.READ_FILE
    allowed: list[tuple[str, int]] = [(os.devnull, access.READ_FILE | access.WRITE_FILE)]
    allowed += [(program, execute) for program in programs]
    allowed += [(path, read | execute) for path in _LIBRARIES]
    allowed += [(path, read) for path in (*_READ, *job.readable)]
    allowed += [(path, everything & ~access.EXECUTE) for path in job.writable]
    if job.online:
        allowed += [(path, read | execute) for path in _READ_ONLINE]
        allowed += [(path, read) for path in _READ_ONLINE_FILES]
    asked = plumbing.RulesetAttr(everything)
    rules = plumbing.get_create_ruleset()(ctypes.byref(asked), ctypes.sizeof(asked), 0)
    try:
        for path, rights in allowed:
            _allow(rules, path, rights)
        plumbing.get_prctl()(plumbing.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        plumbing.get_restrict_self()(rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    from landlock import plumbing  # noqa: PLC0415 - as above

    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not every system has all of them
    try:
        if not Path(path).is_dir():
            rights &= plumbing.FSAccess.all_file()
        rule = plumbing.PathBeneathAttr(rights, opened)
        plumbing.get_add_rule()(rules, 1, ctypes.byref(rule), 0)
    finally:
        os.close(opened)
