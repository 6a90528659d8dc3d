"""Rules for operators' kinds, as data."""

from typing import Protocol

from lastgood.targets.kubernetes.health.live import Live
from lastgood.targets.kubernetes.health.verdict import HealthVerdict


class Row(Protocol):
    """A rule for a kind."""

    def judge(self, live: Live) -> HealthVerdict:
        """Return the verdict."""


def row_of(group: str, kind: str) -> Row | None:
    """Return the rule for a kind, None where there is none."""
    _ = group, kind
    return None
