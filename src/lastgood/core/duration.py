"""Durations as people write them: `90s`, `10m`, `1h30m`, `2d`. Knows no clock."""

import re

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")


def parse_duration(text: str) -> int | None:
    """Return whole seconds, or None if the text is no duration. Units from large to small: d, h, m, s; `0` is zero."""
    text = text.strip()
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        return None
    return sum(int(count) * seconds for count, seconds in zip(found.groups(), _SECONDS.values(), strict=True) if count)


def format_duration(seconds: int) -> str:
    """Write seconds (>= 0) in the form that `parse_duration` reads: 5400 is `1h30m`, 0 is `0s`."""
    parts = []
    for unit, size in _SECONDS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
