"""One cluster's API server: send a request, get plain JSON or a refusal; stream a watch. Knows no kinds and no rules.

Kubeconfig, TLS and credentials are read by lightkube. Credentials that were rotated are read anew when the server
refuses the old ones. Requests that may be repeated are, when the server is busy.
"""

import asyncio
import contextlib
import os
import random
import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import msgspec
import yaml
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from lastgood.core.back_off import back_off
from lastgood.core.value import Value
from lastgood.targets.kubernetes import credentials
from lastgood.targets.kubernetes.authorization import Credential, Fixed, TokenFile, basic, bearer
from lastgood.targets.kubernetes.credentials import PluginCredential, PluginFailed
from lastgood.targets.kubernetes.kubeconfig import read_kubeconfig
from lastgood.targets.kubernetes.transport import UNAUTHORIZED, Reply, Transport
from lastgood.targets.kubernetes.trouble import Answered, Unreachable, answered

REQUEST_S = 30.0
# After this time a request that fails is not sent once more.
PATIENCE_S = 20.0
READ_S = 10.0
# The API server sends a bookmark about every minute: a watch that is silent for longer is a dead connection.
SILENCE_S = 150.0
AT_ONCE = 48
TRIES = 7
MAX_ANSWER_BYTES = 256_000_000
MAX_LINE_BYTES = 16_000_000
MAX_RETRY_AFTER_S = 10.0
_SUCCESS = range(200, 300)
# Where Kubernetes puts the account of a pod.
ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"


class ClusterAccess(Value, frozen=True, kw_only=True):
    """How to reach a cluster: a context of a kubeconfig, or the account of the pod that we run in.

    kubeconfig None: what KUBECONFIG lists, or ~/.kube/config. context None: the file's own.
    """

    kubeconfig: str | None = None
    context: str | None = None
    in_cluster: bool = False


class Answer(NamedTuple):
    """What the API server said: the HTTP status (201: it made something new) and the JSON."""

    status: int
    body: Any


