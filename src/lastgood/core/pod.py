"""What is asked and told of a single pod: its log and its events, bounded and without secrets. Values only.

A process counts as a pod of its own name.
"""

import datetime as dt

from lastgood.core.value import Value

TAIL_LINES = 200
MOST_TAIL_LINES = 5_000
LIMIT_BYTES = 64 * 1024
MOST_LIMIT_BYTES = 1024 * 1024
MAX_EVENTS = 100


class PodLogRequest(Value, frozen=True, kw_only=True):
    """Which log, and how much of it.

    namespace: needed only where an application has two pods of that name. container: None for the one that the pod
    names as its default, or its first. tail_lines: at most so many lines from the end, 1 to 5000. limit_bytes: at most
    so many bytes from the end, 1 to 1 MiB. previous: of the container's run before this one.
    """

    app: str
    pod: str
    namespace: str | None = None
    container: str | None = None
    tail_lines: int = TAIL_LINES
    limit_bytes: int = LIMIT_BYTES
    previous: bool = False


class PodLog(Value, frozen=True, kw_only=True):
    """The end of a log, secrets hidden.

    container: None for a process. cut: some of the lines that were asked for are left out for their size.
    """

    app: str
    pod: str
    namespace: str | None
    container: str | None
    previous: bool
    text: str
    cut: bool


class PodEvent(Value, frozen=True, kw_only=True):
    """Something that the cluster tells of a pod.

    at: when it happened last; first_at: when first; count: how often. type: Normal or Warning. reason: CamelCase.
    source: who tells.
    """

    at: dt.datetime | None
    first_at: dt.datetime | None
    count: int
    type: str
    reason: str
    message: str
    source: str
