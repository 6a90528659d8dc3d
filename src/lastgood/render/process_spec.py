"""Read one process of a `process-compose.yaml` into the plain specification that the process target runs.

Every key that is read stands in a table here, from which the reference page is checked. Knows no repository, and
nothing of the other processes.
"""

import json
import math
import posixpath
import re
import signal
from collections.abc import Mapping
from typing import Any, NoReturn

from lastgood.core.yaml import Document, Path

PROCESS_KEYS = {
    "command": "text, run by `/bin/sh -c` of the account that runs the processes",
    "entrypoint": "a list, run as it is, without a shell; where both are given, `command` wins",
    "working_dir": "a folder inside the release; default: its root",
    "environment": 'a mapping, or a list of `"NAME=value"`',
    "depends_on": "process: `condition`; default `process_started`",
    "readiness_probe": "`http_get` or `exec`",
    "availability": "what happens after an exit",
    "shutdown": "how it is stopped",
    "disabled": "`true`: it is not started, and shown as Suspended; in the health of its application it does not count",
    "description": "shown with the process; a new one restarts nothing",
    "x-lastgood": "`artifact`: which artifact this process runs",
}
ARTIFACT_KEYS = {"artifact": "name of an artifact; default: the only one, else the one that is named like the process"}
DEPENDENCY_KEYS = {
    "condition": "`process_started`, `process_healthy`, `process_completed`, `process_completed_successfully`"
}
PROBE_KEYS = {
    "http_get": "a request that must be answered",
    "exec": "a command that must end with 0",
    "initial_delay_seconds": "before the first look; default 0",
    "period_seconds": "between two looks; default 10",
    "timeout_seconds": "for one look; default 1",
    "success_threshold": "so many good answers in a row make it ready; default 1",
    "failure_threshold": "so many bad answers in a row make it Degraded; default 3",
}
HTTP_KEYS = {
    "host": "default `127.0.0.1`",
    "scheme": "`http` or `https` (the certificate is not checked); default `http`",
    "path": "default `/`",
    "port": "1 to 65535; needed",
    "status_code": "the answer that counts as good; default 200",
}
EXEC_KEYS = {"command": "text, run by `/bin/sh -c` with the process's account, environment and folder"}
AVAILABILITY_KEYS = {
    "restart": "`no`, `on_failure`, `always`; default `no`",
    "backoff_seconds": "before the first restart; doubles to at most 60 with each exit in a row; default 1",
    "max_restarts": "exits in a row after which it is left alone; 0, the default: never",
}
SHUTDOWN_KEYS = {
    "signal": "number 1 to 31, or a name; default 15",
    "timeout_seconds": "before SIGKILL goes to the whole process group; default 10",
    "command": "text, run by `/bin/sh -c` instead of sending the signal",
    "parent_only": "`true`: the signal goes to the process alone, not to its group",
}

CONDITIONS = ("process_started", "process_healthy", "process_completed", "process_completed_successfully")
RESTARTS = ("no", "on_failure", "always")
MAX_SECONDS = 3600.0
MAX_TEXT = 65_536
MAX_ENTRIES = 500
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,98}[A-Za-z0-9_])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_SIGNALS = range(1, 32)