class Connection:
    """A cluster's API server. Every method raises Unreachable; those that ask something also Answered.

    requests: how many were sent. in_flight: how many questions wait for their answer, watches aside.
    heard_at: when it last said anything, on the loop's clock.
    """

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._client: _Client | None = None
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._plugin_rests: tuple[float, PluginFailed] | None = None
        self.requests = 0
        self.in_flight = 0
        self.heard_at = 0.0

    async def touch(self) -> None:
        """Ask for as little as can be, past whatever waits for an answer. Any answer will do, also a refusal."""
        with contextlib.suppress(Answered):
            await self._once("GET", "/version", {}, {"Accept": "application/json"}, None)

    async def renew(self) -> None:
        """Leave all connections behind, with the credentials: those that were silent may be dead."""
        await self._open(instead_of=self._client)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        as_account: str | None = None,
        repeat: bool = True,
    ) -> Any:
        """Ask, and return the answer's JSON; see `ask`."""
        answer = await self.ask(
            method,
            path,
            params=params,
            body=body,
            content_type=content_type,
            accept=accept,
            as_account=as_account,
            repeat=repeat,
        )
        return answer.body

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        as_account: str | None = None,
        repeat: bool = True,
    ) -> Answer:
        """Ask once, and again while the server is busy.

        as_account: the user that the API server shall take us for (impersonation). repeat: False for what must not
        be sent twice.
        """
        headers = {"Accept": accept}
        if as_account is not None:
            headers["Impersonate-User"] = as_account
        content = None
        if body is not None:
            content = msgspec.json.encode(body)
            headers["Content-Type"] = content_type
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        for attempt in range(1, TRIES + 1):
            last = attempt == TRIES or not repeat or loop.time() > until
            self.in_flight += 1
            try:
                async with self._places:
                    return await self._once(method, path, params or {}, headers, content)
            except Answered as no:
                if not no.is_passing or last:
                    raise
                wait_s = no.retry_after_s
            except Unreachable:
                if last:
                    raise
                wait_s = None
            finally:
                self.in_flight -= 1
            await asyncio.sleep(wait_s if wait_s is not None else back_off(attempt, first_s=0.1, jitter=chance()))
        raise AssertionError("the last attempt raises")

    async def _once(
        self, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str], content: bytes | None
    ) -> Answer:
        refused: _Client | None = None
        for fresh in (False, True):
            async with self._using(instead_of=refused) as client:
                self.requests += 1
                asking = client.transport.ask(
                    method, path, params=params, headers=headers, content=content, silence_s=REQUEST_S
                )
                async with asking as reply:
                    self._heard()
                    data = await _whole(reply)
            if reply.status != UNAUTHORIZED or fresh:
                break
            refused = client
        return Answer(reply.status, _judged(reply, data))

    async def read(self, path: str, params: Mapping[str, str], *, most_bytes: int) -> bytes:
        """Return an answer that is no JSON, such as a log, as far as `most_bytes`; asked once, within READ_S.

        Raises Answered and Unreachable.
        """
        try:
            async with asyncio.timeout(READ_S), self._places:
                refused: _Client | None = None
                for fresh in (False, True):
                    async with self._using(instead_of=refused) as client:
                        found = await self._read(client, path, params, most_bytes=most_bytes, may_ask_again=not fresh)
                    if found is not None:
                        return found
                    refused = client
        except TimeoutError as late:
            raise Unreachable("the API server did not answer in time") from late
        raise AssertionError("the second attempt returns or raises")

    async def _read(
        self, client: "_Client", path: str, params: Mapping[str, str], *, most_bytes: int, may_ask_again: bool
    ) -> bytes | None:
        """Read once; None where the credentials were refused and new ones may help."""
        self.requests += 1
        asking = client.transport.ask("GET", path, params=params, headers={"Accept": "*/*"}, silence_s=READ_S)
        async with asking as reply:
            if reply.status == UNAUTHORIZED and may_ask_again:
                return None
            if not _is_success(reply):
                _judged(reply, await _whole(reply))
            read = b""
            async for part in reply.parts():
                read += part
                if len(read) >= most_bytes:
                    break
            return read[:most_bytes]

    async def watch(self, path: str, params: Mapping[str, str], *, every_s: float = 0.0) -> AsyncIterator[bytes | None]:
        """Yield None once the server took the watch, then its lines until the server ends it.

        every_s: at which moments, as `Reply.parts` has it.
        Raises Answered (410 among them) and Unreachable, also where nothing comes for so long that a bookmark is due.
        """
        async with self._using() as client:
            self.requests += 1
            asking = client.transport.ask(
                "GET", path, params=params, headers={"Accept": "application/json"}, silence_s=SILENCE_S
            )
            async with asking as reply:
                self._heard()
                if reply.status == UNAUTHORIZED:
                    await self._open(instead_of=client)
                if not _is_success(reply):
                    _judged(reply, await _whole(reply))
                yield None
                rest = b""
                async for part in reply.parts(every_s=every_s):
                    self._heard()
                    *lines, rest = (rest + part).split(b"\n")
                    for line in lines:
                        if line:
                            yield line
                    if len(rest) > MAX_LINE_BYTES:
                        raise Unreachable("the API server sent an object larger than can be read")

    def _heard(self) -> None:
        self.heard_at = asyncio.get_running_loop().time()

    async def close(self) -> None:
        """Let all connections go."""
        client, self._client = self._client, None
        if client is not None:
            await client.transport.close()

    @contextlib.asynccontextmanager
    async def _using(self, *, instead_of: "_Client | None" = None) -> AsyncIterator["_Client"]:
        loop = asyncio.get_running_loop()
        if self._plugin_rests is not None and loop.time() < self._plugin_rests[0]:
            raise PluginFailed(str(self._plugin_rests[1]))
        client = await self._open(instead_of=instead_of)
        client.users += 1
        try:
            yield client
        except PluginFailed as failed:
            # The next one reads the kubeconfig anew: that is where it is mended.
            if self._client is client:
                self._client, client.is_replaced = None, True
            if failed.was_late:
                self._plugin_rests = (loop.time() + credentials.LIMIT_S, failed)
            raise
        finally:
            client.users -= 1
            if client.is_replaced and not client.users:
                await client.transport.close()

    async def _open(self, *, instead_of: "_Client | None" = None) -> "_Client":
        """Return the client; where that one was refused: another, with the credentials as they are now."""
        if self._client is not None and self._client is not instead_of:
            return self._client
        async with self._opening:
            if self._client is None or self._client is instead_of:
                before, self._client = self._client, _Client(await asyncio.to_thread(_transport, self._access))
                if before is not None:
                    # Whoever still uses it closes it: closed under a request, it would leave a socket behind.
                    before.is_replaced = True
                    if not before.users:
                        await before.transport.close()
            return self._client


