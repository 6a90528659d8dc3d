"""Ask one forge or tracker over HTTP: one question at a time, bounded in bytes, redirects and time.

Knows what may be sent to whom and when to leave it alone, and nothing of what the answers mean.
"""

import asyncio
import base64
import datetime as dt
import email.utils
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

import httpx2
import msgspec

from lastgood.core.errors import ForgeFailed
from lastgood.core.ports import Clock
from lastgood.core.redact import redact, without_credentials
from lastgood.forge.rules import ForgeRule, TokenUnreadable

TIMEOUT_S = 10.0
# A description of a pull request comes with its title, and may be long.
MAX_ANSWER_BYTES = 4 * 1024 * 1024
MAX_REFUSAL_BYTES = 16 * 1024
MAX_REDIRECTS = 3
# What fails is left alone for so long; what asks to be left alone is for as long as it says, at most an hour.
ALONE_S = 60.0
MAX_ALONE_S = 3600.0
_OK, _MADE, _UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _BROKEN = 200, 201, 401, 403, 429, 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Those that ask for the same once more, elsewhere; after any other what was sent would become a question.
_REPEATS = frozenset({307, 308})
_MOST_DIGITS = 12
_NAMES_OF_RESET = ("x-ratelimit-reset", "ratelimit-reset")
_NAMES_OF_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
T = TypeVar("T")
Query = Mapping[str, str | Sequence[str]]
"""What is asked for beside a path; a name may stand there several times."""


class _Answer(msgspec.Struct, frozen=True):
    status: int
    headers: httpx2.Headers
    data: bytes


class Sent(msgspec.Struct, Generic[T], frozen=True):
    """What came of sending something. status: of HTTP; said: the answer, None where it is a refusal."""

    status: int
    said: T | None


class _Question(msgspec.Struct, frozen=True):
    """body: None: it only reads."""

    path: str
    query: Query
    body: bytes | None = None
    method: str = "GET"