class Reading:
    """A document being read: typed access whose errors name the line, and the warnings that came up."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.warnings: list[str] = []
        self.strict = False
        self.dollars_expanded = True

    def wrong(self, path: Path, reason: str) -> NoReturn:
        """Raise ConfigWrong for the value at a path."""
        self.document.wrong(path, reason)

    def warn(self, path: Path, sentence: str) -> None:
        """Say something about a place that is no error."""
        self.warnings.append(f"{self.document.file}:{self.document.line(path)}: {sentence}")

    def known(self, mapping: dict[str, Any], path: Path, keys: Mapping[str, str]) -> None:
        """Warn of each key that is not in the table; fail instead if the file asked to be strict."""
        for key in mapping:
            if key in keys:
                continue
            sentence = f"{_dotted((*path, key))} is not supported and has no effect"
            if self.strict:
                self.wrong((*path, key), sentence.replace(" and has no effect", ", and the file says is_strict"))
            self.warn((*path, key), sentence)

    def mapping(self, value: Any, path: Path, name: str) -> dict[str, Any]:
        """Return a mapping; nothing (null) is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, f"{name} must be a mapping")
        if len(value) > MAX_ENTRIES:
            self.wrong(path, f"{name} has {len(value)} entries; the limit is {MAX_ENTRIES}")
        return value

    def text(self, mapping: dict[str, Any], path: Path, key: str, *, default: str | None = None) -> str | None:
        """Return the text of a key."""
        value = mapping.get(key)
        if value is None:
            return default
        return self.checked_text(value, (*path, key))

    def checked_text(self, value: Any, path: Path) -> str:
        """Return a value that must be text which a process can be given."""
        if not isinstance(value, str):
            self.wrong(path, f"{_dotted(path)} must be text")
        if "\0" in value or len(value) > MAX_TEXT:
            self.wrong(path, f"{_dotted(path)} is longer than {MAX_TEXT} characters or holds a NUL")
        try:
            value.encode()
        except UnicodeEncodeError:
            self.wrong(path, f"{_dotted(path)} holds half a character")
        if self.dollars_expanded and "$$" in value:
            self.warn(path, f"{_dotted(path)} holds `$$`: `$` is left to the shell, so it is not read as one `$`")
        return value

    def boolean(self, mapping: dict[str, Any], path: Path, key: str, *, default: bool) -> bool:
        """Return the truth value of a key."""
        value = mapping.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.wrong((*path, key), f"{_dotted((*path, key))} must be true or false")
        return value

    def seconds(self, mapping: dict[str, Any], path: Path, key: str, *, default: float, least: float = 0.0) -> float:
        """Return a number of seconds, fractions allowed."""
        value = mapping.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            self.wrong((*path, key), f"{_dotted((*path, key))} must be a number of seconds")
        if not least <= value <= MAX_SECONDS:
            self.wrong((*path, key), f"{_dotted((*path, key))} must be from {least:g} to {MAX_SECONDS:g} seconds")
        return float(value)

    def number(self, mapping: dict[str, Any], path: Path, key: str, *, default: int, bounds: tuple[int, int]) -> int:
        """Return a whole number within bounds; a number in quotes counts, as process-compose has it for ports."""
        value = mapping.get(key)
        if value is None:
            return default
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not bounds[0] <= value <= bounds[1]:
            self.wrong((*path, key), f"{_dotted((*path, key))} must be a whole number from {bounds[0]} to {bounds[1]}")
        return value


def read_process(
    reading: Reading, name: str, body: Any, *, environment: dict[str, str], artifacts: dict[str, str]
) -> dict[str, Any]:
    """Read one process.

    environment: of the whole file; artifacts: name to revision.
    Returns its specification: `argv`, `working_dir`, `environment`, `depends_on`, `availability`, `shutdown`,
    `disabled`, and where there is one `artifact` {name, revision} and `readiness_probe`; every default filled in.
    Raises ConfigWrong.
    """
    path: Path = ("processes", name)
    if not _NAME.fullmatch(name):
        reading.wrong(path, f"{name[:100]!r} is no name for a process: letters, digits, `_`, `-` and `.` inside")
    process = reading.mapping(body, path, f"the process {name}")
    reading.known(process, path, PROCESS_KEYS)
    spec: dict[str, Any] = {
        "argv": _argv(reading, process, path),
        "working_dir": _working_dir(reading, process, path),
        "environment": {**environment, **read_environment(reading, process.get("environment"), (*path, "environment"))},
        "depends_on": _depends_on(reading, process, path),
        "availability": _availability(reading, process, path),
        "shutdown": _shutdown(reading, process, path),
        "disabled": reading.boolean(process, path, "disabled", default=False),
    }
    reading.text(process, path, "description")
    artifact = _artifact(reading, name, process, artifacts)
    if artifact is not None:
        spec["artifact"] = {"name": artifact, "revision": artifacts[artifact]}
    if process.get("readiness_probe") is not None:
        spec["readiness_probe"] = _probe(reading, process, (*path, "readiness_probe"))
    return spec


