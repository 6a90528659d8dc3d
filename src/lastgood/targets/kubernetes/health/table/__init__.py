"""Rules for operators' kinds, as data: a file for each field of work, a row for each kind or family of kinds."""

from lastgood.targets.kubernetes.health.table import clouds, databases, delivery, networks, platforms, workloads
from lastgood.targets.kubernetes.health.table.row import Row

ROWS: tuple[Row, ...] = (
    *delivery.ROWS,
    *workloads.ROWS,
    *networks.ROWS,
    *databases.ROWS,
    *platforms.ROWS,
    *clouds.ROWS,
)

_BY_KIND: dict[tuple[str, str], Row] = {(row.group, kind): row for row in ROWS for kind in row.kinds.split()}


def row_of(group: str, kind: str) -> Row | None:
    """Return the row for a kind: its own, its group's, then that of the end of its group; None where there is none."""
    while True:
        for name in (kind, "*"):
            if row := _BY_KIND.get((group, name)):
                return row
        _, dot, rest = group.removeprefix("*.").partition(".")
        if not dot:
            return None
        group = f"*.{rest}"
