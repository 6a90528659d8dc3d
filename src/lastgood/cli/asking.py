"""Ask before something is changed; refuse where there is nobody to ask."""

import sys

from lastgood.cli.call import Call
from lastgood.core.errors import NeedsConfirmation


def confirm(call: Call, question: str, *, yes: bool) -> bool:
    """Return whether to go ahead. yes: it was said on the command line.

    Raises NeedsConfirmation (exit 3) where neither a terminal nor `--yes` answers: waiting would be for ever.
    """
    if yes:
        return True
    if not call.terminal:
        raise NeedsConfirmation
    sys.stderr.write(f"{call.error_style.paint(question, 'bold')} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    return answer.strip().casefold() in {"y", "yes"}
