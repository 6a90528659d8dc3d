"""Ask one registry over HTTP, bounded in bytes, redirects and time; let in as a stranger, by a token or by a password.

Knows what may be sent to whom, and nothing of what the answers mean. A connection is for one question and its parts.
"""

import asyncio
import hashlib
import re
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import httpx2
import msgspec

from lastgood.core.redact import redact
from lastgood.registry.challenge import Challenge, read_challenges
from lastgood.registry.credentials import Credentials, CredentialsUnreadable, read_credentials
from lastgood.registry.rules import RegistryRule

MAX_REDIRECTS = 5
MAX_TOKEN_ANSWER_BYTES = 64 * 1024
_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 200, 401, 403, 404, 429
# How registries say that they know no such question.
_NO_SUCH_SERVICE = frozenset({400, _NOT_FOUND, 405, 501})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# A token goes into a header as it came: nothing else may come along.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")
_TYPE = re.compile(r"[\w.+/-]{1,127}", re.ASCII)


class NoAnswer(Exception):
    """The registry did not answer as a registry does; its text says why, for people, without secrets."""


class NotThere(NoAnswer):
    """The registry says that there is no such thing, or shows it to nobody like us."""


class TooLarge(NoAnswer):
    """There is such a thing, and it is larger than anything of its kind."""


class Answer(msgspec.Struct, frozen=True):
    """What came. media_type: as its header names it, without parameters; "" where it is none."""

    status: int
    media_type: str
    data: bytes
    challenges: tuple[Challenge, ...] = ()


class _TokenAnswer(msgspec.Struct, frozen=True):
    token: str | None = None
    access_token: str | None = None


