"""What goes wrong between us and a cluster: exceptions of this package, which the target turns into lastgood's.

ClusterTrouble
    Unreachable    no answer: the cluster, the way to it, or our credentials; never the application's fault
    Answered       the API server said no; status and reason as it gave them
    InTheWay       something else has to go first, or to come
    Impossible     no cluster would take what was asked for
"""

from typing import Any

from lastgood.core.observation import Fault
from lastgood.core.redact import redact

MAX_WORDS = 1_000
MAX_CAUSES = 20
# What was refused may be dumped before the words that say why: the whole template of a Job, with all that is in it.
_DUMP, _DUMP_ENDS, MAX_DUMP = "Invalid value: {", "}: ", 200
# What an object holds that its kind does not allow, server-side apply tells with 500.
_NOT_OF_ITS_KIND = "failed to create typed patch object"


class ClusterTrouble(Exception):
    """Something that a cluster would not or could not do; `str` is a sentence for people, redacted and bounded.

    owner: who has what was asked for, "" where nobody has it.
    """

    owner: str = ""

    def __init__(self, words: str) -> None:
        super().__init__(said(words))

    @property
    def fault(self) -> Fault:
        """Say whose fault it is that something was not done."""
        return "target"


class InTheWay(ClusterTrouble):
    """What was asked for has to wait for something else. owner: whose it is, in words."""

    def __init__(self, words: str, *, owner: str = "") -> None:
        super().__init__(words)
        self.owner = owner

    @property
    def fault(self) -> Fault:
        """See ClusterTrouble.fault."""
        return "way"


class Impossible(ClusterTrouble):
    """No cluster would take it."""

    @property
    def fault(self) -> Fault:
        """See ClusterTrouble.fault."""
        return "version"


class Unreachable(ClusterTrouble):
    """The cluster did not answer."""


class Answered(ClusterTrouble):
    """The API server refused a request.

    status: the HTTP status; reason: CamelCase as Kubernetes has it (`Conflict`, `Invalid`), "" where it gave none;
    causes: (field, message, reason) of each thing that it found wrong. retry_after_s: as the server asked, or None.
    """

    retry_after_s: float | None = None

    def __init__(self, status: int, reason: str, words: str, causes: tuple[tuple[str, str, str], ...] = ()) -> None:
        super().__init__(words or f"the API server answered {status}")
        self.status = status
        self.reason = reason
        self.causes = causes

    @property
    def is_passing(self) -> bool:
        """Say whether the same request may succeed later: the server is busy, starting or broken.

        A 404 without a reason is about the address, not about an object: a kind just defined is not served yet.
        """
        not_served = self.status == 404 and not self.reason  # noqa: PLR2004 - HTTP's own numbers
        return not_served or self.is_of_the_server

    @property
    def fault(self) -> Fault:
        """Say whose fault the refusal is, by HTTP's own numbers.

        Forbidden (by a role, a quota, a namespace that is going), not found (the namespace, the kind) and fields of
        others are in the way and may go; what else is wrong with a request is wrong with what was asked for.
        """
        if self.owner or self.status in (403, 404):
            return "way"
        passing = self.status in (401, 408, 409) or self.is_of_the_server
        return "target" if passing else "version"

    @property
    def is_of_the_server(self) -> bool:
        """Say whether the refusal says nothing about what was sent: the server is busy or broken."""
        of_the_server = self.status == 429 or self.status >= 500  # noqa: PLR2004 - HTTP's own numbers
        return of_the_server and not str(self).startswith(_NOT_OF_ITS_KIND)


def said(words: str) -> str:
    """Return a cluster's words fit to show: one line, printable, bounded, without secrets."""
    line = " ".join(redact(_without_dumps(words)[: 4 * MAX_WORDS]).split())
    return "".join(c if c.isprintable() else " " for c in line)[:MAX_WORDS]


def _without_dumps(words: str) -> str:
    kept, at = [], 0
    while (begin := words.find(_DUMP, at)) >= 0 and (end := words.find(_DUMP_ENDS, begin)) >= 0:
        is_long = end - begin > MAX_DUMP
        kept.append(f"{words[at:begin]}{_DUMP}...{_DUMP_ENDS}" if is_long else words[at : end + len(_DUMP_ENDS)])
        at = end + len(_DUMP_ENDS)
    return "".join([*kept, words[at:]])


def answered(status: int, body: Any) -> Answered:
    """Read the Status object of a refusal; anything else becomes a plain refusal with its number."""
    if not isinstance(body, dict):
        return Answered(status, "", f"the API server answered {status}")
    details = body.get("details")
    listed = details.get("causes") if isinstance(details, dict) else None
    causes = tuple(
        (said(str(one.get("field", ""))), said(str(one.get("message", ""))), said(str(one.get("reason", ""))))
        for one in (listed if isinstance(listed, list) else [])[:MAX_CAUSES]
        if isinstance(one, dict)
    )
    return Answered(status, said(str(body.get("reason") or "")), str(body.get("message") or ""), causes)
