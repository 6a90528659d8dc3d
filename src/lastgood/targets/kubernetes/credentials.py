"""Credentials of a cluster from a kubeconfig's exec plugin: a token, a client certificate, or both.

They are kept until they end or are refused.

The plugin is the operator's own program, named in the operator's kubeconfig. Nothing of a repo reaches it.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec

from lastgood.targets.kubernetes.authorization import bearer
from lastgood.targets.kubernetes.trouble import Unreachable, said

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
LIMIT_S = 20.0
MAX_BYTES = 1_000_000
# What was given is asked for anew this long before it ends, so that none ends on the way; of what lasts for less, this
# share of its time before: a plugin that ran for each request would let hundreds of them wait for it in turn.
EARLY = dt.timedelta(seconds=30)
EARLY_SHARE = 0.25


class PluginFailed(Unreachable):
    """The plugin gave nothing. was_late: it hung, so whoever asks again soon would wait as long."""

    def __init__(self, words: str, *, was_late: bool = False) -> None:
        super().__init__(words)
        self.was_late = was_late


class _Status(msgspec.Struct):
    token: str | None = None
    clientCertificateData: str | None = None  # noqa: N815 - Kubernetes' own spelling
    clientKeyData: str | None = None  # noqa: N815 - the same
    expirationTimestamp: dt.datetime | None = None  # noqa: N815 - Kubernetes' own spelling


class _Credential(msgspec.Struct):
    kind: str
    status: _Status | None = None


class PluginCredential:
    """Adds what an exec plugin gives to each request: its token; its certificate, to the connections made from then on.

    command: the program and its arguments; environment: beside our own. trust: of the client, for new connections.
    Raises PluginFailed where the plugin gives nothing, also to all who wait for it: another try is another credential,
    of the kubeconfig as it is then.
    """

    def __init__(
        self, api_version: str, command: list[str], environment: dict[str, str], *, trust: ssl.SSLContext
    ) -> None:
        self._api_version = api_version
        self._command = command
        self._environment = environment
        self._trust = trust
        self._status: _Status | None = None
        self._kept_until: dt.datetime | None = None
        self._failed: PluginFailed | None = None
        self._asking = asyncio.Lock()

    async def headers(self) -> Mapping[str, str]:
        """See Credential."""
        return _headers(await self._known(refused=None))

    async def instead_of(self, refused: Mapping[str, str]) -> Mapping[str, str] | None:
        """See Credential.

        Another certificate needs another connection: whoever has the client makes a new one when this is refused.
        """
        known = self._status
        if known is None or known.clientCertificateData is not None:
            return None
        return _headers(await self._known(refused=refused))

    async def _known(self, *, refused: Mapping[str, str] | None) -> _Status:
        async with self._asking:
            known = self._status
            is_refused = known is not None and _headers(known) == refused
            is_over = self._kept_until is not None and self._kept_until <= dt.datetime.now(dt.UTC)
            if known is None or is_refused or is_over:
                known = await self._asked_once()
                if known.clientCertificateData is not None:
                    await asyncio.to_thread(self._take_up, known)
                ends = known.expirationTimestamp
                self._kept_until = kept_until(ends, now=dt.datetime.now(dt.UTC)) if ends is not None else None
                self._status = known
            return known

    async def _asked_once(self) -> _Status:
        if self._failed is not None:
            raise PluginFailed(str(self._failed), was_late=self._failed.was_late)
        try:
            return await self._ask()
        except PluginFailed as failed:
            self._failed = failed
            raise

    def _take_up(self, status: _Status) -> None:
        """Let connections that are made from now on show the certificate. The library reads it from files only."""
        try:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "client.pem"
                file.touch(mode=0o600)
                file.write_text(f"{status.clientCertificateData}\n{status.clientKeyData}\n")
                # A key that wants a passphrase is refused: without the empty one the library would ask a terminal.
                self._trust.load_cert_chain(file, password="")
        except (ssl.SSLError, ValueError) as wrong:
            words = f"the credential plugin {self._name} gave a client certificate and key that do not serve"
            raise PluginFailed(words) from wrong
        except OSError as wrong:
            raise Unreachable(f"the client certificate cannot be written down: {wrong.strerror}") from wrong

    @property
    def _name(self) -> str:
        return os.path.basename(self._command[0])  # noqa: PTH119 - a command, maybe without a folder

    async def _ask(self) -> _Status:
        name = self._name
        if self._api_version not in API_VERSIONS:
            raise PluginFailed(f"the credential plugin {name} speaks {self._api_version}, not {API_VERSIONS[0]}")
        info = {"apiVersion": self._api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        plugin = self._start({**os.environ, **self._environment, "KUBERNETES_EXEC_INFO": json.dumps(info)})
        reads = threading.Event()
        try:
            out, err = await asyncio.to_thread(_output, plugin, reads)
        except subprocess.TimeoutExpired as late:
            raise PluginFailed(
                f"the credential plugin {name} gave nothing within {LIMIT_S:.0f} s", was_late=True
            ) from late
        finally:
            # The thread reads on for as long as the plugin runs, also where nobody waits for it any more.
            _end(plugin)
            if not reads.is_set():
                # It was given up before a thread was free, so none will.
                with plugin:
                    pass
        if plugin.returncode != 0:
            words = said(err.decode(errors="replace")) or "it said nothing"
            raise PluginFailed(f"the credential plugin {name} failed with {plugin.returncode}: {words}")
        try:
            status = msgspec.json.decode(out[:MAX_BYTES], type=_Credential).status
        except msgspec.DecodeError as wrong:
            raise PluginFailed(f"the credential plugin {name} gave no ExecCredential") from wrong
        if status is None or not (status.token or status.clientCertificateData):
            raise PluginFailed(f"the credential plugin {name} gave no token and no client certificate")
        if (status.clientCertificateData is None) != (status.clientKeyData is None):
            raise PluginFailed(f"the credential plugin {name} gave a client certificate or its key alone, not both")
        return status

    def _start(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start the plugin in a session of its own, where it finds no terminal and what it starts can be ended too."""
        nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
        try:
            return subprocess.Popen(
                self._command, env=environment, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except OSError as wrong:
            words = f"the credential plugin {self._name} cannot be started: {wrong.strerror}"
            raise PluginFailed(words) from wrong


def _output(plugin: subprocess.Popen[bytes], reads: threading.Event) -> tuple[bytes, bytes]:
    """Read what a plugin writes until it ends. Raises TimeoutExpired, and leaves none that still runs.

    reads: set as soon as it is read, and waited for, here.

    Not with asyncio's own processes: one that is cancelled while it begins is waited for without end, and so is one
    that was killed while a child of its own keeps the output open.
    """
    reads.set()
    with plugin:
        try:
            return plugin.communicate(timeout=LIMIT_S)
        finally:
            _end(plugin)


def _end(plugin: subprocess.Popen[bytes]) -> None:
    """Kill a plugin that still runs, and what it started; what one that ended left running is its own affair."""
    if plugin.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(plugin.pid, signal.SIGKILL)


def _headers(status: _Status) -> dict[str, str]:
    return bearer(status.token) if status.token else {}


def kept_until(ends: dt.datetime, *, now: dt.datetime) -> dt.datetime:
    """Return when what a plugin gave now is asked for anew. ends: as the plugin says, without a zone in UTC."""
    ends = ends if ends.tzinfo else ends.replace(tzinfo=dt.UTC)
    return ends - min(EARLY, max(ends - now, dt.timedelta()) * EARLY_SHARE)