def read_environment(reading: Reading, value: Any, path: Path) -> dict[str, str]:
    """Read a mapping, or a list of `NAME=value`; numbers and truth values of a mapping are taken as written."""
    if value is None:
        return {}
    pairs: list[tuple[Any, Any, Path]] = []
    if isinstance(value, dict):
        pairs = [(name, item, (*path, name)) for name, item in value.items()]
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if not isinstance(item, str) or "=" not in item:
                reading.wrong((*path, index), "an entry of a list of variables must be `NAME=value`")
            variable, _, content = item.partition("=")
            pairs.append((variable, content, (*path, index)))
    else:
        reading.wrong(path, f"{_dotted(path)} must be a mapping or a list of `NAME=value`")
    if len(pairs) > MAX_ENTRIES:
        reading.wrong(path, f"{_dotted(path)} has {len(pairs)} entries; the limit is {MAX_ENTRIES}")
    found: dict[str, str] = {}
    for variable, content, where in pairs:
        if not _VARIABLE.fullmatch(variable):
            reading.wrong(where, f"{variable[:80]!r} is no name for a variable")
        found[variable] = reading.checked_text(_as_written(reading, content, where), where)
    return found


def _as_written(reading: Reading, content: Any, path: Path) -> Any:
    if content is None:
        return ""
    if isinstance(content, (bool, int, float)):
        # What came through an alias or a merge has no place of its own: then JSON's way of writing it.
        return reading.document.written(path) or json.dumps(content)
    return content


def _argv(reading: Reading, process: dict[str, Any], path: Path) -> list[str]:
    command = reading.text(process, path, "command")
    entrypoint = process.get("entrypoint")
    if command:
        if entrypoint is not None:
            reading.warn((*path, "entrypoint"), "both command and entrypoint are given: command wins")
        return ["/bin/sh", "-c", command]
    if entrypoint is None:
        reading.wrong(path, f"{_dotted(path)} has neither command nor entrypoint")
    if not isinstance(entrypoint, list) or not entrypoint or len(entrypoint) > MAX_ENTRIES:
        reading.wrong((*path, "entrypoint"), f"entrypoint must be a list of 1 to {MAX_ENTRIES} texts")
    words = [reading.checked_text(word, (*path, "entrypoint", index)) for index, word in enumerate(entrypoint)]
    if not words[0]:
        reading.wrong((*path, "entrypoint", 0), "the first word of entrypoint must name a program")
    return words


def _working_dir(reading: Reading, process: dict[str, Any], path: Path) -> str:
    where = (*path, "working_dir")
    folder = posixpath.normpath(reading.text(process, path, "working_dir", default=".") or ".")
    if folder.startswith(("/", "../")) or folder == "..":
        reading.wrong(where, f"{_dotted(where)} must be a folder inside the release, and {folder[:80]!r} is outside")
    return folder


def _depends_on(reading: Reading, process: dict[str, Any], path: Path) -> dict[str, str]:
    where = (*path, "depends_on")
    needed: dict[str, str] = {}
    for other, how in reading.mapping(process.get("depends_on"), where, _dotted(where)).items():
        at = (*where, other)
        # process-compose's own pages also write the condition straight after the name.
        details = {"condition": how} if isinstance(how, str) else reading.mapping(how, at, _dotted(at))
        reading.known(details, at, DEPENDENCY_KEYS)
        condition = reading.text(details, at, "condition", default=CONDITIONS[0])
        if condition not in CONDITIONS:
            reading.wrong(at, f"{condition!r} is not supported as a condition; there are {', '.join(CONDITIONS)}")
        needed[other] = condition
    return dict(sorted(needed.items()))


def _artifact(reading: Reading, name: str, process: dict[str, Any], artifacts: dict[str, str]) -> str | None:
    path: Path = ("processes", name, "x-lastgood")
    extension = reading.mapping(process.get("x-lastgood"), path, _dotted(path))
    reading.known(extension, path, ARTIFACT_KEYS)
    chosen = reading.text(extension, path, "artifact")
    if chosen is not None:
        if chosen not in artifacts:
            reading.wrong((*path, "artifact"), f"there is no artifact {chosen[:80]!r} in x-lastgood.artifacts")
        return chosen
    if len(artifacts) == 1:
        return next(iter(artifacts))
    if artifacts and name not in artifacts:
        reason = f"which of {', '.join(artifacts)} does {name} run? say so with `x-lastgood: {{artifact: NAME}}`"
        reading.wrong(("processes", name), reason)
    return name if artifacts else None


