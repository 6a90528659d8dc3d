"""Say which application changed, as its supervisors say so: the kernel's notice of a changed state file.

What writes no file (a supervisor that was killed) is found by asking once a second which of them still live.
Knows no health.
"""

from collections.abc import AsyncIterator

from watchfiles import awatch

from lastgood.targets.process.folder import SEPARATOR, Folder
from lastgood.targets.process.identity import boot_id, process_state
from lastgood.targets.process.state import FINAL, read_state

QUIET_MS = 1000
STEP_MS = 20
GROUP_MS = 200


async def watch(folder: Folder) -> AsyncIterator[str]:
    """Yield the name of an application each time something about its processes changed, without end."""
    living: dict[str, str | None] = _living(folder)
    async for changes in awatch(
        folder.states,
        recursive=False,
        watch_filter=None,
        step=STEP_MS,
        debounce=GROUP_MS,
        rust_timeout=QUIET_MS,
        yield_on_timeout=True,
    ):
        names = {_app(file.rpartition("/")[2]) for _, file in changes}
        now = _living(folder)
        names |= {_app(file) for file in now.keys() & living.keys() if now[file] != living[file]}
        living = now
        for name in sorted(names - {""}):
            yield name


def _living(folder: Folder) -> dict[str, str | None]:
    """Return, for each state file that speaks of a running supervisor, how that one is: None is gone."""
    boot = boot_id()
    found: dict[str, str | None] = {}
    for file in folder.states.glob("*.json"):
        state = read_state(file)
        if state is not None and state.phase not in FINAL:
            letter = process_state(state.supervisor) if state.boot_id == boot else None
            # Running or asleep is the same to us; stopped by a signal is not.
            found[file.name] = letter if letter in (None, "T", "t") else "alive"
    return found


def _app(file: str) -> str:
    return file.partition(SEPARATOR)[0] if file.endswith(".json") else ""
