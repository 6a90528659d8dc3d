"""The one place that starts the `git` program: no shell, no prompt, no hook, bounded time and output.

Translates its failures into core/errors. Knows no config repo: `clone.py`, `mirror.py` and `source.py` do.
"""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple

from lastgood.core.errors import GitFailed, LastgoodError, ObjectMissing, RemoteUnreachable, RepoUnsupported
from lastgood.core.redact import redact, without_credentials

LOCAL_S = 120
"""Seconds that a command on this machine may take."""

NETWORK_S = 300
"""Seconds that a command which talks to a remote may take."""

MAX_OUTPUT_BYTES = 256 << 20
_MAX_ERROR_BYTES = 64 << 10
_SMALL_READS, _LARGE_READ = 16, 64 << 10
_PIPE_BYTES = 1 << 20

# What a repository, its configuration or its server could make git do, and none of it is wanted here.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.objectNameWarning=false",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_EDITOR": "false",
}
# Set by git itself for hooks and aliases, or by hand: each would make us look at another repository.
_ELSEWHERE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
)

_NO_CONTACT = re.compile(
    r"Could not read from remote repository|unable to access|Could not resolve|Connection (?:refused|timed out)"
    r"|does not appear to be a git repository|Authentication failed|could not read (?:Username|Password)"
    r"|upon initial contact|repository .* not found|Repository not found|transport .* not allowed"
    r"|unable to connect|Permission denied|Host key verification failed|No such device or address"
)
# A transfer that had begun may end in the same words as one that never did.
_BROKE_OFF = re.compile(r"RPC failed|send-pack|hung up unexpectedly|sideband|failed to push some refs")
_PARTS_ONLY = "did not send all necessary objects"
_UNSUPPORTED = re.compile(
    r"object ?format|mismatched algorithms|unknown repository (?:extension|version)", re.IGNORECASE
)
_MISSING = re.compile(
    r"bad object|not a valid object|could not get object info|unable to (?:read|find)|missing (?:blob|tree|commit)"
    r"|bad revision|unknown revision|could not fetch [0-9a-f]{40}|not our ref|promisor"
)


class Finished(NamedTuple):
    """What a git process left. err: redacted text, at most 64 KiB of its end."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """The output as lines of text."""
        return self.out.decode("utf-8", "surrogateescape").splitlines()

    @property
    def text(self) -> str:
        """The output as one text without the last line's end."""
        return self.out.decode("utf-8", "surrogateescape").rstrip("\n")


def shown(text: str) -> str:
    """Return what git or a server said, without secrets: and with plain addresses."""
    return redact(without_credentials(text))


class Git:
    """The git program in one folder.

    folder: a work tree or a bare repository. settings: further `key=value` for every command.
    """

    def __init__(self, folder: Path, *, settings: Sequence[str] = ()) -> None:
        self.folder = folder
        self._settings = (*_SETTINGS, *settings)

    def arguments(self, *args: str) -> list[str]:
        """Return the whole argument list of a command."""
        given = [word for setting in self._settings for word in ("-c", setting)]
        return ["git", "--no-pager", *given, *args]

    def environment(self) -> dict[str, str]:
        """Return the environment that git is started in: ours, less what would lead it elsewhere."""
        kept = {k: v for k, v in os.environ.items() if k not in _ELSEWHERE and not k.startswith("GIT_TRACE")}
        return kept | _ENVIRONMENT

    def run(
        self,
        *args: str,
        stdin: bytes | None = None,
        ok: Sequence[int] = (0,),
        limit_s: float = LOCAL_S,
        max_bytes: int = MAX_OUTPUT_BYTES,
        remote: str | None = None,
    ) -> Finished:
        """Run one command to its end.

        ok: exit codes that are answers, not failures. remote: the URL or name it talks to, for the error's words.
        Raises what `failure` says for other codes; GitFailed after limit_s seconds or max_bytes of output.
        """
        with self._start(*args, stdin=stdin) as running:
            out = running.read_all(limit_s=limit_s, max_bytes=max_bytes)
        finished = Finished(running.code, out, running.errors)
        if running.out_of_time:
            if remote is not None:
                place = without_credentials(remote)
                raise RemoteUnreachable(f"{place} gave no answer within {limit_s:g} s", remote=place)
            raise GitFailed(f"git {args[0]} took longer than {limit_s:g} s", command=command_text(args))
        if finished.code not in ok:
            raise failure(args, finished, remote=remote)
        return finished

    def stream(
        self,
        *args: str,
        separator: bytes = b"\0",
        limit_s: float = LOCAL_S,
        stdin: bytes | None = None,
        max_record_bytes: int = MAX_OUTPUT_BYTES,
    ) -> Iterator[bytes]:
        """Yield a command's output record by record; ends the process when the reader has enough.

        max_record_bytes: what of a record is kept; the rest of a longer one is dropped.
        Raises what `failure` says once the output is over, if the command failed.
        """
        with self._start(*args, stdin=stdin) as running:
            running.read_ahead()
            yield from chain.from_iterable(running.records(separator, limit_s=limit_s, max_bytes=max_record_bytes))
            running.finish()
            if running.code:
                raise failure(args, Finished(running.code, b"", running.errors), remote=None)

    @contextlib.contextmanager
    def _start(self, *args: str, stdin: bytes | None = None) -> Iterator["_Running"]:
        running = _Running(self.arguments(*args), folder=self.folder, environment=self.environment(), stdin=stdin)
        try:
            yield running
        finally:
            running.end()


