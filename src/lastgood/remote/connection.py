"""One HTTP connection to a lastgood server: asks, reads JSON into values, turns every failure into an error of ours.

Knows no route. The only place that imports the HTTP library; it costs 0.1 s, so nothing imports this needlessly.
"""

import ssl
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import msgspec

from lastgood.core.errors import AnswerLost, LastgoodError, NotAllowed, ServerUnreachable, SettingsWrong
from lastgood.core.told_error import read_error
from lastgood.core.value import to_plain

T = TypeVar("T")

TIMEOUT_S = 60.0
# A plan of a large rollback has some MB; an answer beyond this is no answer of ours.
MAX_ANSWER_BYTES = 256 * 1024 * 1024
MAYBE_DONE = (
    "it may have been done all the same, or a part of it; once the server is back, the same command does the rest"
)
_UNAUTHORIZED = 401


class Connection:
    """Asks one server. transport: another way than the network, as httpx2 knows them (an application in memory)."""

    def __init__(self, url: str, token: str | None, *, transport: Any = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingsWrong(setting="--server", reason="it is a URL such as https://lastgood.example.com")
        # What stands before the @ would end up in messages.
        self.server = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")
        headers = {"Accept": "application/json"}
        if token := (token or "").strip():
            # The library's own message about a bad header has the header in it.
            if not token.isascii() or not token.isprintable() or " " in token:
                raise SettingsWrong(setting="LASTGOOD_TOKEN", reason="a token is one word of one line")
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx2.AsyncClient(
            base_url=f"{self.server}/api/v1",
            headers=headers,
            timeout=TIMEOUT_S,
            follow_redirects=False,
            transport=transport,
            # To read whom the system trusts takes as long as a whole command; without TLS nobody needs to be.
            verify=True if parts.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        )

    async def aclose(self) -> None:
        """Close it."""
        await self._client.aclose()

    async def get(self, path: str, kind: type[T], *, query: dict[str, str] | None = None) -> T:
        """Ask; read the answer as `kind`. Raises the server's error as its class, ServerUnreachable, NotAllowed."""
        return await self._send("GET", path, kind, query=query)

    async def post(
        self,
        path: str,
        kind: type[T],
        body: Any,
        *,
        query: dict[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
        pushes: bool = False,
        changes: bool = False,
    ) -> T:
        """Send a value, or plain JSON; read the answer as `kind`. Raises as `get` does.

        pushes: the server does something in Git; then AnswerLost where it may have got this, and did not answer.
        changes: it does something else that may be half done then, and goes on where that is asked for once more.
        """
        try:
            return await self._send("POST", path, kind, query=query, body=to_plain(body), timeout_s=timeout_s)
        except ServerUnreachable as silent:
            if not (pushes or changes) or isinstance(silent.__cause__, (httpx2.ConnectError, httpx2.ConnectTimeout)):
                raise
            reason = str(silent.facts.get("reason"))
            if pushes:
                raise AnswerLost(server=self.server, reason=reason) from silent
            raise ServerUnreachable(server=self.server, reason=reason, hint=MAYBE_DONE) from silent

    async def _send(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        timeout_s: float = TIMEOUT_S,
    ) -> T:
        # An empty query in the call would take away one that the path has: none does.
        try:
            async with self._client.stream(
                method, path, params=query or None, json=body, timeout=timeout_s
            ) as response:
                data = await self._read(response)
        except httpx2.TimeoutException as late:
            raise ServerUnreachable(server=self.server, reason=f"no answer within {timeout_s:.0f} s") from late
        except httpx2.HTTPError as failed:
            raise ServerUnreachable(server=self.server, reason=_reason(failed)) from failed
        if response.is_success and "error" not in _peek(data):
            try:
                return msgspec.json.decode(data, type=kind)
            except msgspec.DecodeError as other:
                reason = "it answers with something else than lastgood does"
                raise ServerUnreachable(server=self.server, reason=reason) from other
        raise self._error(response.status_code, data)

    async def _read(self, response: httpx2.Response) -> bytes:
        read = bytearray()
        async for chunk in response.aiter_bytes():
            read += chunk
            if len(read) > MAX_ANSWER_BYTES:
                raise ServerUnreachable(server=self.server, reason="its answer has no end")
        return bytes(read)

    def _error(self, status: int, data: bytes) -> LastgoodError:
        if status == _UNAUTHORIZED:
            # The server's own words are for people with a browser.
            given = "Authorization" in self._client.headers
            return NotAllowed(
                f"{self.server} does not accept the token given" if given else f"{self.server} asks who you are",
                hint="set LASTGOOD_TOKEN to your token; beside the server's lastgood.toml none is needed",
                action="this",
            )
        told = _peek(data).get("error")
        if isinstance(told, dict):
            return read_error(told)
        return ServerUnreachable(
            f"{self.server} answers with HTTP status {status} and no reason",
            hint="nothing is known to have changed; the server's log says more",
            server=self.server,
            reason=f"HTTP status {status}",
        )


def _peek(data: bytes) -> dict[str, Any]:
    try:
        plain = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return {}
    return plain if isinstance(plain, dict) else {}


def _reason(failed: httpx2.HTTPError) -> str:
    # The library's texts name the address at most: no header and no body.
    return str(failed) or type(failed).__name__
