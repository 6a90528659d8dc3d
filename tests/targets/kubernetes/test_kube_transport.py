"""The way to a cluster's API server, over real sockets: what comes, and what breaks."""

import asyncio
import contextlib
import gzip
import re
import socket
import ssl
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest

from lastgood.targets.kubernetes import connection, transport
from lastgood.targets.kubernetes.authorization import TokenFile
from lastgood.targets.kubernetes.transport import Transport, _translated
from lastgood.targets.kubernetes.trouble import Unreachable
from twins.certificates import self_signed

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
    """Asks as a connection does; plain HTTP asks nothing of its TLS."""
    made = []

    async def ask(url, path="/", *, params=None, headers=None, silence_s=5.0, credential=None):
        made.append(Transport(url, ssl.create_default_context(), credential))
        asking = made[-1].ask("GET", path, params=params or {}, headers=headers or {}, silence_s=silence_s)
        async with asking as reply:
            return reply, b"".join([part async for part in reply.parts()])

    yield ask
    for one in made:
        await one.close()


async def test_content_and_headers_come_as_they_were_sent(client):
    """Chunks are put together, and the query goes out as it was given."""
    async with answering(HEAD, b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n") as (url, asked):
        asked_for = {"params": {"labelSelector": "a=b"}, "headers": {"Accept": "text/plain"}}
        answer, content = await client(f"{url}/", "/a%2Fb", **asked_for)

    assert (answer.status, content, answer.headers["X-Seen"]) == (200, b"onetwo", "yes")
    assert asked[0].startswith(b"GET /a%2Fb?labelSelector=a%3Db HTTP/1.1\r\n")
    assert b"Accept: text/plain" in asked[0]


@pytest.mark.parametrize("is_tls", [False, True])
async def test_what_arrives_until_the_next_moment_is_given_at_once(monkeypatch, is_tls, tmp_path):
    """Whoever reads several connections at the same moments hears of things in the order in which they happened."""
    read, sent, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"3\r\none\r\n")
        await read.wait()
        for part in (b"3\r\ntwo\r\n", b"5\r\nthree\r\n"):
            writer.write(part)
            await writer.drain()
        sent.set()
        with contextlib.suppress(OSError):
            await reader.read()
            writer.close()
            await writer.wait_closed()
        over.set()

    async def moment(every_s):
        assert every_s == 3600
        read.set()
        await sent.wait()

    monkeypatch.setattr(transport, "_next_moment", moment)
    served, asks = None, ssl.create_default_context()
    if is_tls:
        made = self_signed(tmp_path)
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(made.certificate, made.key)
        asks.load_verify_locations(made.certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=served)
    url = f"{'https' if is_tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    client = Transport(url, asks)
    try:
        asking = client.ask("GET", "/", params={}, headers={}, silence_s=5.0)
        async with server, asking as reply:
            assert await anext(reply.parts(every_s=3600)) == b"onetwothree"
    finally:
        await client.close()
        await over.wait()


async def test_what_is_compressed_is_read(client):
    """A server that has much to say sends it compressed."""
    content = gzip.compress(b"one two three")
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(content)
    async with answering(head, content) as (url, asked):
        assert (await client(url))[1] == b"one two three"
    assert b"Accept-Encoding: gzip" in asked[0]


async def test_a_token_that_was_replaced_is_read_again(client, tmp_path):
    """Refused once, the request goes once more with what the file has now; refused again, it is what comes."""
    file = tmp_path / "token"
    file.write_text("old\n")
    asked: list[bytes] = []

    async def serve(reader, writer):
        while (head := await reader.readuntil(b"\r\n\r\n")) and asked.append(head) is None:
            allowed = b"Bearer new" in head
            file.write_text("new\n")
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % (b"200 OK" if allowed else b"401 No"))
            if len(asked) == 2:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        answer, _ = await client(url, credential=TokenFile(str(file)))
    assert answer.status == 200
    assert [b"Bearer old" in one for one in asked] == [True, False]


async def test_an_answer_that_breaks_off_is_an_error(client):
    """A connection that ends in the middle of a chunk is no end of the content."""
    async with answering(HEAD, b"30\r\nhalf") as (url, _):
        with pytest.raises(Unreachable, match="cannot be reached"):
            await client(url)


async def test_a_server_that_is_not_there_is_an_error(client):
    """A refused connection is told as one, with the address and without Python's own words."""
    async with answering() as (url, _):
        pass
    with pytest.raises(Unreachable) as told:
        await client(url)
    assert str(told.value) == f"the API server cannot be reached: {url.removeprefix('http://')}: connection refused"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (OSError(113, "Connect call failed ('10.0.0.1', 6443)"), "no route to host"),
        (socket.gaierror(-2, "Name or service not known"), "the name cannot be found: Name or service not known"),
        (aiohttp.ServerDisconnectedError(), "it closed the connection"),
        (aiohttp.ClientPayloadError("<TransferEncodingError: 400>"), "its answer was cut off"),
    ],
)
def test_what_breaks_is_told_in_words(wrong, words):
    """Not in the library's."""
    with pytest.raises(Unreachable, match=re.escape(f"the API server cannot be reached: {words}")), _translated():
        raise wrong


def test_a_server_that_speaks_no_tls_is_told_so():
    """Neither with OpenSSL's name for it nor with the line of its source."""
    wrong = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    wrong.reason = "WRONG_VERSION_NUMBER"
    with pytest.raises(Unreachable, match="reached: TLS fails: wrong version number"), _translated():
        raise wrong


@pytest.mark.parametrize(
    "server", ["https://127.0.0.1:99999", "nonsense", "https://:6443", "ftp://here", "https://h:0"]
)
def test_what_is_no_address_is_told_so(server):
    """Whatever stands in the kubeconfig, it is trouble of the destination and no mistake of ours."""
    with pytest.raises(Unreachable, match="is no address"):
        Transport(server, ssl.create_default_context())


async def test_silence_ends(client):
    """A server that sends nothing for longer than the limit is told as late."""
    ended = asyncio.Event()

    async def silent(reader, writer):
        await reader.read()
        writer.close()
        ended.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        with pytest.raises(Unreachable, match="did not answer in time"):
            await client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", silence_s=0.05)
        await ended.wait()


def _below(kind):
    return {kind, *(one for below in kind.__subclasses__() for one in _below(below))}


def _made(kind):
    """Make one without the many arguments that some of them want."""
    said = {"__init__": lambda _: None, "__str__": lambda _: "wrong", "os_error": OSError(), "_os_error": OSError()}
    said |= {"_certificate_error": ValueError(), "_conn_key": SimpleNamespace(host="here", port=1)}
    return type(kind.__name__, (kind,), said)()


@pytest.mark.parametrize("kind", sorted(_below(aiohttp.ClientError), key=str), ids=lambda kind: kind.__name__)
def test_every_error_of_the_library_is_translated(kind):
    """Whatever class of error the library has, the caller is told that the server is away."""
    with pytest.raises(Unreachable), _translated():
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
