"""An error that another process told, made again: for whoever asks a server, or an agent that runs apart. Pure."""

from typing import Any

from lastgood.core import errors
from lastgood.core.errors import LastgoodError


def read_error(told: dict[str, Any]) -> LastgoodError:
    """Make the error again that was raised there: its class by code, its words, its facts.

    An unknown code (of a newer server) is a LastgoodError, exit code 1.
    """
    facts = told.get("facts")
    # `message` and `hint` are parameters of the class: facts of these names would take their place.
    facts = {k: v for k, v in facts.items() if k not in {"message", "hint", "app"}} if isinstance(facts, dict) else {}
    made = LastgoodError.__new__(_CLASSES.get(str(told.get("code")), LastgoodError))
    LastgoodError.__init__(
        made,
        str(told.get("message") or "the server could not do that"),
        hint=str(told.get("hint") or ""),
        app=told["app"] if isinstance(told.get("app"), str) else None,
        **facts,
    )
    return made


def _classes() -> dict[str, type[LastgoodError]]:
    found: dict[str, type[LastgoodError]] = {}
    for one in vars(errors).values():
        if isinstance(one, type) and issubclass(one, LastgoodError):
            # The code is the class's name: no fact is needed to know it.
            found[one.__new__(one).code] = one
    return found


_CLASSES = _classes()