class Connection:
    """Asks one registry. client: follows no redirect by itself."""

    def __init__(self, rule: RegistryRule, client: httpx2.AsyncClient) -> None:
        self._rule = rule
        self._client = client
        self._authorization: str | None = None

    async def manifest(self, repository: str, reference: str, *, accept: str, max_bytes: int) -> Answer:
        """Fetch a manifest by tag or digest, both as ImageName allows them. Raises NoAnswer, NotThere."""
        return await self._fetch(f"/v2/{repository}/manifests/{reference}", repository, accept, max_bytes)

    async def blob(self, repository: str, digest: str, *, max_bytes: int) -> Answer:
        """Fetch a blob. Raises NoAnswer, NotThere."""
        return await self._fetch(f"/v2/{repository}/blobs/{digest}", repository, "*/*", max_bytes)

    async def referrers(self, repository: str, digest: str, *, max_bytes: int) -> Answer:
        """Fetch the index of what is attached to a digest. Raises NoAnswer, NotThere (an older registry)."""
        accept = "application/vnd.oci.image.index.v1+json"
        path = f"/v2/{repository}/referrers/{digest}"
        return await self._fetch(path, repository, accept, max_bytes, missing=_NO_SUCH_SERVICE)

    async def knock(self) -> bool:
        """See whether a registry answers; return whether it took the credentials. Raises NoAnswer.

        Without credentials a registry may well want some before it says more: that is an answer, too.
        """
        answer = await self._get("/v2/", "*/*", MAX_TOKEN_ANSWER_BYTES)
        if answer.status not in {_OK, _UNAUTHORIZED}:
            raise NoAnswer(_says(answer.status))
        credentials = await self._credentials()
        if credentials is None or answer.status == _OK:
            return False
        self._authorization = await self._let_in(answer.challenges, None)
        if (await self._get("/v2/", "*/*", MAX_TOKEN_ANSWER_BYTES)).status != _OK:
            raise NoAnswer(self._not_let_in(credentials))
        return True

    async def _fetch(
        self, path: str, repository: str, accept: str, max_bytes: int, *, missing: Collection[int] = (_NOT_FOUND,)
    ) -> Answer:
        answer = await self._get(path, accept, max_bytes)
        if answer.status == _UNAUTHORIZED and self._authorization is None:
            self._authorization = await self._let_in(answer.challenges, repository)
            answer = await self._get(path, accept, max_bytes)
        if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
            credentials = await self._credentials()
            # To a stranger, what is private and what is not there look the same.
            raise NoAnswer(self._not_let_in(credentials)) if credentials is not None else NotThere
        if answer.status in missing:
            raise NotThere
        if answer.status != _OK:
            raise NoAnswer(_says(answer.status))
        return answer

    async def _get(self, path: str, accept: str, max_bytes: int) -> Answer:
        url = begun = httpx2.URL(self._rule.address + path)
        for _ in range(MAX_REDIRECTS + 1):
            own = _origin(url) == _origin(begun)
            # Another host gets no Authorization: storage behind a registry is often somebody else's.
            headers = {"Authorization": self._authorization} if own and self._authorization is not None else {}
            answer, location = await self._send(url, {"Accept": accept, **headers}, max_bytes)
            if location is None:
                if answer.status == _UNAUTHORIZED and not own:
                    raise NoAnswer(f"it sends on to {url.host}, which asks who we are")
                return answer
            url = self._next(url, location)
        raise NoAnswer(f"it redirects more than {MAX_REDIRECTS} times")

    def _next(self, url: httpx2.URL, location: str) -> httpx2.URL:
        try:
            to = url.join(location)
        except (httpx2.InvalidURL, ValueError):
            raise NoAnswer("it redirects to something that is no address") from None
        stated = _origin(to) == _origin(httpx2.URL(self._rule.address))
        if not to.host or to.userinfo or not (to.scheme == "https" or (to.scheme == "http" and stated)):
            raise NoAnswer("it redirects to an address that is not https")
        return to

    async def _send(self, url: httpx2.URL, headers: Mapping[str, str], max_bytes: int) -> tuple[Answer, str | None]:
        """Send one request; return the answer, and where else to ask instead."""
        # Not compressed: a digest is of what is sent, and a small answer may unpack to a large one.
        asked = {"Accept-Encoding": "identity", "User-Agent": "lastgood", **headers}
        try:
            async with self._client.stream("GET", url, headers=asked) as response:
                location = response.headers.get("location") if response.status_code in _REDIRECTS else None
                data = b""
                if response.status_code == _OK:
                    data = await _read(response, max_bytes)
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return (
                    Answer(
                        status=response.status_code,
                        media_type=kind if _TYPE.fullmatch(kind) else "",
                        data=data,
                        challenges=read_challenges(response.headers.get_list("www-authenticate")),
                    ),
                    location,
                )
        except httpx2.TimeoutException as late:
            raise NoAnswer(f"{url.host} does not answer in time") from late
        except (httpx2.HTTPError, httpx2.InvalidURL) as failed:
            # The library's texts name the address at most; a signed one has its secret in the query.
            raise NoAnswer(redact(str(failed).partition("?")[0]) or type(failed).__name__) from failed

    async def _let_in(self, challenges: tuple[Challenge, ...], repository: str | None) -> str | None:
        """Return the Authorization header that a registry's demand is met with; None where we have nothing for it."""
        credentials = await self._credentials()
        for challenge in challenges:
            if challenge.scheme == "bearer":
                return f"Bearer {await self._token(challenge, repository, credentials)}"
            if challenge.scheme == "basic" and credentials is not None:
                return credentials.header()
        return None

    async def _token(self, challenge: Challenge, repository: str | None, credentials: Credentials | None) -> str:
        realm = challenge.parameters.get("realm", "")
        where = self._realm(realm)
        query = {"service": challenge.parameters["service"]} if challenge.parameters.get("service") else {}
        if repository is not None:
            # What we need, not what the registry says that we do.
            query["scope"] = f"repository:{repository}:pull"
        headers = {"Authorization": credentials.header()} if credentials is not None else {}
        try:
            answer, location = await self._send(where.copy_merge_params(query), headers, MAX_TOKEN_ANSWER_BYTES)
        except NoAnswer as wrong:
            raise NoAnswer(f"{where.host}, which gives its tokens: {wrong}") from wrong
        if answer.status in {_UNAUTHORIZED, _FORBIDDEN}:
            raise NoAnswer(self._not_let_in(credentials)) if credentials is not None else NotThere
        if location is not None or answer.status != _OK:
            raise NoAnswer(f"{where.host}, which gives its tokens, {_says(answer.status).removeprefix('it ')}")
        try:
            told = msgspec.json.decode(answer.data, type=_TokenAnswer)
        except (msgspec.DecodeError, RecursionError):
            told = _TokenAnswer()
        token = told.token or told.access_token or ""
        if _TOKEN.fullmatch(token) is None:
            raise NoAnswer(f"{where.host}, which gives its tokens, answers without one")
        return token

    def _realm(self, realm: str) -> httpx2.URL:
        """Return where tokens are given. Credentials go there: in the clear only where the operator chose http."""
        try:
            where = httpx2.URL(realm)
        except (httpx2.InvalidURL, ValueError):
            raise NoAnswer("it names no address that gives tokens") from None
        clear = where.scheme == "http" and urlsplit(self._rule.address).scheme == "http"
        if not where.host or where.userinfo or not (where.scheme == "https" or clear):
            raise NoAnswer("it has tokens given at an address that is not https")
        return where

    async def _credentials(self) -> Credentials | None:
        if self._rule.docker_config is None:
            return None
        try:
            return await asyncio.to_thread(read_credentials, self._rule.docker_config, self._rule.host)
        except CredentialsUnreadable as wrong:
            raise NoAnswer(str(wrong)) from None

    def _not_let_in(self, credentials: Credentials | None) -> str:
        if credentials is None:
            return "it asks who we are"
        return f"it does not accept the credentials of {self._rule.docker_config}, or they do not reach so far"


def has_digest(data: bytes, digest: str) -> bool:
    """Say whether content is what a digest names."""
    algorithm, _, expected = digest.partition(":")
    return hashlib.new(algorithm, data).hexdigest() == expected


async def _read(response: httpx2.Response, max_bytes: int) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NoAnswer("it sends compressed content that nobody asked for")
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) > max_bytes:
            raise TooLarge(f"it sends more than {max_bytes} bytes")
    return bytes(read)


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme, 0)


def _says(status: int) -> str:
    if status == _TOO_MANY:
        return "it says that it was asked too often"
    return f"it answers with HTTP status {status}"
