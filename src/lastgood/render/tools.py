"""The programs that render charts and kustomizations: what an operator may set, where they are, which versions.

Knows no application and no repository.
"""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from lastgood.core.value import Value

ToolName = Literal["kustomize", "helm"]
Boundary = Literal["files", "network", "limits"]
BOUNDARIES: tuple[Boundary, ...] = ("files", "network", "limits")

OLDEST: dict[ToolName, tuple[int, int]] = {"kustomize": (5, 0), "helm": (3, 8)}
# A major version that is not here has not been tried: its flags may mean something else.
MAJORS: dict[ToolName, tuple[int, ...]] = {"kustomize": (5,), "helm": (3, 4)}
WANTED: dict[ToolName, str] = {"kustomize": "Kustomize 5", "helm": "Helm 3.8 or newer, or Helm 4"}
_ASKED: dict[ToolName, tuple[str, ...]] = {"kustomize": ("version",), "helm": ("version", "--short")}
_VERSION = re.compile(r"v(\d{1,4})\.(\d{1,4})[0-9A-Za-z.+-]{0,60}")
_ANSWER_S = 20


class ToolSettings(Value, frozen=True, kw_only=True):
    """What an operator says of rendering.

    kustomize, helm: names on the PATH, or paths. remote_bases: a kustomization may read other repos and addresses.
    without: boundaries that this machine does not have, and that the operator accepts to do without.
    time_s: of the wall, for one render. memory_bytes: of one program's data.
    """

    kustomize: str = "kustomize"
    helm: str = "helm"
    remote_bases: bool = False
    without: tuple[Boundary, ...] = ()
    time_s: float = 30.0
    memory_bytes: int = 1024 * 1024 * 1024

    def program(self, name: ToolName) -> str:
        """Return what is set for a program."""
        return self.helm if name == "helm" else self.kustomize


class Tool(NamedTuple):
    """A program that is there and answered. version: as it names itself, `v4.1.0`."""

    name: ToolName
    path: Path
    version: str


class ToolMissing(Exception):
    """A program is not there, does not answer, or is of a version that was not tried. reason, hint: sentences."""

    def __init__(self, reason: str, hint: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class Tools:
    """Finds programs once and remembers them; one that was missing is looked for again.

    read: the settings, asked for when a program is needed for the first time.
    """

    def __init__(self, read: Callable[[], ToolSettings] = ToolSettings) -> None:
        self._read = read
        self._settings: ToolSettings | None = None
        self._found: dict[ToolName, Tool] = {}

    @property
    def settings(self) -> ToolSettings:
        """What the operator says."""
        if self._settings is None:
            self._settings = self._read()
        return self._settings

    async def find(self, name: ToolName) -> Tool:
        """Return a program. Raises ToolMissing."""
        if name not in self._found:
            self._found[name] = await asyncio.to_thread(find_tool, name, self.settings)
        return self._found[name]


def find_tool(name: ToolName, settings: ToolSettings) -> Tool:
    """Look for a program and ask its version. Raises ToolMissing."""
    asked = settings.program(name)
    hint = f"install {WANTED[name]}, or say where it is with `{name}` under `[render]` in the server's settings"
    hint += f" or LASTGOOD_RENDER__{name.upper()}"
    found = shutil.which(asked)
    if found is None:
        raise ToolMissing(f"there is no program {asked}", hint)
    path = Path(found).resolve()
    try:
        said = subprocess.run(
            [path, *_ASKED[name]],
            capture_output=True,
            check=True,
            timeout=_ANSWER_S,
            stdin=subprocess.DEVNULL,
            env={"HOME": "/nonexistent", "PATH": ""},
            errors="replace",
            text=True,
        ).stdout
    except (OSError, subprocess.SubprocessError) as wrong:
        raise ToolMissing(
            f"{path} does not say its version", f"try `{path} {' '.join(_ASKED[name])}`; {hint}"
        ) from wrong
    version = _VERSION.search(said[:1000])
    if version is None:
        raise ToolMissing(f"{path} does not say its version", f"try `{path} {' '.join(_ASKED[name])}`; {hint}")
    number = (int(version[1]), int(version[2]))
    if number < OLDEST[name] or number[0] not in MAJORS[name]:
        raise ToolMissing(f"{path} is {version[0]}, and {WANTED[name]} is needed", hint)
    return Tool(name, path, version[0])
