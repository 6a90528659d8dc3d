"""What a supervisor says of its process, and what was asked for last; trusted no further than it can be checked.

Values and their reading. Starts nothing and judges nothing.
"""

from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from lastgood.core.value import Value
from lastgood.targets.process.identity import ProcessId, is_alive, process_state

ProcessPhase = Literal["starting", "ready", "unready", "backoff", "completed", "failed", "stopping", "stopped"]
FINAL: frozenset[str] = frozenset(("completed", "failed", "stopped"))
MAX_STATE_BYTES = 1_000_000

_Kind = TypeVar("_Kind", bound=Value)


class ProcessState(Value, frozen=True, kw_only=True):
    """A state file as `supervisor.py` writes it. Times: seconds since 1970. child: None between two runs.

    parts: digests of what it was started as, see `differs.py`.
    """

    format: int
    app: str
    process: str
    digest: str
    release: str | None
    depends_on: dict[str, str]
    probed: bool
    stop_timeout_s: float
    boot_id: str
    supervisor: ProcessId
    child: ProcessId | None
    phase: ProcessPhase
    since: float
    ready_since: float | None
    restarts: int
    failures: int
    exit_code: int | None
    message: str
    parts: dict[str, str] = {}

    def is_supervised(self, boot: str | None) -> bool:
        """Say whether the very supervisor that wrote this still runs."""
        return self.boot_id == boot and is_alive(self.supervisor)

    def is_stalled(self, boot: str | None) -> bool:
        """Say whether the supervisor is there but was stopped by somebody (SIGSTOP, a debugger)."""
        return self.boot_id == boot and process_state(self.supervisor) in ("T", "t")

    def left_behind(self, boot: str | None) -> ProcessId | None:
        """Return the process if its supervisor died without it, whatever is left of it."""
        if self.boot_id != boot or self.child is None or is_alive(self.supervisor):
            return None
        return self.child


class AppliedProcess(Value, frozen=True, kw_only=True):
    """A process as it was asked for. release: the source commit that it runs from. parts: see `differs.py`."""

    digest: str
    disabled: bool
    release: str | None = None
    parts: dict[str, str] = {}


class Applied(Value, frozen=True, kw_only=True):
    """What was asked for last. installed: the rendered digest of the last apply that was done completely."""

    format: int = 1
    app: str
    digest: str
    installed: str | None
    processes: dict[str, AppliedProcess]
    left_running: tuple[str, ...] = ()


def read_state(file: Path) -> ProcessState | None:
    """Read a state file; None where it is not there or says nothing that can be understood."""
    return _read(file, ProcessState)


def read_applied(file: Path) -> Applied | None:
    """Read what was asked for last; None for never."""
    return _read(file, Applied)


def _read(file: Path, kind: type[_Kind]) -> _Kind | None:
    try:
        with file.open("rb") as opened:
            return msgspec.json.decode(opened.read(MAX_STATE_BYTES), type=kind)
    except (FileNotFoundError, msgspec.DecodeError):
        # Empty after a power cut, or written by another program: as good as not there. What runs is found again
        # by its lock: no second supervisor can start beside a first.
        return None
