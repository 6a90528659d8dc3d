"""A way to a real API server that fails as a test says: everything is forwarded, but for the requests that it names.

It speaks HTTP with sockets of its own on both sides; each request has its own connection to the API server.
"""

import asyncio
import base64
import contextlib
import json
import ssl
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml

from lastgood.targets.kubernetes.connection import ClusterAccess

MAX_HEAD = 65_536
Which = Callable[["Asked"], bool]


@dataclass
class Asked:
    """A request as it came. at: when, on the loop's clock."""

    method: str
    path: str
    query: dict[str, str]
    at: float

    @property
    def is_dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"

    @property
    def is_watch(self) -> bool:
        return self.query.get("watch") == "true"


@dataclass
class Fault:
    """What happens to requests instead of an answer.

    times: to how many; None: to all until it is taken away. status: answered without asking the API server.
    cut_after: bytes of the API server's answer that get through before the connection is cut. slow: the API server is
    asked and its answer held back until the client gave up.
    """

    which: Which
    times: int | None = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    slow: bool = False
    met: list[Asked] = field(default_factory=list)

    def meets(self, asked: Asked) -> bool:
        return (self.times is None or len(self.met) < self.times) and self.which(asked)


class FaultyWay:
    """Runs while it is entered. there: the API server's address; authority: whom to trust, PEM.

    delay_s: each answer comes so much later.
    """

    def __init__(self, there: str, authority: str) -> None:
        address = urllib.parse.urlsplit(there)
        self._there = (address.hostname, address.port)
        self._trusted = ssl.create_default_context(cadata=authority)
        self._under_way: set[asyncio.Task] = set()
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self.delay_s = 0.0
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_HEAD)
        self.address = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_wrong):
        self._server.close()
        under_way = list(self._under_way)
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._server.wait_closed()

    def fails(self, which: Which, **how) -> Fault:
        """Let requests fail from now on; the fault tells which it met."""
        fault = Fault(which, **how)
        self.faults.append(fault)
        return fault

    def heal(self) -> None:
        """Let no request fail any more."""
        self.faults.clear()
        self._open.set()

    def holds_back(self) -> None:
        """Let nothing through any more, with all connections open, as a server that is stopped does."""
        self._open.clear()

    async def _serve(self, reader, writer):
        here = asyncio.current_task()
        self._under_way.add(here)
        try:
            # Cancelled when the way is closed: nobody but the server awaits it, which would take that for a mistake.
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._one(reader, writer)
        finally:
            self._under_way.discard(here)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _one(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        address = urllib.parse.urlsplit(target)
        query = dict(urllib.parse.parse_qsl(address.query))
        asked = Asked(method, urllib.parse.unquote(address.path), query, asyncio.get_running_loop().time())
        self.asked.append(asked)
        fault = next((one for one in self.faults if one.meets(asked)), None)
        if fault is not None:
            fault.met.append(asked)
        if fault is not None and fault.status:
            writer.write(refusal(fault.status, fault.headers))
            await writer.drain()
            return
        await asyncio.sleep(self.delay_s)
        await self._open.wait()
        kept = [line for line in lines if not line.lower().startswith("connection:")]
        there, to_there = await asyncio.open_connection(*self._there, ssl=self._trusted)
        try:
            to_there.write("\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1") + body)
            await to_there.drain()
            await self._answer(fault, there, reader, writer)
        finally:
            to_there.close()
            with contextlib.suppress(OSError):
                await to_there.wait_closed()

    async def _answer(self, fault, there, reader, writer):
        left = fault.cut_after if fault is not None else None
        head = await there.readuntil(b"\r\n\r\n")
        if fault is not None and fault.slow:
            # The API server did it; the client hears of it when it has given up, which closes its side.
            await reader.read()
            return
        writer.write(head)
        while data := await there.read(65_536):
            data = data if left is None else data[:left]
            left = None if left is None else left - len(data)
            await self._open.wait()
            writer.write(data)
            await writer.drain()
            if left == 0:
                return


@contextlib.asynccontextmanager
async def way_of(corner):
    """Run a way to a corner's cluster, with the access of an account that may do everything there."""
    there = yaml.safe_load(corner.kubeconfig({}, "direct").read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(there["certificate-authority-data"]).decode()
    async with FaultyWay(there["server"], authority) as made:
        _, token = corner.account("agent", {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]})
        made.access = ClusterAccess(kubeconfig=str(corner.kubeconfig({"token": token}, "way", server=made.address)))
        yield made


def refusal(status: int, headers: dict[str, str]) -> bytes:
    """Return an answer as an API server gives it that is busy, starting or broken."""
    body = json.dumps({"kind": "Status", "status": "Failure", "message": f"told to fail with {status}", "code": status})
    said = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close", **headers}
    return "\r\n".join([f"HTTP/1.1 {status} No", *(f"{k}: {v}" for k, v in said.items()), "", body]).encode()
