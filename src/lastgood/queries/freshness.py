"""How old health may be before it is Unknown. Pure."""

import datetime as dt

from lastgood.core.record import ApplicationRecord
from lastgood.core.words import Health, Sync

# The agent writes an unchanged observation every 20 s at the latest: three of them may be missing.
STALE_AFTER_S = 90


def is_stale(observed_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Say whether what was observed then says nothing any more."""
    return observed_at is None or (now - observed_at).total_seconds() > STALE_AFTER_S


def fresh(record: ApplicationRecord, now: dt.datetime) -> tuple[Health, Sync]:
    """Return health and sync of an application, Unknown where nobody looked lately."""
    return ("Unknown", "Unknown") if is_stale(record.observed_at, now) else (record.health, record.sync)