class _Running:
    """One git process: its input and errors in files, so that no pipe can fill up and block it."""

    def __init__(self, arguments: list[str], *, folder: Path, environment: dict[str, str], stdin: bytes | None) -> None:
        self.code = 0
        self.out_of_time = False
        self.errors = ""
        self._timer: threading.Timer | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in finish()
        given: IO[bytes] | int = subprocess.DEVNULL
        if stdin is not None:
            given = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, once git has it
            given.write(stdin)
            given.seek(0)
        try:
            # A session of its own: ssh finds no terminal to ask on, and what git starts ends with it.
            self._process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=environment,
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        except OSError as wrong:
            self._errors.close()
            raise start_failure(wrong, folder) from wrong
        finally:
            if not isinstance(given, int):
                given.close()

    def read_all(self, *, limit_s: float, max_bytes: int) -> bytes:
        chunks, size = [], 0
        for chunk in self._chunks(limit_s):
            size += len(chunk)
            if size > max_bytes:
                raise GitFailed(f"git gave more than {max_bytes} bytes")
            chunks.append(chunk)
        self.finish()
        return b"".join(chunks)

    def read_ahead(self) -> None:
        """Let git go on while its reader does something else with what it has: where the system allows it."""
        if self._process.stdout is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def records(self, separator: bytes, *, limit_s: float, max_bytes: int) -> Iterator[list[bytes]]:
        rest = b""
        for chunk in self._chunks(limit_s):
            data = rest + chunk
            *whole, rest = data.split(separator)
            yield whole if len(data) <= max_bytes else [record[:max_bytes] for record in whole]
            rest = rest[:max_bytes]
        if rest:
            yield [rest]

    def _chunks(self, limit_s: float) -> Iterator[bytes]:
        out = self._process.stdout
        if out is None:
            return
        self._timer = threading.Timer(limit_s, self._too_late)
        self._timer.daemon = True
        self._timer.start()
        # What comes first comes at once; whoever reads more is not woken for each 4 KiB that git writes.
        for _ in range(_SMALL_READS):
            chunk = out.read1(1 << 20)  # type: ignore[attr-defined]  # a pipe of Popen is a BufferedReader
            if not chunk:
                return
            yield chunk
        while chunk := out.read(_LARGE_READ):
            yield chunk

    def _too_late(self) -> None:
        self.out_of_time = True
        self._kill()

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def finish(self) -> None:
        """Wait for the end, keep the exit code and the last words."""
        if self._errors.closed:
            return
        self.code = self._process.wait()
        if self._timer is not None:
            self._timer.cancel()
        if self._process.stdout is not None:
            self._process.stdout.close()
        size = self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, size - _MAX_ERROR_BYTES))
        self.errors = shown(self._errors.read().decode("utf-8", "replace"))
        self._errors.close()

    def end(self) -> None:
        """End the process if it still runs: nobody reads it any more."""
        if not self._errors.closed and self._process.poll() is None:
            self._kill()
        self.finish()


def start_failure(wrong: OSError, folder: Path) -> LastgoodError:
    """Say why git could not even be started."""
    if not folder.is_dir():
        return GitFailed(f"there is no folder {folder}")
    if isinstance(wrong, FileNotFoundError):
        return GitFailed("the git program is not installed", hint="install git 2.34 or newer")
    return GitFailed(f"git cannot be started: {wrong.strerror}")


def command_text(args: Sequence[str]) -> str:
    """Return a command for people, without secrets."""
    return shown("git " + " ".join(args))


def no_contact(err: str) -> bool:
    """Say whether git's words mean that the remote was never talked to (and so nothing was sent)."""
    return _NO_CONTACT.search(err) is not None and _BROKE_OFF.search(err) is None


def reason(err: str) -> str:
    """Return the line of git's words that says most, without its prefix."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    if telling and telling[0].endswith("Could not read from remote repository."):
        # What ssh said about it stands before.
        telling = lines[: lines.index(telling[0])][-1:] or telling
    return re.sub(r"^(?:fatal|error):\s*", "", telling[0])[:300] if telling else "it gave no reason"


def failure(args: Sequence[str], finished: Finished, *, remote: str | None) -> LastgoodError:
    """Translate a failed command into the error that flows know."""
    err, why = finished.err, reason(finished.err)
    if _UNSUPPORTED.search(err):
        return unsupported()
    if remote is not None:
        place = without_credentials(remote)
        if _PARTS_ONLY in err:
            # Git's first line names an object, which says nothing to anybody.
            why = f"it {_PARTS_ONLY}, as a shallow clone or a damaged repository does not"
        return RemoteUnreachable(f"{place} cannot be reached: {why}", remote=place)
    if "not a git repository" in err:
        return GitFailed("this is not a Git repository", hint="stand in a clone of the config repo, or give `-C DIR`")
    if "dubious ownership" in err:
        return GitFailed(
            "this repository belongs to somebody else",
            hint="`git config --global --add safe.directory DIR` says that you trust it",
        )
    if _MISSING.search(err):
        found = re.search(r"[0-9a-f]{40}", err)
        return ObjectMissing(f"a Git object is not here: {why}", object=found.group() if found else None)
    return GitFailed(f"git {args[0]} failed: {why}", command=command_text(args))


def unsupported() -> RepoUnsupported:
    """Return the refusal of a repository that names its objects by SHA-256."""
    return RepoUnsupported(
        reason="its objects are named by SHA-256", hint="lastgood reads SHA-1 repositories; nothing was changed"
    )