def _probe(reading: Reading, process: dict[str, Any], path: Path) -> dict[str, Any]:
    probe = reading.mapping(process["readiness_probe"], path, _dotted(path))
    reading.known(probe, path, PROBE_KEYS)
    if (probe.get("http_get") is None) == (probe.get("exec") is None):
        reading.wrong(path, f"{_dotted(path)} needs one of http_get and exec")
    spec: dict[str, Any] = {
        "initial_delay_s": reading.seconds(probe, path, "initial_delay_seconds", default=0.0),
        "period_s": reading.seconds(probe, path, "period_seconds", default=10.0, least=0.05),
        "timeout_s": reading.seconds(probe, path, "timeout_seconds", default=1.0, least=0.05),
        "success_threshold": reading.number(probe, path, "success_threshold", default=1, bounds=(1, 1000)),
        "failure_threshold": reading.number(probe, path, "failure_threshold", default=3, bounds=(1, 1000)),
    }
    if probe.get("http_get") is not None:
        spec["http_get"] = _http_get(reading, probe["http_get"], (*path, "http_get"))
        return spec
    where = (*path, "exec")
    body = reading.mapping(probe["exec"], where, _dotted(where))
    reading.known(body, where, EXEC_KEYS)
    command = reading.text(body, where, "command")
    if not command:
        reading.wrong(where, f"{_dotted(where)} needs a command")
    spec["exec"] = {"argv": ["/bin/sh", "-c", command]}
    return spec


def _http_get(reading: Reading, value: Any, path: Path) -> dict[str, Any]:
    request = reading.mapping(value, path, _dotted(path))
    reading.known(request, path, HTTP_KEYS)
    host = reading.text(request, path, "host", default="127.0.0.1") or ""
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", host):
        reading.wrong((*path, "host"), "host must be a name or an address")
    target = reading.text(request, path, "path", default="/") or "/"
    if not re.fullmatch(r"/[\x21-\x7e]{0,2000}", target):
        reading.wrong((*path, "path"), "path must begin with `/` and be printable ASCII without blanks")
    scheme = (reading.text(request, path, "scheme", default="http") or "http").lower()
    if scheme not in ("http", "https"):
        reading.wrong((*path, "scheme"), "scheme must be http or https")
    port = reading.number(request, path, "port", default=0, bounds=(1, 65535))
    if not port:
        reading.wrong(path, f"{_dotted(path)} needs a port")
    status = reading.number(request, path, "status_code", default=200, bounds=(100, 599))
    return {"host": host, "scheme": scheme, "path": target, "port": port, "status_code": status}


def _availability(reading: Reading, process: dict[str, Any], path: Path) -> dict[str, Any]:
    where = (*path, "availability")
    body = reading.mapping(process.get("availability"), where, _dotted(where))
    reading.known(body, where, AVAILABILITY_KEYS)
    restart = body.get("restart", "no")
    # Readers of YAML 1.1 make false of a plain `no`; ours does not, but a file may well say false.
    restart = "no" if restart is False else restart
    if restart not in RESTARTS:
        reading.wrong((*where, "restart"), f"restart must be one of {', '.join(RESTARTS)}")
    return {
        "restart": restart,
        "backoff_s": reading.seconds(body, where, "backoff_seconds", default=1.0, least=0.01),
        "max_restarts": reading.number(body, where, "max_restarts", default=0, bounds=(0, 1_000_000)),
    }


def _shutdown(reading: Reading, process: dict[str, Any], path: Path) -> dict[str, Any]:
    where = (*path, "shutdown")
    body = reading.mapping(process.get("shutdown"), where, _dotted(where))
    reading.known(body, where, SHUTDOWN_KEYS)
    spec: dict[str, Any] = {
        "signal": _signal(reading, body, where),
        "timeout_s": reading.seconds(body, where, "timeout_seconds", default=10.0),
        "parent_only": reading.boolean(body, where, "parent_only", default=False),
    }
    command = reading.text(body, where, "command")
    if command:
        spec["argv"] = ["/bin/sh", "-c", command]
    return spec


def _signal(reading: Reading, body: dict[str, Any], path: Path) -> int:
    value = body.get("signal", int(signal.SIGTERM))
    if isinstance(value, str) and value.upper().removeprefix("SIG") in _signal_numbers():
        return _signal_numbers()[value.upper().removeprefix("SIG")]
    if isinstance(value, bool) or not isinstance(value, int) or value not in _SIGNALS:
        reading.wrong((*path, "signal"), "signal must be a number from 1 to 31 or a name like SIGTERM")
    return value


def _signal_numbers() -> dict[str, int]:
    return {known.name.removeprefix("SIG"): int(known) for known in signal.Signals if int(known) in _SIGNALS}


def _dotted(path: Path) -> str:
    return ".".join(str(part) for part in path)[:200]