class Connection:
    """Asks one forge or tracker, in turn. timeout_s: for one question with its redirects."""

    def __init__(self, rule: ForgeRule, *, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self.rule = rule
        self._clock = clock
        self._timeout_s = timeout_s
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._client: httpx2.AsyncClient | None = None
        self._alone_until: dt.datetime | None = None
        self._alone_because = ""

    async def get(self, path: str, form: type[T], query: Query | None = None) -> T | None:
        """Fetch what is at a path of the API, in this form; None where it is not, or is not shown to us.

        Raises ForgeFailed.
        """
        answer = await self._in_turn(_Question(path, query or {}))
        return self._read(answer, form) if answer.status == _OK else None

    async def send(
        self, method: str, path: str, body: Mapping[str, Any], form: type[T], query: Query | None = None
    ) -> Sent[T]:
        """Send JSON to a path of the API, once; a refusal is an answer, too. method: POST, PUT or PATCH.

        Raises ForgeFailed where there is no clear answer: then nobody knows whether it was taken.
        """
        answer = await self._in_turn(_Question(path, query or {}, msgspec.json.encode(body), method))
        made = answer.status in {_OK, _MADE}
        return Sent(answer.status, self._read(answer, form) if made else None)

    def _read(self, answer: _Answer, form: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.data, type=form)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            # Without the cause: it repeats what was sent. The forge itself is not left alone: this is about one thing.
            raise self._failed("its answer is not in the form that its API has") from None

    async def knock(self, path: str) -> bool:
        """See whether it answers at a path of its API; return whether it took the token. Raises ForgeFailed."""
        answer = await self._in_turn(_Question(path, {}))
        if answer.status == _FORBIDDEN and self.rule.kind not in {"gitea", "bitbucket"}:
            raise self._failed("the token may not read there")
        # What Gitea and Bitbucket are asked needs a right of its own, which a token that may read repos need not have.
        if answer.status not in {_OK, _UNAUTHORIZED, _FORBIDDEN}:
            raise self._failed(f"it answers with HTTP status {answer.status} where its API should be")
        return self.rule.has_token

    async def _in_turn(self, question: _Question) -> _Answer:
        """Ask when those before have been answered. One TCP connection serves all who wait, and nobody later."""
        self._waiting += 1
        try:
            async with self._turn:
                return await self._asked(question)
        finally:
            self._waiting -= 1
            if self._waiting == 0 and self._client is not None:
                client, self._client = self._client, None
                await client.aclose()

    async def _asked(self, question: _Question) -> _Answer:
        """Ask, and see from the answer how long to leave it alone."""
        now = self._clock.now()
        if self._alone_until is not None and now < self._alone_until:
            raise self._failed(f"{self._alone_because}; it is left alone until {self._alone_until:%H:%M:%S} UTC")
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._follow(question)
        except TimeoutError as late:
            raise self._left_alone(f"no answer within {self._timeout_s:g} s", ALONE_S) from late
        except httpx2.TimeoutException as late:
            raise self._left_alone("it does not answer in time", ALONE_S) from late
        except (httpx2.HTTPError, httpx2.InvalidURL) as failed:
            reason = redact(str(failed).partition("?")[0])[:200] or type(failed).__name__
            raise self._left_alone(reason, ALONE_S) from failed
        refused = answer.status == _TOO_MANY or (answer.status == _FORBIDDEN and _is_limit(answer))
        if refused or _spent(answer.headers):
            failed_ = self._left_alone("it says that it was asked too often", _pause_s(answer.headers, now))
            if refused:
                raise failed_
        # To a stranger, what is private and what is not there look the same.
        if answer.status == _UNAUTHORIZED and self.rule.has_token:
            raise self._left_alone("it does not accept the token", ALONE_S)
        if answer.status >= _BROKEN:
            pause_s = _pause_s(answer.headers, now)
            raise self._left_alone(f"it answers with HTTP status {answer.status}", pause_s)
        return answer

    async def _follow(self, question: _Question) -> _Answer:
        headers = await self._headers()
        if question.body is not None:
            headers["Content-Type"] = "application/json"
        begun = httpx2.URL(self.rule.api + question.path, params=question.query or None)
        url = begun
        if self._client is None:
            self._client = httpx2.AsyncClient(verify=self._tls, timeout=self._timeout_s, follow_redirects=False)
        for _ in range(MAX_REDIRECTS + 1):
            # What the token lets us see is all: no session of the forge's goes from question to question.
            self._client.cookies.clear()
            answer = await self._send(self._client, url, headers, question)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            if question.body is not None and answer.status not in _REPEATS:
                raise self._failed("it redirects what is sent to it")
            try:
                url = url.join(answer.headers["location"])
            except (httpx2.InvalidURL, ValueError):
                raise self._failed("it redirects to something that is no address") from None
            # A repo that was renamed is elsewhere on the same forge. Nobody else is asked, with or without a token.
            if _origin(url) != _origin(begun) or url.userinfo:
                raise self._left_alone("it redirects to another host", ALONE_S)
        raise self._left_alone(f"it redirects more than {MAX_REDIRECTS} times", ALONE_S)

    async def _send(
        self, client: httpx2.AsyncClient, url: httpx2.URL, headers: Mapping[str, str], question: _Question
    ) -> _Answer:
        async with client.stream(question.method, url, headers=headers, content=question.body) as response:
            status = response.status_code
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise self._failed("it sends compressed content that nobody asked for")
            good = status in {_OK, _MADE}
            most = MAX_ANSWER_BYTES if good else MAX_REFUSAL_BYTES
            data = bytearray()
            async for chunk in response.aiter_raw():
                data += chunk
                if len(data) > most:
                    if good:
                        raise self._failed(f"it sends more than {most} bytes")
                    break
            return _Answer(status, response.headers, bytes(data))

    async def _headers(self) -> dict[str, str]:
        try:
            token = await asyncio.to_thread(self.rule.read_token)
        except TokenUnreadable as wrong:
            raise self._failed(str(wrong)) from wrong
        # Not compressed: a small answer may unpack to a large one.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "lastgood"}
        if self.rule.kind == "github":
            headers["X-GitHub-Api-Version"] = "2022-11-28"
        if not token:
            return headers
        if self.rule.kind == "gitlab":
            return {**headers, "PRIVATE-TOKEN": token}
        if self.rule.kind == "gitea":
            return {**headers, "Authorization": f"token {token}"}
        if self.rule.user or self.rule.kind == "azure":
            both = base64.b64encode(f"{self.rule.user}:{token}".encode()).decode()
            return {**headers, "Authorization": f"Basic {both}"}
        return {**headers, "Authorization": f"Bearer {token}"}

    def _left_alone(self, reason: str, seconds: float) -> ForgeFailed:
        self._alone_until = self._clock.now() + dt.timedelta(seconds=seconds)
        self._alone_because = reason
        return self._failed(reason)

    def _failed(self, reason: str) -> ForgeFailed:
        return ForgeFailed(forge=without_credentials(self.rule.url), reason=reason)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """What the machine trusts, or SSL_CERT_FILE: a company's own forge is signed by the company."""
        return ssl.create_default_context()


def _origin(url: httpx2.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"https": 443, "http": 80}.get(url.scheme, 0)


def _is_limit(answer: _Answer) -> bool:
    return _spent(answer.headers) or "retry-after" in answer.headers or b"rate limit" in answer.data.lower()


def _spent(headers: httpx2.Headers) -> bool:
    return any(headers.get(name, "").strip() == "0" for name in _NAMES_OF_REMAINING)


def _pause_s(headers: httpx2.Headers, now: dt.datetime) -> float:
    """Return for how many seconds it asks to be left alone, within bounds."""
    told = _seconds(headers.get("retry-after", ""), now)
    if told is None:
        # Where questions are left, the limit that was met is another one, whose end nobody says.
        left = any(headers.get(name, "0").strip() != "0" for name in _NAMES_OF_REMAINING)
        resets = [float(headers[name]) for name in _NAMES_OF_RESET if _is_number(headers.get(name, "")) and not left]
        told = min(resets) - now.timestamp() if resets else ALONE_S
    return min(max(told, 1.0), MAX_ALONE_S)


def _seconds(text: str, now: dt.datetime) -> float | None:
    if _is_number(text):
        return float(text)
    try:
        at = email.utils.parsedate_to_datetime(text)
        return at.timestamp() - now.timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
