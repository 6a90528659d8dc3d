"""A web server on the loopback that answers byte for byte what a test gives it, and keeps what it was asked."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

from twins.certificates import Certificate

MAX_HEAD = 65_536


@dataclass
class Asked:
    """A request as it came; names of headers in small letters."""

    target: str
    headers: dict[str, str]
    method: str = "GET"
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def answer(data: bytes = b"", *, status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    """Write an answer with its true length; `_` in a header's name is a dash."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(data)}", f"Content-Type: {kind}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


@dataclass
class RawServer:
    """Runs while it is entered. says: what each path is answered with: bytes, or what a function makes of the request.

    A path that is not there is answered with 404. held: paths of which only the beginning is sent, and no end.
    certificate: it answers by https with that.
    """

    says: dict[str, bytes | Callable[[Asked], bytes]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    asked: list[Asked] = field(default_factory=list)
    certificate: Certificate | None = None

    async def __aenter__(self):
        self._under_way: set[asyncio.Task] = set()
        tls = None
        if self.certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.certificate.certificate, self.certificate.key)
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD, ssl=tls)
        self.host = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        self.url = f"{'http' if tls is None else 'https'}://{self.host}"
        return self

    async def __aexit__(self, *_wrong):
        self._server.close()
        for one in self._under_way:
            one.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.asked]

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._under_way.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in headers.items()}
            method, target, _ = head[0].split(" ", 2)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            asked = Asked(target, headers, method, body)
            self.asked.append(asked)
            said = self.says.get(asked.path, answer(status=404))
            writer.write(said if isinstance(said, bytes) else said(asked))
            await writer.drain()
            if asked.path in self.held:
                await asyncio.Event().wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._under_way.discard(task)
