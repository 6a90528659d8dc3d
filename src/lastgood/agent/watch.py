"""Notice a push to a repo on this machine at once: watch its refs. The poll finds whatever this misses."""

from collections.abc import Callable
from pathlib import Path

import structlog
import watchfiles

from lastgood.core.ports import Clock

# Several refs of one push are one change.
DEBOUNCE_MS = 50
# A repo that is not there yet, or was replaced by another folder of its name, is watched again within this time.
AGAIN_S = 1.0


def local_repo(url: str) -> Path | None:
    """Return the folder of a repo on this machine, None for a repo elsewhere."""
    path = Path(url.removeprefix("file://"))
    return None if "://" in url.removeprefix("file://") or not path.is_absolute() else path


async def watch_repo(repo: Path, changed: Callable[[], None], *, clock: Clock) -> None:
    """Call `changed` after each change of a repo's refs, until cancelled; the folder may come and go."""
    missed = False
    while True:
        refs = _refs_of(repo)
        if refs is not None:
            if missed:
                changed()
            await _watch(refs, changed)
        missed = True
        await clock.sleep(AGAIN_S)


def _refs_of(repo: Path) -> Path | None:
    return next((refs for refs in (repo / "refs", repo / ".git" / "refs") if refs.is_dir()), None)


async def _watch(refs: Path, changed: Callable[[], None]) -> None:
    """Watch until the folder is gone, or is another one."""
    try:
        watched = _identity(refs)
        async for changes in watchfiles.awatch(
            refs,
            watch_filter=None,
            debounce=DEBOUNCE_MS,
            step=20,
            rust_timeout=int(AGAIN_S * 1000),
            yield_on_timeout=True,
        ):
            if changes:
                changed()
            if _identity(refs) != watched:
                return
    except FileNotFoundError:
        return
    except (OSError, RuntimeError) as wrong:
        structlog.get_logger().warning("local repo cannot be watched; it is polled", reason=str(wrong))


def _identity(folder: Path) -> tuple[int, int, int]:
    # A number of a folder that is gone may be given to the next one: the time of its own change tells them apart.
    found = folder.stat()
    return found.st_dev, found.st_ino, found.st_ctime_ns
