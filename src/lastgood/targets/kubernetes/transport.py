"""Carry a cluster's requests and watches, on aiohttp. Knows no cluster's API: what goes, what comes, and what breaks.

A release makes some twenty changes, each a chunk of a watch of its own: what this costs for a chunk and for a request
is most of what a release costs.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
from yarl import URL

from lastgood.targets.kubernetes.authorization import Credential, Fixed
from lastgood.targets.kubernetes.trouble import ClusterTrouble, Unreachable

IDLE_S = 60.0
CONNECT_S = 5.0
UNAUTHORIZED = 401
# So many turns of the loop after it may read again, a connection has given what arrived: one for TLS, two without.
TURNS_TO_READ = 2
# What a path may have as it is; a percent sign is of what was quoted before.
_PLAIN = "/%:@!$&'()*+,;=~"


class Transport:
    """The way to one API server. Raises Unreachable for whatever breaks.

    server: its address, maybe with a path. tls: how the server is known, and we to it.
    """

    def __init__(self, server: str, tls: ssl.SSLContext, credential: Credential | None = None) -> None:
        self._server = _checked(server).rstrip("/")
        self._tls = tls
        self._credential = credential or Fixed()
        self._proxy = _proxy(server)
        self._session: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        content: bytes | None = None,
        silence_s: float,
    ) -> AsyncIterator["Reply"]:
        """Send, and give the answer as soon as it begins; once more if the server refuses whom it takes us for.

        silence_s: how long nothing may come.
        """
        query = f"?{urlencode(params)}" if params else ""
        limits = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silence_s)
        with _translated():
            url = URL(f"{self._server}{quote(path, safe=_PLAIN)}{query}", encoded=True)
            used = await self._credential.headers()
            reply = await self._sent(method, url, {**headers, **used}, content, limits)
            try:
                if reply.status == UNAUTHORIZED:
                    other = await self._credential.instead_of(used)
                    if other is not None:
                        reply.close()
                        reply = await self._sent(method, url, {**headers, **other}, content, limits)
                yield Reply(reply)
            finally:
                # The connection of a content that was read to its end is kept; any other is closed.
                reply.close()

    async def _sent(
        self, method: str, url: URL, headers: Mapping[str, str], content: bytes | None, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        return await self._begun().request(
            method, url, headers=headers, data=content, allow_redirects=False, proxy=self._proxy, timeout=limits
        )

    async def close(self) -> None:
        """Let all connections go."""
        if self._session is not None:
            await self._session.close()

    def _begun(self) -> aiohttp.ClientSession:
        # Made with the first request: a session belongs to the loop that it begins in.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=IDLE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "lastgood", "Accept-Encoding": "gzip"},
                skip_auto_headers=("Content-Type",),
            )
        return self._session


class Reply:
    """An answer that begins. status: of HTTP; its parts come as they arrive."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers

    async def parts(self, *, every_s: float = 0.0) -> AsyncIterator[bytes]:
        """Yield all that has arrived, each time.

        every_s: at moments so far apart, which are the same for all who say so: then what arrived at one before it
        arrived at another is not given later.
        """
        content = self._answer.content
        # Not its own iterators: they take for the end that nothing was left to read just now.
        while not content.at_eof():
            some = await content.readany()
            if every_s:
                await self._rest(every_s)
                if content.exception() is None:
                    some += content.read_nowait()
            if some:
                yield some

    async def _rest(self, every_s: float) -> None:
        """Wait for the next moment, and have what arrived until then read at once: being woken for each costs more."""
        connection = self._answer.connection
        transport = connection.transport if connection is not None else None
        if not isinstance(transport, asyncio.ReadTransport):
            await _next_moment(every_s)
            return
        transport.pause_reading()
        try:
            await _next_moment(every_s)
        finally:
            transport.resume_reading()
        for _ in range(TURNS_TO_READ):
            await asyncio.sleep(0)


async def _next_moment(every_s: float) -> None:
    await asyncio.sleep(every_s - asyncio.get_running_loop().time() % every_s)


def _checked(server: str) -> str:
    """Return an address that can be asked. Raises Unreachable: on some others the library fails in its own way."""
    try:
        url = urlsplit(server)
        is_one = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise Unreachable("the kubeconfig's `server` is no address of the form https://HOST:PORT")
    return server


def _proxy(server: str) -> str | None:
    """Return the proxy that the environment names for an address (HTTPS_PROXY, NO_PROXY)."""
    try:
        url = urlsplit(server)
        proxy = urllib.request.getproxies().get(url.scheme)
        return proxy if proxy and not urllib.request.proxy_bypass(url.netloc) else None
    except ValueError:
        return None


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn what the HTTP library raises into Unreachable; this is the one place that does."""
    try:
        yield
    except ClusterTrouble:
        raise
    except TimeoutError as late:
        raise Unreachable("the API server did not answer in time") from late
    except aiohttp.ClientConnectorCertificateError as wrong:
        raise _away(wrong.certificate_error, at=_place(wrong.host, wrong.port)) from wrong
    except aiohttp.ClientConnectorError as wrong:
        # Its own words have the context of TLS in them, as Python writes it.
        raise _away(wrong.os_error, at=_place(wrong.host, wrong.port)) from wrong
    except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError) as wrong:
        raise _away(wrong) from wrong
    except RuntimeError as closed:
        # The library's word for a session that was closed under a request.
        raise Unreachable("the connection was closed") from closed


def _away(why: Exception, *, at: str = "") -> Unreachable:
    """Say why there is no answer. at: host and port, where no connection came about."""
    place = f"{at}: " if at else ""
    return Unreachable(f"the API server cannot be reached: {place}{_in_words(why)}")


def _place(host: str, port: int | None) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _in_words(why: Exception) -> str:
    # What Python and the library write has numbers, calls and lines of their sources in it.
    match why:
        case ssl.SSLCertVerificationError():
            said = f"its certificate does not hold: {why.verify_message}"
        case ssl.SSLError(reason=str(reason)):
            said = f"TLS fails: {reason.replace('_', ' ').lower()}"
        case socket.gaierror():
            said = f"the name cannot be found: {why.strerror}"
        case OSError(errno=int(number)):
            said = os.strerror(number).lower()
        case aiohttp.ServerDisconnectedError():
            said = "it closed the connection"
        case aiohttp.ClientPayloadError():
            said = "its answer was cut off"
        case aiohttp.ClientResponseError():
            said = "what answers there is no HTTP server"
        case _:
            said = str(why) or type(why).__name__
    return said
