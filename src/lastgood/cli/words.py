"""Read the words of a command line as text, numbers, paths and flags.

Typer would do it with pydantic, whose import alone takes longer than all else of a short command. Only the simple
kinds are read here; whatever else a command asks for stays Typer's.
"""

from pathlib import Path
from typing import Any, NamedTuple

from lastgood.core.errors import CommandLineWrong

SIMPLE = (str, int, bool, Path)


class Words(NamedTuple):
    """Reads one parameter's value. kind: one of SIMPLE; several: the parameter may be given more than once."""

    kind: type
    several: bool

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002 - Typer calls it so
        """Return the value as its kind; None stays None. Raises CommandLineWrong."""
        if self.several:
            return [self._one(one, param) for one in value or ()]
        return None if value is None else self._one(value, param)

    def _one(self, value: Any, param: Any) -> Any:
        if self.kind is not int:
            return value if isinstance(value, self.kind) else self.kind(value)
        name = "/".join(param.opts)
        try:
            number = int(value)
        except ValueError as wrong:
            raise CommandLineWrong(f"{name} {value} is not a whole number") from wrong
        if (param.min is not None and number < param.min) or (param.max is not None and number > param.max):
            most = f" and at most {param.max}" if param.max is not None else ""
            raise CommandLineWrong(f"{name} {value} is out of range", hint=f"it is at least {param.min}{most}")
        return number


def read_simply(parameters: list[Any]) -> list[Any]:
    """Let the parameters of simple kinds be read here; return all of them."""
    for parameter in parameters:
        kind = parameter.type_descriptor.annotation if hasattr(parameter, "type_descriptor") else None
        several = getattr(kind, "__origin__", None) is list
        one = kind.__args__[0] if several and kind is not None else kind
        if isinstance(one, type) and one in SIMPLE:
            reader = Words(one, several)
            parameter.get_runtime_param = lambda reader=reader: reader
    return parameters
