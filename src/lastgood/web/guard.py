"""The door of the web server: which requests reach a route at all, and which headers every answer carries.

An ASGI middleware, so that no route can be forgotten. It checks the Host (DNS rebinding), sizes, who asks, and for
everything that changes something where the request comes from (forgery). Knows no page.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

from lastgood.core.errors import LastgoodError, NotAllowed
from lastgood.core.ports import Clock
from lastgood.web.access import Doorkeeper, SignedIn, host_name

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
Refuse = Callable[[Scope, int, LastgoodError], Asgi]

COOKIE = "lastgood_session"
BODY_BYTES = 1024 * 1024
FORM_BYTES = 64 * 1024
QUERY_BYTES = 8 * 1024
FORM_FIELDS = 200
OPEN_PATHS = ("/healthz", "/sign-in")
OPEN_FOLDER = "/static/"
SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with it browsers say `Origin: null` when a form is sent, as a forged one does.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Lets a request pass or answers it with a refusal made by `refuse`."""

    def __init__(self, app: Asgi, *, doorkeeper: Doorkeeper, clock: Clock, refuse: Refuse) -> None:
        self._app = app
        self._doorkeeper = doorkeeper
        self._clock = clock
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; `scope["signed_in"]` is SignedIn or None from here on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope["signed_in"] = None

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    sent.setdefault(name, value)
                sent.setdefault("cache-control", "no-store")
            await send(message)

        answer, receive = await self._pass(scope, headers, receive)
        await answer(scope, receive, send_guarded)

    async def _pass(  # noqa: PLR0911 - each return is one reason to refuse, in the order in which they are asked
        self, scope: Scope, headers: Headers, receive: Receive
    ) -> tuple[Asgi, Receive]:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._doorkeeper.access.hosts:
            return self._no(scope, 421, "this server does not answer to that name"), receive
        if len(scope["query_string"]) > QUERY_BYTES:
            return self._no(scope, 414, "the query is too long"), receive
        path = scope["path"]
        changes = scope["method"] not in {"GET", "HEAD"}
        signed_in, by_cookie = self._who(headers)
        token = self._token_in_link(scope)
        if token is not None:
            return self._enter(scope, token), receive
        scope["signed_in"] = signed_in
        if changes and not _comes_from_here(headers, scope):
            return self._no(scope, 403, "the request comes from another site"), receive
        if signed_in is None and path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER):
            return self._no(scope, 401, "you are not signed in"), receive
        if not changes:
            return self._app, receive
        is_api = path.startswith("/api/")
        body = await _read(receive, limit=BODY_BYTES if is_api else FORM_BYTES)
        if body is None:
            return self._no(scope, 413, "the request is too large"), receive
        if not is_api and not _read_form(scope, headers, body):
            return self._no(scope, 400, "the form cannot be read"), receive
        if by_cookie and signed_in and path != "/sign-in" and not _has_csrf(scope, headers, signed_in):
            return self._no(scope, 403, "the form is not from this session"), receive
        return self._app, _replay(body, receive)

    def _who(self, headers: Headers) -> tuple[SignedIn | None, bool]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._doorkeeper.by_token(token.strip()), False
        cookie = cookie_parser(headers.get("cookie", "")).get(COOKIE, "")
        return (self._doorkeeper.by_session(cookie, self._clock.now()) if cookie else None), True

    @staticmethod
    def _token_in_link(scope: Scope) -> str | None:
        if scope["method"] != "GET" or scope["path"].startswith(("/api/", OPEN_FOLDER)):
            return None
        return dict(parse_qsl(scope["query_string"].decode("latin-1"))).get("token")

    def _enter(self, scope: Scope, token: str) -> Asgi:
        cookie = self._doorkeeper.open_session(token, self._clock.now())
        if cookie is None:
            return self._no(scope, 401, "this link is not valid: its token is nobody's")
        rest = [pair for pair in parse_qsl(scope["query_string"].decode("latin-1")) if pair[0] != "token"]
        return self.redirect_signed_in(scope["path"], rest, cookie)

    def redirect_signed_in(self, path: str, query: list[tuple[str, str]], cookie: str) -> Asgi:
        """Answer with the cookie and the way to the page, the token gone from the address."""
        # "//host" would be another site: exactly one slash leads.
        location = "/" + path.lstrip("/\\") + (f"?{urlencode(query)}" if query else "")
        return redirect(location, session_cookie(cookie, secure=self._doorkeeper.access.secure_cookie))

    def _no(self, scope: Scope, status: int, message: str) -> Asgi:
        hint = "open the link that `lastgood serve` printed, or sign in with your token" if status == 401 else None  # noqa: PLR2004 - HTTP's number for it
        return self._refuse(scope, status, NotAllowed(message, hint=hint))


def session_cookie(value: str, *, secure: bool) -> str:
    """Return the Set-Cookie header of a session; it ends with the browser."""
    return f"{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")


def redirect(location: str, cookie: str) -> Asgi:
    """Make an answer that sends the browser elsewhere with a cookie."""

    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"location", location.encode("latin-1", "replace")), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer


def _comes_from_here(headers: Headers, scope: Scope) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == headers["host"].lower() and bool(scope)


async def _read(receive: Receive, *, limit: int) -> bytes | None:
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def _read_form(scope: Scope, headers: Headers, body: bytes) -> bool:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/x-www-form-urlencoded":
        return False
    try:
        scope["form"] = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict")
    except ValueError:
        return False
    return True


def _has_csrf(scope: Scope, headers: Headers, signed_in: SignedIn) -> bool:
    given = headers.get("x-csrf-token") or dict(scope.get("form", [])).get("csrf", "")
    return hmac.compare_digest(given.encode(), signed_in.csrf.encode())


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
