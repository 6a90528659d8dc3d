"""A plan with what a delivery needs beside it. Made by the flows, taken to the branch by `flows/push.py`."""

from dataclasses import dataclass

from lastgood.core.operation import Moved
from lastgood.core.plan import Plan


@dataclass(frozen=True)
class Planned:
    """A plan; moved: from which commit to which, for the record; ends: ids of the holds that its commit ends.

    if_refused: a push that the server refuses becomes a pull request.
    """

    plan: Plan
    moved: tuple[Moved, ...]
    ends: tuple[str, ...]
    if_refused: bool = False

    @property
    def changes_nothing(self) -> bool:
        """Whether the branch has it all already."""
        return self.plan.changes_nothing or self.plan.result.commit == self.plan.head
