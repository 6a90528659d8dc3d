"""Run one process: own its log and its exit status, restart it, probe it, stop it. A program of its own.

Started as `python -I -S supervisor.py` with one JSON object on its standard input (`launch.py` writes it). It imports
nothing of lastgood and, once it runs, nothing at all: it must outlive the agent, an upgrade of lastgood and the
removal of this very file. It knows no application, no repository and no version: it is told what to run.

Its story: it takes the lock, detaches, writes its state file, says `ok`; then one loop of signals, output and timers
until the process has ended for good or SIGTERM asked for the end. The state file changes only when the state does.
"""

import contextlib
import errno
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time

LOG_BYTES = 1 << 20
LONGEST_BACKOFF_S = 60.0
UNSAVED_RETRY_S = 1.0
GROUP_END_S = 5.0
MESSAGE_CHARS = 500


def main() -> None:
    """Read what to run from standard input, detach, and stay until it has ended."""
    job = json.loads(sys.stdin.buffer.read())
    os.umask(0o077)
    os.chdir("/")
    if job.get("probe", {}).get("http_get", {}).get("scheme") == "https":
        # Now, not at the first probe: by then the interpreter's own files may have been replaced.
        import ssl  # noqa: F401, PLC0415  # 5 MB that only those pay for who probe by https
    lock = os.open(job["lock_file"], os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        _answer("a supervisor of this process runs already")
        return
    if os.fork():
        # The first process leaves at once: the second belongs to init, so no agent has to wait for it.
        os._exit(0)
    supervisor = Supervisor(job)
    try:
        supervisor.open()
    except OSError as wrong:
        _answer(f"its state cannot be written: {wrong.strerror}")
        return
    _answer("ok")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    supervisor.run()


def _answer(text: str) -> None:
    os.write(1, f"{text}\n".encode())


class Supervisor:
    """The loop, and everything that is known of the process."""

    def __init__(self, job: dict) -> None:  # type: ignore[type-arg]  # read from JSON, used as it is
        self.job = job
        self.probe_spec = job.get("probe")
        self.phase = "starting"
        self.message = ""
        self.since = time.time()
        self.ready_since: float | None = None
        self.child: int | None = None
        self.child_start: str | None = None
        self.exit_code: int | None = None
        self.restarts = 0
        self.failures = 0
        self.stop_asked = False
        self.stopping = False
        self.unsaved = False
        self.ended = False
        self.good = 0
        self.bad = 0
        self.probe: tuple[int, int] | None = None
        self.stopper: tuple[int, int] | None = None
        self.output: int | None = None
        self.log: int | None = None
        self.log_size = 0
        self.timers: dict[str, float] = {}
        self.boot_id = _read("/proc/sys/kernel/random/boot_id").strip()

    # state
    def open(self) -> None:
        """Write the first state; begin a new log, keeping the former one beside it."""
        self._write_state()
        with contextlib.suppress(OSError):
            _move(self.job["log_file"], self.job["log_file"] + ".1")
        self._open_log()

    def _write_state(self) -> None:
        job = self.job
        state = {
            "format": 1,
            "app": job["app"],
            "process": job["process"],
            "digest": job["digest"],
            "release": job["release"],
            "depends_on": job["depends_on"],
            "probed": self.probe_spec is not None,
            "stop_timeout_s": job["shutdown"]["timeout_s"],
            "boot_id": self.boot_id,
            "supervisor": {"pid": os.getpid(), "start": start_time(os.getpid())},
            "child": {"pid": self.child, "start": self.child_start} if self.child else None,
            "phase": self.phase,
            "since": self.since,
            "ready_since": self.ready_since,
            "restarts": self.restarts,
            "failures": self.failures,
            "exit_code": self.exit_code,
            "message": self.message[:MESSAGE_CHARS],
            "parts": job["parts"],
        }
        # Written elsewhere and moved in: a reader sees the old state or the new one, a watcher one event.
        temporary = job["temporary_file"]
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:  # noqa: PTH123  # a descriptor
            json.dump(state, file)
        _move(temporary, job["state_file"])
        self.unsaved = False

    def save(self) -> bool:
        """Write the state; where the disk is full, say no and try again in a moment."""
        try:
            self._write_state()
        except OSError:
            self.unsaved = True
            self.timers["save"] = time.monotonic() + UNSAVED_RETRY_S
        return not self.unsaved

    def enter(self, phase: str, message: str = "") -> None:
        """Go to a phase and record it."""
        self.phase, self.message, self.since = phase, message, time.time()
        self.ready_since = self.since if phase == "ready" else None
        self.save()

    # the loop
    def run(self) -> None:
        """Run until the process has ended for good."""
        waking, woken = socket.socketpair()
        waking.setblocking(False)
        woken.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _nothing)
        signal.signal(signal.SIGTERM, self._asked_to_stop)
        for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(ignored, signal.SIG_IGN)
        self.start()
        while not self.ended:
            watched = select.poll()
            watched.register(waking, select.POLLIN)
            if self.output is not None:
                watched.register(self.output, select.POLLIN)
            for fd, _ in watched.poll(self._wait_ms()):
                if fd == waking.fileno():
                    with contextlib.suppress(BlockingIOError):
                        waking.recv(4096)
                else:
                    self._take_output()
            self._look_at_children()
            if self.stop_asked and not self.stopping and not self.ended:
                self.stop()
            self._ring_timers()

    def _wait_ms(self) -> int | None:
        if not self.timers:
            return None
        return max(0, int((min(self.timers.values()) - time.monotonic()) * 1000) + 1)

    def _ring_timers(self) -> None:
        now = time.monotonic()
        for name in [name for name, at in self.timers.items() if at <= now]:
            if self.timers.pop(name, None) is not None:
                getattr(self, f"_ring_{name}")()

    def _ring_save(self) -> None:
        self.save()

    def _ring_settled(self) -> None:
        self._ready()

    def _ring_stable(self) -> None:
        self.failures = 0
        self.save()

    def _ring_restart(self) -> None:
        self.start()

    # starting and ending
    def start(self) -> None:
        """Start the process; it executes nothing before its pid stands in the state file."""
        if self.stopping:
            return
        try:
            child, reading, go, failing = self._fork_held()
        except OSError as no_room:
            self.exit_code = 127
            self._next(f"cannot be started: {no_room.strerror}")
            return
        self.output, self.child, self.child_start = reading, child, start_time(child)
        self.exit_code = None
        self.good = self.bad = 0
        self.enter("starting")
        wrong = "its state cannot be written" if self.unsaved else ""
        if not wrong:
            os.write(go, b"g")
        os.close(go)
        # Until it has become the program: a signal sent earlier would be lost on this interpreter's own handlers.
        wrong = wrong or os.read(failing, 500).decode(errors="replace")
        os.close(failing)
        if wrong:
            self._reap(wrong)
        elif self.probe_spec is None:
            self.timers["settled"] = time.monotonic() + self.job["settle_s"]
        else:
            self.timers["probe"] = time.monotonic() + self.probe_spec["initial_delay_s"]

    def _fork_held(self) -> tuple[int, int, int, int]:
        """Fork; return the copy's pid, its output, the pipe that lets it go, and the one that says what went wrong."""
        ours: list[int] = []
        theirs: list[int] = []
        try:
            for keep_reading in (True, False, True):
                reading, writing = os.pipe()
                ours.append(reading if keep_reading else writing)
                theirs.append(writing if keep_reading else reading)
            child = os.fork()
        except OSError:
            for fd in (*ours, *theirs):
                os.close(fd)
            raise
        if child == 0:
            self._become(self.job["argv"], output=theirs[0], held=theirs[1], failed=theirs[2], close=ours[1])
        for fd in theirs:
            os.close(fd)
        os.read(ours[2], 1)  # it leads a session of its own now: what is recorded can be signalled as a group
        os.set_blocking(ours[0], False)
        return child, ours[0], ours[1], ours[2]

    def _become(self, argv: list[str], *, output: int, held: int | None, failed: int, close: int | None = None) -> None:
        """Turn this forked copy into a program: own session, own account, clean environment. Never returns."""
        try:
            os.setsid()
            if close is not None:
                os.close(close)
            if held is not None:
                os.write(failed, b"s")
                if os.read(held, 1) != b"g":
                    os._exit(127)
            self._step_down()
            null = os.open(os.devnull, os.O_RDONLY)
            for source, fd in ((null, 0), (output, 1), (output, 2)):
                os.dup2(source, fd)
            os.umask(0o022)
            os.chdir(self.job["working_dir"])
            os.execvpe(argv[0], argv, self.job["environment"])  # noqa: S606  # the repo's own command, as the account
        except OSError as wrong:
            what = self.job["working_dir"] if wrong.filename == self.job["working_dir"] else argv[0]
            os.write(failed, f"{what} cannot be started: {wrong.strerror}"[:400].encode())
        finally:
            os._exit(127)

    def _step_down(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in range(1, signal.NSIG):
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        account = self.job["account"]
        if account is not None:
            os.setgroups(account["groups"])
            os.setgid(account["gid"])
            os.setuid(account["uid"])

    def _look_at_children(self) -> None:
        self._look_at_probe()
        if self.stopper is not None and _reaped(self.stopper[0]) is not None:
            os.close(self.stopper[1])
            self.stopper = None
        if self.child is None:
            return
        # Looked at, not yet reaped: so long the number of its group cannot become another's.
        if os.waitid(os.P_PID, self.child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self._reap("")

    def _reap(self, wrong: str) -> None:
        """The process has ended: end what is left of its group, and decide what comes next."""
        child = self.child
        if child is None:
            return
        self._cancel_probe()
        if not self.stopping:
            _signal_group(child, signal.SIGKILL)
        self.exit_code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if self.stopping:
            # A shell that died at once must not cut short what its children still finish.
            self._await_group_end(child, until=self.timers.get("kill", 0.0))
        _signal_group(child, signal.SIGKILL)
        self._await_group_end(child, until=time.monotonic() + GROUP_END_S)
        self._end_stopper()
        self._take_output()
        self._close_output()
        self.child = self.child_start = None
        self.timers.clear()
        if self.stopping:
            self._finish("stopped", "")
        else:
            self._next(wrong or _ended_how(self.exit_code))

    def _await_group_end(self, group: int, *, until: float) -> None:
        while time.monotonic() < until:
            if not _group_lives(group):
                return
            # Who is ending may have much to say, and would wait for us to take it.
            self._take_output()
            time.sleep(0.01)

    def _next(self, how: str) -> None:
        availability = self.job["availability"]
        failed = self.exit_code != 0
        if availability["restart"] == "no" or (availability["restart"] == "on_failure" and not failed):
            self._finish("failed" if failed else "completed", how)
            return
        self.failures += 1
        if 0 < availability["max_restarts"] < self.failures:
            self._finish("failed", f"{how}; left alone after {self.failures - 1} restarts")
            return
        backoff = min(availability["backoff_s"] * 2 ** min(self.failures - 1, 16), LONGEST_BACKOFF_S)
        self.restarts += 1
        self.enter("backoff", f"{how}; restart {self.restarts} in {backoff:g} s")
        self.timers["restart"] = time.monotonic() + backoff

    def _finish(self, phase: str, message: str) -> None:
        self.enter(phase, message)
        for _ in range(10):
            if not self.unsaved:
                break
            time.sleep(UNSAVED_RETRY_S)
            self.save()
        self.ended = True

    # stopping
    def _asked_to_stop(self, *_: object) -> None:
        # Only noted here: a handler may run between any two lines above. The wakeup descriptor turns the loop.
        self.stop_asked = True

    def stop(self) -> None:
        """Begin to stop: the specification's command or signal now, SIGKILL when the time is over."""
        self.stopping = True
        self._cancel_probe()
        self.timers.clear()
        if self.child is None:
            self._finish("stopped", "")
            return
        shutdown = self.job["shutdown"]
        self.timers["kill"] = time.monotonic() + shutdown["timeout_s"]
        self.enter("stopping")
        try:
            if shutdown.get("argv"):
                self.stopper = self._help(shutdown["argv"], seconds=shutdown["timeout_s"])
                return
        except OSError:
            # No room for another process: then the signal must do.
            self.stopper = None
        if shutdown["parent_only"]:
            os.kill(self.child, shutdown["signal"])
        else:
            _signal_group(self.child, shutdown["signal"])

    def _ring_kill(self) -> None:
        self._end_stopper()
        if self.child is not None:
            _signal_group(self.child, signal.SIGKILL)

    def _end_stopper(self) -> None:
        if self.stopper is not None:
            _end_helper(self.stopper)
            self.stopper = None

    # readiness
    def _ring_probe(self) -> None:
        spec = self.probe_spec
        assert spec is not None  # noqa: S101  # the timer is set only where there is a probe
        argv = spec["exec"]["argv"] if "exec" in spec else None
        try:
            self.probe = self._help(argv, seconds=spec["timeout_s"])
        except OSError as wrong:
            self._probed(f"{_probe_name(spec)} cannot be started: {wrong.strerror}")
            return
        self.timers["probe_late"] = time.monotonic() + spec["timeout_s"]

    def _help(self, argv: list[str] | None, *, seconds: float) -> tuple[int, int]:
        """Fork for a command, or for the HTTP request (None); return its pid and what it says."""
        reading, failed = os.pipe()
        try:
            helper = os.fork()
        except OSError:
            os.close(reading)
            os.close(failed)
            raise
        if helper == 0:
            # The alarm survives exec: should this supervisor be killed, its helper does not stay for ever.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds + 5.0)
            if argv is None:
                self._ask(failed)
            else:
                self._become(argv, output=os.open(os.devnull, os.O_WRONLY), held=None, failed=failed)
        os.close(failed)
        os.set_blocking(reading, False)
        return helper, reading

    def _ask(self, failed: int) -> None:
        """Send one HTTP request in a forked copy, as the process's own account; exit 0 if it is answered well."""
        try:
            os.setsid()
            self._step_down()
            spec = self.probe_spec
            assert spec is not None  # noqa: S101  # the timer is set only where there is a probe
            wrong = http_get(spec["http_get"], timeout_s=spec["timeout_s"])
            if wrong:
                os.write(failed, wrong[:400].encode(errors="replace"))
            os._exit(1 if wrong else 0)
        finally:
            os._exit(1)

    def _look_at_probe(self) -> None:
        if self.probe is None:
            return
        code = _reaped(self.probe[0])
        if code is None:
            return
        said = _said(self.probe[1])
        os.close(self.probe[1])
        self.probe = None
        self.timers.pop("probe_late", None)
        self._probed("" if code == 0 else said or f"the probe's command {_ended_how(code)}")

    def _ring_probe_late(self) -> None:
        spec = self.probe_spec
        self._cancel_probe()
        if spec is not None:
            self._probed(f"{_probe_name(spec)}: no answer within {spec['timeout_s']:g} s")

    def _cancel_probe(self) -> None:
        self.timers.pop("probe_late", None)
        if self.probe is not None:
            _end_helper(self.probe)
            self.probe = None

    def _probed(self, wrong: str) -> None:
        spec = self.probe_spec
        if spec is None or self.child is None or self.stopping:
            return
        self.timers["probe"] = time.monotonic() + spec["period_s"]
        if not wrong:
            self.good, self.bad = self.good + 1, 0
            if self.good >= spec["success_threshold"] and self.phase != "ready":
                self._ready()
            return
        self.good, self.bad = 0, self.bad + 1
        if self.bad >= spec["failure_threshold"] and (self.phase, self.message) != ("unready", wrong):
            self.timers.pop("stable", None)
            self.enter("unready", wrong)

    def _ready(self) -> None:
        self.enter("ready")
        if self.failures:
            self.timers["stable"] = time.monotonic() + self.job["stable_s"]

    # output
    def _take_output(self) -> None:
        if self.output is None:
            return
        # Bounded for each turn of the loop, so that a process that only prints cannot keep us from our timers.
        for _ in range(16):
            try:
                text = os.read(self.output, 65536)
            except BlockingIOError:
                return
            if not text:
                self._close_output()
                return
            self._log(text)

    def _close_output(self) -> None:
        if self.output is not None:
            os.close(self.output)
            self.output = None

    def _open_log(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        with contextlib.suppress(OSError):
            self.log = os.open(self.job["log_file"], flags, 0o600)
            self.log_size = os.fstat(self.log).st_size

    def _log(self, text: bytes) -> None:
        # A full disk loses output: the process must never wait for our log.
        if self.log is not None and self.log_size + len(text) > LOG_BYTES:
            with contextlib.suppress(OSError):
                _move(self.job["log_file"], self.job["log_file"] + ".1")
                os.close(self.log)
                self.log = None
        if self.log is None:
            self._open_log()
        if self.log is not None:
            with contextlib.suppress(OSError):
                self.log_size += os.write(self.log, text)


def http_get(spec: dict, *, timeout_s: float) -> str:  # type: ignore[type-arg]  # read from JSON, used as it is
    """Ask once; return "" for the status that is wanted, else what happened. Nothing of the answer is quoted."""
    name = _probe_name({"http_get": spec})
    # As bytes: text would make the interpreter load its IDNA tables, and it may not load anything any more.
    host = spec["host"].encode()
    try:
        with socket.create_connection((host, spec["port"]), timeout=timeout_s) as plain:
            stream = plain
            if spec["scheme"] == "https":
                import ssl  # noqa: PLC0415  # loaded in main()

                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                stream = context.wrap_socket(plain)
            where = b"[" + host + b"]" if b":" in host else host
            stream.sendall(
                b"GET "
                + spec["path"].encode()
                + b" HTTP/1.1\r\nHost: "
                + where
                + b":"
                + str(spec["port"]).encode()
                + b"\r\nUser-Agent: lastgood-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
            )
            answer = b""
            while b"\r\n" not in answer and len(answer) < 4096:  # noqa: PLR2004  # a status line is short
                received = stream.recv(4096)
                if not received:
                    break
                answer += received
    except TimeoutError:
        return f"{name}: no answer within {timeout_s:g} s"
    except OSError as wrong:
        reason = os.strerror(wrong.errno) if wrong.errno and wrong.errno in errno.errorcode else type(wrong).__name__
        return f"{name}: {reason}"
    words = answer.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1][:3].isdigit():  # noqa: PLR2004  # protocol and status
        return f"{name}: the answer is not HTTP"
    status = int(words[1][:3])
    return "" if status == spec["status_code"] else f"{name} answers {status}"


def _probe_name(spec: dict) -> str:  # type: ignore[type-arg]  # read from JSON, used as it is
    if "http_get" not in spec:
        return "the probe's command"
    get = spec["http_get"]
    return f"GET {get['scheme']}://{get['host']}:{get['port']}{get['path'][:100]}"


def start_time(pid: int) -> str | None:
    """Return when a process started, in ticks since the boot: with its pid and the boot id, nobody else's name."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else None  # noqa: PLR2004  # field 22 of the whole line


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:  # noqa: PTH123  # pathlib stays out of here
            return file.read()
    except OSError:
        return ""


def _move(old: str, new: str) -> None:
    os.rename(old, new)  # noqa: PTH104  # pathlib stays out of here


def _ended_how(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by signal {-code}"
    return f"exited with {code}"


def _reaped(helper: int) -> int | None:
    """Return how a helper ended, None if it runs; what it left behind in its group ends with it."""
    if os.waitid(os.P_PID, helper, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return None
    _signal_group(helper, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])


def _said(fd: int) -> str:
    try:
        return os.read(fd, 400).decode(errors="replace")
    except OSError:
        return ""


def _end_helper(helper: tuple[int, int]) -> None:
    _signal_group(helper[0], signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.kill(helper[0], signal.SIGKILL)
    os.waitpid(helper[0], 0)
    os.close(helper[1])


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(group, number)


def _group_lives(group: int) -> bool:
    """Say whether anybody of a group still runs; who is dead and only waits for init to notice does not count."""
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    for name in os.listdir("/proc"):  # noqa: PTH208  # pathlib stays out of here
        fields = _read(f"/proc/{name}/stat").rpartition(")")[2].split() if name.isdigit() else []
        if len(fields) > 2 and fields[2] == str(group) and fields[0] not in "ZX":  # noqa: PLR2004  # state, parent, group
            return True
    return False


def _nothing(*_: object) -> None:
    """Wakes the loop."""


if __name__ == "__main__":
    main()
