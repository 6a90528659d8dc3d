"""Ask before something is changed; refuse where there is nobody to ask."""

import sys

from lastgood.cli.call import Call
from lastgood.core.errors import NeedsConfirmation


def confirm(call: Call, question: str, *, yes: bool) -> None:
    """Ask whether to go ahead. yes: it was said on the command line.

    Raises NeedsConfirmation (exit 3) for a no, and where neither a terminal nor `--yes` answers: waiting would be for
    ever.
    """
    if yes:
        return
    if not call.terminal:
        raise NeedsConfirmation
    sys.stderr.write(f"{call.error_style.paint(question, 'bold')} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    if answer.strip().casefold() not in {"y", "yes"}:
        raise NeedsConfirmation("it was not confirmed", hint="nothing was changed")
