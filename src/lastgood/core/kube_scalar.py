"""What a plain YAML scalar means to `kubectl`, whose reader is an old dialect of YAML 1.1 with exceptions.

Pure. Source: the rules of go-yaml v2, which sigs.k8s.io/yaml uses, found by comparing with the real reader.
"""

import re
import struct
from decimal import Decimal

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
UINT64_MAX = 2**64 - 1
_JSON_EXPONENT_FROM = 1e21
_FLOAT32_DIGITS = 9
_FLOAT32_SHORT_EXPONENTS = range(-4, 6)

_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_NUMBER_BEGINS = frozenset("0123456789+-.")
# A leading zero alone means octal, as in C; `0o` does too.
_INT = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[oO]?(?P<o>[0-7]+)|0[bB](?P<b>[01]+)|(?P<d>0|[1-9][0-9]*))"
)
_BASES = {"x": 16, "o": 8, "b": 2, "d": 10}
_SIGNED_BINARY = re.compile(r"(?P<minus>-?)0b(?P<sign>[-+]?)(?P<digits>[01]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# A number that begins with a dot keeps its `_`; one between digits is read over.
_DOT_FLOAT = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9](?:_?[0-9])*)?")
_LONGEST_INT = 400


def plain_scalar(text: str) -> str | int | float | bool | None:
    """Return what an unquoted scalar stands for.

    `yes`, `on` and `y` are true; `0777` and `0o777` are octal; `1_000`, `1e3` and `08` are numbers; `1:30`, dates and
    times are text. A number too large for a float is text; an infinity or not-a-number comes back as such.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_BEGINS:
        return text
    if text[0] == ".":
        return _float(text.replace("_", "")) if _DOT_FLOAT.fullmatch(text) else text
    return _number(text)


def _number(text: str) -> str | int | float:
    digits = text.replace("_", "")
    number = _int(digits)
    if number is not None:
        return number
    if _FLOAT.fullmatch(digits):
        value = _float(digits)
        return text if isinstance(value, str) else value
    # A sign after `0b` is an accident of that reader; what it reads is what runs.
    if binary := _SIGNED_BINARY.fullmatch(digits):
        if binary["minus"] and binary["sign"]:
            return text
        number = int(f"{binary['minus']}{binary['sign']}{binary['digits']}", 2)
        return number if INT64_MIN <= number <= INT64_MAX else text
    return text


def _int(digits: str) -> int | None:
    found = _INT.fullmatch(digits)
    if found is None or len(digits) > _LONGEST_INT:
        return None
    base = next(name for name in _BASES if found[name] is not None)
    number = int(found[base], _BASES[base])
    if found["sign"] == "-":
        number = -number
    top = INT64_MAX if found["sign"] else UINT64_MAX
    return number if INT64_MIN <= number <= top else None


def _float(digits: str) -> str | float:
    number = float(digits)
    return digits if number in (float("inf"), float("-inf")) else number


def json_number(number: float) -> int | float | None:
    """Return the number that JSON carries to a cluster; None for what JSON cannot say (an infinity, not a number).

    A float without a fraction is an integer there; an integer over 64 bits loses its last digits.
    """
    if isinstance(number, int):
        if INT64_MIN <= number <= INT64_MAX:
            return number
        number = float(number)
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - that is what a NaN is
        return None
    if number.is_integer() and abs(number) < _JSON_EXPONENT_FROM:
        return int(Decimal(repr(number)))
    return number


def float_key(number: float) -> str:
    """Write a float that is a mapping's key, as that reader does: rounded to 32 bits, in the fewest digits."""
    if number != number:  # noqa: PLR0124 - that is what a NaN is
        return ".nan"
    try:
        rounded = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        rounded = float("inf") if number > 0 else float("-inf")
    if rounded in (float("inf"), float("-inf")):
        return ".inf" if rounded > 0 else "-.inf"
    for precision in range(_FLOAT32_DIGITS):
        text = f"{rounded:.{precision}e}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == rounded:
            break
    mantissa, _, exponent = text.partition("e")
    if int(exponent) not in _FLOAT32_SHORT_EXPONENTS:
        return f"{mantissa}e{exponent}"
    return f"{Decimal(text):f}"
