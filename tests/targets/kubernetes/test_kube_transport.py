"""The way to a cluster's API server, over real sockets: what comes, and what breaks."""

import asyncio
import contextlib
import ssl
from contextlib import asynccontextmanager

import aiohttp
import httpx2
import pytest

from lastgood.targets.kubernetes import connection
from lastgood.targets.kubernetes.transport import Transport, _translated

KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: here
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
users: [{{name: me, user: {{token: t}}}}]
"""
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Seen: yes\r\n\r\n"


@asynccontextmanager
async def answering(*parts):
    """Serve one answer in parts, each sent when the one before it was; yields the address and what was asked."""
    asked: list[bytes] = []

    async def serve(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def client():
    """A client on the transport; plain HTTP asks nothing of its TLS."""
    async with httpx2.AsyncClient(transport=Transport(ssl.create_default_context())) as made:
        yield made


async def test_content_and_headers_come_as_they_were_sent(client):
    """Chunks are put together, and the query goes out as it was given."""
    async with answering(HEAD, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n") as (url, asked):
        answer = await client.get(f"{url}/a%2Fb", params={"labelSelector": "a=b"}, headers={"Accept": "text/plain"})

    assert (answer.status_code, answer.content, answer.headers["X-Seen"]) == (200, b"onetwo", "yes")
    assert asked[0].startswith(b"GET /a%2Fb?labelSelector=a%3Db HTTP/1.1\r\n")
    assert b"Accept: text/plain" in asked[0]


async def test_an_answer_that_breaks_off_is_an_error(client):
    """A connection that ends in the middle of a chunk is no end of the content."""
    async with answering(HEAD, b"30\r\nhalf") as (url, _):
        with pytest.raises(httpx2.ReadError):
            await client.get(url)


async def test_a_server_that_is_not_there_is_an_error(client):
    """A refused connection is told as one."""
    async with answering() as (url, _):
        pass
    with pytest.raises(httpx2.ConnectError):
        await client.get(url)


async def test_silence_ends(client):
    """A server that sends nothing for longer than the limit is told as late."""
    ended = asyncio.Event()

    async def silent(reader, writer):
        await reader.read()
        writer.close()
        ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        with pytest.raises(httpx2.TimeoutException):
            await client.get(
                f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=httpx2.Timeout(5, read=0.05)
            )
        await ended.wait()


def _below(kind):
    return {kind, *(one for below in kind.__subclasses__() for one in _below(below))}


def _made(kind):
    """Make one without the many arguments that some of them want."""
    said = {"__init__": lambda _: None, "__str__": lambda _: "wrong", "os_error": OSError(), "_os_error": OSError()}
    return type(kind.__name__, (kind,), {**said, "_certificate_error": ValueError()})()


@pytest.mark.parametrize("kind", sorted(_below(aiohttp.ClientError), key=str), ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_is_translated(kind):
    """Whatever class of error the library has, the caller gets one of httpx2's."""
    with pytest.raises((httpx2.HTTPError, httpx2.InvalidURL)), _translated():
        raise _made(kind)


@pytest.mark.parametrize("status", [b"200 OK", b"500 Internal Server Error"])
async def test_an_answer_that_never_ends_is_ended(tmp_path, monkeypatch, status):
    """However the server answers, it is not read beyond what may be, nor kept."""
    monkeypatch.setattr(connection, "MAX_ANSWER_BYTES", 100_000)
    sent = 0

    async def serve(reader, writer):
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" % status)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" " * 10_000)
                await writer.drain()
                sent += 10_000
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(url=url))
    asking = connection.Connection(connection.ClusterAccess(kubeconfig=str(kubeconfig)))
    try:
        with pytest.raises(connection.Unreachable, match="larger than can be read"):
            await asking.ask("GET", "/version", repeat=False)
    finally:
        await asking.close()
        server.close()
    assert sent < 50_000_000, "what the sockets hold, no more"
