"""Which process is which: a pid alone is a number that Linux gives away again.

With its start time and the boot id it names one process for ever. Reads /proc, sends signals; knows no state file.
"""

import contextlib
import os
import select
import signal
from pathlib import Path

from lastgood.core.value import Value

PROC = Path("/proc")


class ProcessId(Value, frozen=True, kw_only=True):
    """A process of one boot. start: ticks since the boot, as /proc/<pid>/stat has them."""

    pid: int
    start: str


def boot_id() -> str | None:
    """Return the id of this boot; None where the kernel gives none (then nothing here can work)."""
    try:
        return (PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def process_state(process: ProcessId) -> str | None:
    """Return the state letter of a process (`R`, `S`, `T`, ...); None if it is gone, is a zombie, or is another."""
    fields = _stat(process.pid)
    if fields is None or fields[19] != process.start or fields[0] in ("Z", "X"):
        return None
    return fields[0]


def is_alive(process: ProcessId | None) -> bool:
    """Say whether that very process still runs."""
    return process is not None and process_state(process) is not None


def send_signal(process: ProcessId, number: int) -> bool:
    """Send a signal to that very process and never to a successor in its number; say whether it was there."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        # Asked after the descriptor holds the process: from here on the number cannot change its owner for us.
        if not is_alive(process):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def wait_end(process: ProcessId, *, timeout_s: float) -> bool:
    """Wait until a process has ended, blocking; say whether it did in time."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(process):
            return True
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        return bool(waiting.poll(max(0.0, timeout_s) * 1000))
    finally:
        os.close(descriptor)


def session_members(leader: ProcessId, *, marker: bytes) -> list[ProcessId]:
    """Return who is left of a session: its leader, and those who carry the marker in their environment.

    The leader is known by its start time; the others may outlive it, and then only the marker tells them from a
    stranger's session that was given the same number later.
    """
    found: list[ProcessId] = []
    for name in os.listdir(PROC):  # noqa: PTH208  # hundreds of names, most of no interest
        if not name.isdigit():
            continue
        fields = _stat(int(name))
        if fields is None or fields[0] in ("Z", "X") or int(fields[3]) != leader.pid:
            continue
        member = ProcessId(pid=int(name), start=fields[19])
        if member == leader or (int(fields[19]) >= int(leader.start) and _carries(member.pid, marker)):
            found.append(member)
    return found


def end_session(leader: ProcessId, *, marker: bytes, grace_s: float) -> bool:
    """End what is left of a session: SIGTERM, a grace, SIGKILL. Blocking. Say whether all of it is gone."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        members = session_members(leader, marker=marker)
        for member in members:
            with contextlib.suppress(PermissionError):
                send_signal(member, number)
        for member in members:
            wait_end(member, timeout_s=patience_s)
    return not session_members(leader, marker=marker)


def _carries(pid: int, marker: bytes) -> bool:
    try:
        return marker in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/<pid>/stat after the program's name: state, parent, group, session, ..."""
    try:
        # Asked of every process of the machine: a Path for each would be most of the work.
        with open(f"{PROC}/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123
            fields = file.read(4096).decode("ascii", "replace").rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return fields if len(fields) > 19 else None  # noqa: PLR2004  # field 22 of the whole line is the start time
