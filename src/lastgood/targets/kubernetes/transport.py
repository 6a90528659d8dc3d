"""Carry a cluster's requests and watches: httpx2's way to the network, on aiohttp. Knows no cluster and no credentials.

A release makes some twenty changes, each a chunk of a watch of its own: here one costs a tenth of what it costs through
httpx2's own transport, and a request does not look at every idle connection.
"""

import contextlib
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterator

import aiohttp
import httpx2
from yarl import URL

IDLE_S = 60.0


class Transport(httpx2.AsyncBaseTransport):
    """Sends what an httpx2.AsyncClient has prepared. tls: how the server is known, and we to it."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._tls = tls
        # Read once, as httpx2 does: it takes a look at the whole environment.
        self._proxies = urllib.request.getproxies()
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and return as soon as the answer begins. Raises what httpx2's own transport raises."""
        with _translated():
            answer = await self._begun().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=[(name.decode(), value.decode()) for name, value in request.headers.raw],
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=self._proxy(request.url),
                timeout=_limits(request.extensions.get("timeout", {})),
            )
        return httpx2.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    async def aclose(self) -> None:
        """Let all connections go."""
        if self._session is not None:
            await self._session.close()

    def _proxy(self, url: httpx2.URL) -> str | None:
        """Return the proxy that the environment names for an address (HTTPS_PROXY, NO_PROXY)."""
        proxy = self._proxies.get(url.scheme)
        return proxy if proxy and not urllib.request.proxy_bypass(url.host) else None

    def _begun(self) -> aiohttp.ClientSession:
        # Made with the first request: a session belongs to the loop that it begins in.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls, limit=0, keepalive_timeout=IDLE_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    """The content as it comes: all that has arrived at once, whole only where a change was sent alone."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _translated():
            # Not its own iterators: they take for the end that nothing was left to read just now.
            while not self._answer.content.at_eof():
                some = await self._answer.content.readany()
                if some:
                    yield some

    async def aclose(self) -> None:
        # The connection of a content that was read to its end is kept for the next request; any other is closed.
        self._answer.close()


def _limits(given: dict[str, float | None]) -> aiohttp.ClientTimeout:
    connect_s = given.get("connect")
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s, sock_read=given.get("read"))


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TimeoutError as late:
        raise httpx2.ReadTimeout(str(late)) from late
    except aiohttp.InvalidURL as wrong:
        raise httpx2.InvalidURL(str(wrong)) from wrong
    except aiohttp.ClientConnectorCertificateError as wrong:
        raise httpx2.ConnectError(str(wrong.certificate_error)) from wrong
    except aiohttp.ClientConnectorError as wrong:
        # Its own words have the context of TLS in them, as Python writes it.
        raise httpx2.ConnectError(str(wrong.os_error)) from wrong
    except (aiohttp.ClientError, aiohttp.http.HttpProcessingError) as wrong:
        raise httpx2.ReadError(str(wrong)) from wrong
