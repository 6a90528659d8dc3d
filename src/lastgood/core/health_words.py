"""How somebody is told that something is unwell: reason and message together, the worst first. Pure."""

from lastgood.core.words import Health

_WORST_FIRST: tuple[Health, ...] = ("Missing", "Degraded", "Unknown", "Progressing", "Suspended", "Healthy")


def in_words(health: Health, reason: str, message: str) -> str:
    """Return reason and message; the reason only of what is not Healthy, and where it says more than the rest does."""
    said = message or reason
    if not reason or health in {"Healthy", reason} or reason.casefold() in said.casefold():
        return said
    return f"{reason}: {said}"


def badness(health: Health) -> int:
    """Return a number that sorts what needs a person most to the front."""
    return _WORST_FIRST.index(health)
