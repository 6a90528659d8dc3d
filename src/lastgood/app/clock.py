"""The port Clock as this machine has it."""

import datetime as dt


class SystemClock:
    """Wall-clock time in UTC, and real waiting."""

    def now(self) -> dt.datetime:
        """Return the time, aware, UTC."""
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        import asyncio  # noqa: PLC0415 - the time alone is asked for without a loop

        await asyncio.sleep(seconds)
