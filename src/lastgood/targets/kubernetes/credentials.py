"""Credentials of a cluster from a kubeconfig's exec plugin: ask it for a token, keep it until it ends or is refused.

The plugin is the operator's own program, named in the operator's kubeconfig. Nothing of a repo reaches it.
"""

import asyncio
import datetime as dt
import json
import os
from collections.abc import AsyncGenerator

import httpx2
import msgspec

from lastgood.targets.kubernetes.trouble import Unreachable, said

API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
LIMIT_S = 60.0
MAX_BYTES = 1_000_000
# A token is asked for anew this long before it ends, so that none ends on the way.
EARLY = dt.timedelta(seconds=30)


class _Status(msgspec.Struct):
    token: str | None = None
    expirationTimestamp: dt.datetime | None = None  # noqa: N815 - Kubernetes' own spelling


class _Credential(msgspec.Struct):
    kind: str
    status: _Status | None = None


class PluginToken(httpx2.Auth):
    """Adds the token of an exec plugin to each request.

    command: the program and its arguments; environment: beside our own. Raises Unreachable where it gives none.
    """

    def __init__(self, api_version: str, command: list[str], environment: dict[str, str]) -> None:
        self._api_version = api_version
        self._command = command
        self._environment = environment
        self._status: _Status | None = None
        self._asking = asyncio.Lock()

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Send with the token that is known; once more with a new one if the server refused it."""
        used = await self._token(refused=None)
        request.headers["Authorization"] = f"Bearer {used}"
        response = yield request
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            request.headers["Authorization"] = f"Bearer {await self._token(refused=used)}"
            yield request

    async def _token(self, *, refused: str | None) -> str:
        async with self._asking:
            now = dt.datetime.now(dt.UTC)
            known = self._status
            if known is None or known.token == refused or _has_ended(known, now):
                known = self._status = await self._ask()
            return str(known.token)

    async def _ask(self) -> _Status:
        name = os.path.basename(self._command[0])  # noqa: PTH119 - a command, maybe without a folder
        if self._api_version not in API_VERSIONS:
            raise Unreachable(f"the credential plugin {name} speaks {self._api_version}, not {API_VERSIONS[0]}")
        info = {"apiVersion": self._api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environment = {**os.environ, **self._environment, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        pipe = asyncio.subprocess.PIPE
        try:
            plugin = await asyncio.create_subprocess_exec(
                *self._command, env=environment, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
        except OSError as wrong:
            raise Unreachable(f"the credential plugin {name} cannot be started: {wrong.strerror}") from wrong
        try:
            async with asyncio.timeout(LIMIT_S):
                out, err = await plugin.communicate()
        except TimeoutError as late:
            raise Unreachable(f"the credential plugin {name} gave nothing within {LIMIT_S:.0f} s") from late
        finally:
            if plugin.returncode is None:
                plugin.kill()
                await plugin.wait()
        if plugin.returncode != 0:
            words = said(err.decode(errors="replace")) or "it said nothing"
            raise Unreachable(f"the credential plugin {name} failed with {plugin.returncode}: {words}")
        try:
            status = msgspec.json.decode(out[:MAX_BYTES], type=_Credential).status
        except msgspec.DecodeError as wrong:
            raise Unreachable(f"the credential plugin {name} gave no ExecCredential") from wrong
        if status is None or not status.token:
            raise Unreachable(f"the credential plugin {name} gave no token, and only tokens are used here")
        return status


def _has_ended(status: _Status, now: dt.datetime) -> bool:
    ends = status.expirationTimestamp
    return ends is not None and (ends if ends.tzinfo else ends.replace(tzinfo=dt.UTC)) - EARLY <= now