class _Client:
    """A transport with the credentials of one moment, and how many requests and watches use it."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.users = 0
        self.is_replaced = False


def _transport(access: ClusterAccess) -> Transport:
    try:
        config, user = _config(access)
        tls = verify_cluster(config.cluster, user, config.abs_file)
        return Transport(config.cluster.server, tls, _credential(user, tls))
    except ConfigError as wrong:
        what = "the account of the pod" if access.in_cluster else "the kubeconfig"
        raise Unreachable(f"{what} does not serve: {wrong}") from wrong
    except (OSError, ssl.SSLError) as wrong:
        raise Unreachable(f"the credentials cannot be read: {wrong.strerror or type(wrong).__name__}") from wrong
    except (KeyError, ValueError, TypeError, AttributeError, msgspec.ValidationError, yaml.YAMLError) as wrong:
        raise Unreachable("the kubeconfig is damaged") from wrong


def _credential(user: User, tls: ssl.SSLContext) -> Credential:
    """Return what a kubeconfig's user shows; where it names several: a plugin, then a file, then a token."""
    if user.exec is not None:
        environment = {one.name: one.value for one in user.exec.env or ()}
        command = [user.exec.command, *(user.exec.args or ())]
        return PluginCredential(user.exec.apiVersion, command, environment, trust=tls)
    if user.token_file is not None:
        return TokenFile(user.token_file)
    if user.token is not None:
        return Fixed(bearer(user.token))
    if user.username and user.password:
        return Fixed(basic(user.username, user.password))
    if user.auth_provider is not None:
        raise ConfigError("auth-provider not supported")
    return Fixed()


def _config(access: ClusterAccess) -> tuple[SingleConfig, User]:
    if access.in_cluster:
        if not os.environ.get("KUBERNETES_SERVICE_HOST") or not os.environ.get("KUBERNETES_SERVICE_PORT"):
            raise ConfigError("KUBERNETES_SERVICE_HOST is not set, so this is no pod of a cluster")
        found = KubeConfig.from_service_account(ACCOUNT_FOLDER).get()
    else:
        found = read_kubeconfig(access.kubeconfig, access.context)
    if found is None or found.user is None:
        raise ConfigError("it names no context" if found is None else "its context names no user")
    return found, found.user


async def _whole(reply: Reply) -> bytes:
    """Read an answer, and no more of it than may be: a server could go on for ever."""
    parts, size_bytes = [], 0
    async for part in reply.parts():
        size_bytes += len(part)
        if size_bytes > MAX_ANSWER_BYTES:
            raise Unreachable("the API server's answer is larger than can be read")
        parts.append(part)
    return b"".join(parts)


def _is_success(reply: Reply) -> bool:
    return reply.status in _SUCCESS


def _judged(reply: Reply, data: bytes) -> Any:
    try:
        body = msgspec.json.decode(data) if data else None
    except msgspec.DecodeError:
        body = None
        if _is_success(reply):
            raise Unreachable("the API server's answer is no JSON") from None
    if _is_success(reply):
        return body
    if reply.status == UNAUTHORIZED:
        raise Unreachable("the API server does not accept our credentials")
    no = answered(reply.status, body)
    after = reply.headers.get("Retry-After", "")
    if after.isdecimal():
        no.retry_after_s = min(float(after), MAX_RETRY_AFTER_S)
    raise no


def chance() -> float:
    """Return a number from 0 to 1 that spreads what is tried again."""
    return random.random()  # noqa: S311 - spreads retries, guards nothing
