"""Read what a cluster sent and what may hold anything anywhere: what is not as it should be is as good as not there."""

from typing import Any

MAX_ITEMS = 1_000


def at(value: Any, *path: str) -> Any:
    """Return what is at a path of keys, None where nothing is."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """Return a text, "" where there is none."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def whole(value: Any, *path: str) -> int | None:
    """Return a whole number from 0 on, None where there is none."""
    found = at(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def mappings(value: Any, *path: str) -> list[dict[str, Any]]:
    """Return the mappings in a list, the first of very many."""
    found = at(value, *path)
    return [one for one in found[:MAX_ITEMS] if isinstance(one, dict)] if isinstance(found, list) else []


def texts(value: Any, *path: str) -> dict[str, str]:
    """Return the entries of a mapping that are text."""
    found = at(value, *path)
    if not isinstance(found, dict):
        return {}
    return {key: one for key, one in found.items() if isinstance(key, str) and isinstance(one, str)}
