"""Notice a push to a repo on this machine at once: watch its refs. The poll finds whatever this misses."""

from collections.abc import Callable
from pathlib import Path

import structlog
import watchfiles

# Several refs of one push are one change.
DEBOUNCE_MS = 50


def refs_of(url: str) -> Path | None:
    """Return the folder of a local repo's refs, None for a repo elsewhere."""
    path = Path(url.removeprefix("file://"))
    if "://" in url.removeprefix("file://") or not path.is_absolute():
        return None
    return next((refs for refs in (path / "refs", path / ".git" / "refs") if refs.is_dir()), None)


async def watch_refs(refs: Path, changed: Callable[[], None]) -> None:
    """Call `changed` after each change below the folder, until cancelled or the folder is gone."""
    try:
        async for _ in watchfiles.awatch(refs, watch_filter=None, debounce=DEBOUNCE_MS, step=20):
            changed()
    except (OSError, RuntimeError) as wrong:
        structlog.get_logger().warning("local repo cannot be watched; it is polled", reason=str(wrong))
