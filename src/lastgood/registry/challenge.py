"""What a registry demands when it answers 401: its WWW-Authenticate headers. Pure; the text is hostile.

Source: RFC 9110, 11.6.1 for the form; the distribution project's token specification for realm and service.
"""

import re
from collections.abc import Iterable

from lastgood.core.value import Value

_LONGEST = 8_192
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}"
# A parameter has its sign and value at once; a scheme has a blank or nothing behind it.
_PARAMETER = re.compile(rf'({_WORD})[ \t]{{0,8}}=[ \t]{{0,8}}(?:"((?:[^"\\]|\\.)*+)"|({_WORD}))')
_SCHEME = re.compile(rf"({_WORD})(?=[ \t,]|\Z)")
_OPAQUE = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|\Z))")
_BETWEEN = re.compile(r"[ \t,]*")


class Challenge(Value, frozen=True, kw_only=True):
    """One way to be let in. scheme: in small letters (`bearer`, `basic`). parameters: names in small letters."""

    scheme: str
    parameters: dict[str, str]


def read_challenges(headers: Iterable[str]) -> tuple[Challenge, ...]:
    """Read the challenges in their order. What follows something unreadable in a header is left out."""
    return tuple(challenge for header in headers for challenge in _read(header[:_LONGEST]))


def _read(header: str) -> list[Challenge]:
    found: list[Challenge] = []
    at = _skip(header, 0)
    while at < len(header):
        parameter = _PARAMETER.match(header, at)
        if parameter is not None and found:
            quoted, bare = parameter[2], parameter[3]
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
            # The first of two wins: nothing that comes later changes what was asked for.
            found[-1].parameters.setdefault(parameter[1].lower(), value)
            at = _skip(header, parameter.end())
            continue
        scheme = _SCHEME.match(header, at)
        if scheme is None:
            break
        found.append(Challenge(scheme=scheme[1].lower(), parameters={}))
        at = _skip(header, scheme.end())
        if _PARAMETER.match(header, at) is None and _SCHEME.match(header, at) is None:
            opaque = _OPAQUE.match(header, at)
            at = _skip(header, opaque.end()) if opaque is not None else at
    return found


def _skip(header: str, at: int) -> int:
    blank = _BETWEEN.match(header, at)
    return blank.end() if blank is not None else at
