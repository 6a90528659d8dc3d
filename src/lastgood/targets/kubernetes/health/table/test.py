"""The small language in which rows of the table ask questions of an object. Knows no kind; never raises on an object.

A test is one of

    Ready=True             a condition by type and status; `!=`: it is there with another status
    Ready=False/Pending    ... and with one of these reasons (`A|B`); `/!Pending`: with none of them
    Ready, !Ready          there is, there is no such condition
    *=False                some condition, whatever its type
    current Ready=True     ... that was written for the object's own generation
    stale Ready            ... that was written for another one
    .status.phase=A|B      a field by its value; `!=`; `^=` begins with
    .status.x, !.status.x  a field is there, is not there (or is empty, or false)
    .status.ready<.spec.n  numbers: `<`, `<=`, `>`, `>=`, `=`, `!=`; what is not there counts 0, with `?1` it counts 1
    some(.status.x; T; T)  for one of the parts (of a list, or values of a mapping) all these tests hold
    every(.status.x; T)    there are parts, and the tests hold for each of them
    current                a condition was written for the object's own generation, or nobody says for which

Fields begin with `.`, in a part with `.` for the part and `$.` for the object; `[name]` is a key with dots or a place
in a list, `[last]` its end. Times are compared as numbers are. `len(.x)`, `sum(.x, .y)`, `add(.x, .y)`,
`count(.x, value)`, `left(.x)` and `right(.x)` (of `2/3`) stand for numbers.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from lastgood.targets.kubernetes.health.live import MAX_CONDITIONS, Condition, read_condition, read_time

MAX_PARTS = 1000

_PARTS = re.compile(r"(some|every)\((\S+?); (.+)\)")
_FIELD = re.compile(
    r"(?P<left>(?:len|sum|add|count|left|right)\([^)]*\)|\$?\.[^=<>!^]+?)(?:(?P<op>!=|\^=|<=|>=|=|<|>)(?P<right>.*))?"
)
_CONDITION = re.compile(
    r"(?:(?P<age>current|stale) )?(?P<type>\*|[A-Za-z][A-Za-z0-9.-]*)(?:(?P<op>!?=)(?P<status>True|False|Unknown))?"
    r"(?:/(?P<reasons>!?[A-Za-z0-9_|]*))?"
)
_STEP = re.compile(r"\.([^.\[\]?]+)|\[([^\]]+)\]")
_CALL = re.compile(r"(len|sum|add|count|left|right)\(([^,)]+)(?:, ([^)]+))?\)")
_FRACTION = re.compile(r"([0-9]{1,18})/([0-9]{1,18})")


class Scope(NamedTuple):
    """What a test is asked of: a part of an object, or the whole. conditions: of that part."""

    root: Any
    here: Any
    conditions: list[Condition]


class Answer(NamedTuple):
    """That a test holds, and by what: the condition, or the field and its value."""

    condition: Condition | None = None
    field: str = ""
    value: Any = None


Test = Callable[[Scope], Answer | None]
Operand = Callable[[Scope], Any]


def scope_of(root: Mapping[str, Any]) -> Scope:
    """Return the scope of a whole object: its conditions are those of its status."""
    status = root.get("status")
    return Scope(root, root, _conditions(status.get("conditions") if isinstance(status, Mapping) else None))


@lru_cache(maxsize=4096)
def parse_test(text: str) -> Test:
    """Read one test. Raises ValueError for what is none: the rows are ours, and a test of them all finds it."""
    if found := _PARTS.fullmatch(text):
        tests = tuple(parse_test(one) for one in found[3].split("; "))
        return _some(found[2], tests) if found[1] == "some" else _every(found[2], tests)
    negative, text = text.startswith("!"), text.removeprefix("!")
    if text == "current":
        test: Test = _current
    elif found := _FIELD.fullmatch(text):
        test = _field(found["left"], found["op"], found["right"])
    elif found := _CONDITION.fullmatch(text):
        test = _condition(found["age"], found["type"], found["op"], found["status"], found["reasons"])
    else:
        raise ValueError(f"{text!r} is no test")
    return _not(test) if negative else test


def _conditions(found: Any) -> list[Condition]:
    if not isinstance(found, list):
        return []
    return [one for one in map(read_condition, found[:MAX_CONDITIONS]) if one is not None]


def _parts(path: str, scope: Scope) -> list[Scope]:
    found = _operand(path)(scope)
    parts: Iterable[Any] = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
    return [
        Scope(scope.root, one, _conditions(one.get("conditions")))
        for one in list(parts)[:MAX_PARTS]
        if isinstance(one, Mapping)
    ]


def _all(tests: Iterable[Test], scope: Scope) -> Answer | None:
    """Return the last answer with a condition, else the last, None where one test does not hold."""
    best: Answer | None = None
    for test in tests:
        answer = test(scope)
        if answer is None:
            return None
        if best is None or answer.condition is not None or best.condition is None:
            best = answer
    return best


def _some(path: str, tests: tuple[Test, ...]) -> Test:
    def test(scope: Scope) -> Answer | None:
        return next((answer for part in _parts(path, scope) if (answer := _all(tests, part)) is not None), None)

    return test


def _every(path: str, tests: tuple[Test, ...]) -> Test:
    def test(scope: Scope) -> Answer | None:
        answers = [_all(tests, part) for part in _parts(path, scope)]
        return answers[0] if answers and all(answer is not None for answer in answers) else None

    return test


def _generation(scope: Scope) -> Any:
    metadata = scope.root.get("metadata")
    return metadata.get("generation") if isinstance(metadata, Mapping) else None


def _current(scope: Scope) -> Answer | None:
    generation = _generation(scope)
    written = [one.generation for one in scope.conditions if one.generation is not None]
    return Answer() if generation is None or not written or generation in written else None


def _not(test: Test) -> Test:
    return lambda scope: Answer() if test(scope) is None else None


def _condition(age: str | None, kind: str, op: str | None, status: str | None, reasons: str | None) -> Test:
    none_of = reasons is not None and reasons.startswith("!")
    names = frozenset(reasons.removeprefix("!").split("|")) if reasons is not None else frozenset()

    def holds(one: Condition) -> bool:
        if kind not in {"*", one.type} or (op == "=" and one.status != status) or (op == "!=" and one.status == status):
            return False
        return reasons is None or (one.reason in names) is not none_of

    def test(scope: Scope) -> Answer | None:
        generation = _generation(scope)
        for one in scope.conditions:
            if not holds(one):
                continue
            # Of what nobody says, neither is true.
            known = one.generation is not None and generation is not None
            if age is None or (known and (one.generation == generation) is (age == "current")):
                return Answer(condition=one)
        return None

    return test


def _field(left: str, op: str | None, right: str | None) -> Test:
    get = _operand(left)
    if op is None or right is None:
        return lambda scope: Answer(field=left, value=value) if _there(value := get(scope)) else None
    if op in {"<", "<=", ">", ">="} or right.startswith(
        (".", "$.", "len(", "sum(", "add(", "count(", "left(", "right(")
    ):
        return _numbers(left, op, right)
    wanted = right.split("|")

    def test(scope: Scope) -> Answer | None:
        text = _text(value := get(scope))
        holds = text is not None and text.startswith(tuple(wanted)) if op == "^=" else (text in wanted) is (op == "=")
        return Answer(field=left, value=value) if holds else None

    return test


def _numbers(left: str, op: str, right: str) -> Test:
    get_left, get_right = _operand(left), _operand(right)

    def test(scope: Scope) -> Answer | None:
        value, against = get_left(scope), get_right(scope)
        one, other = _number(value), _number(against)
        texts = isinstance(value, str) and isinstance(against, str)
        if op in {"=", "!="} and (texts or one is None or other is None):
            # Hashes may look like numbers: of two texts only the same is the same.
            holds = (_text(value) == _text(against)) is (op == "=")
        elif one is None or other is None:
            holds = False
        else:
            holds = {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other, "=": one == other}.get(
                op, one != other
            )
        return Answer(field=left, value=value) if holds else None

    return test


def _operand(text: str) -> Operand:
    text, _, default = text.partition("?")
    if default:
        plain = _operand(text)
        return lambda scope: int(default) if (value := plain(scope)) is None else value
    if found := _CALL.fullmatch(text):
        return _call(found[1], found[2], found[3])
    if not text.startswith((".", "$.")):
        return lambda _: text
    steps = tuple(one or other for one, other in _STEP.findall(text.removeprefix("$")))
    from_root = text.startswith("$")
    return lambda scope: _walk(scope.root if from_root else scope.here, steps)


def _walk(here: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        if isinstance(here, Mapping):
            here = here.get(step)
        elif isinstance(here, list) and step.isdigit():
            here = here[int(step)] if int(step) < len(here) else None
        elif isinstance(here, list) and step == "last":
            here = here[-1] if here else None
        else:
            return None
    return here


def _call(name: str, path: str, argument: str | None) -> Operand:
    get = _operand(path)

    def values(scope: Scope) -> list[Any]:
        found = get(scope)
        some: Iterable[Any] = found.values() if isinstance(found, Mapping) else found if isinstance(found, list) else ()
        return list(some)[:MAX_PARTS]

    if name == "len":
        return lambda scope: len(values(scope))
    if name == "count":
        return lambda scope: sum(_text(one) == argument for one in values(scope))
    if name == "add":
        other = _operand(argument or "")
        return lambda scope: (_number(get(scope)) or 0) + (_number(other(scope)) or 0)
    if name == "sum":
        inner = _operand(argument or "")
        return lambda scope: sum(_number(inner(Scope(scope.root, one, []))) or 0 for one in values(scope))
    side = 1 if name == "left" else 2
    return lambda scope: int(found[side]) if (found := _FRACTION.fullmatch(_text(get(scope)) or "")) else "unreadable"


def _there(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def _text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return f"{value:.0f}" if isinstance(value, float) and value.is_integer() else str(value)[:100]
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        time = read_time(value)
        return None if time is None else time.timestamp()
    return number if abs(number) < float("inf") else None
