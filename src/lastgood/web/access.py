"""Who may ask: tokens, named people, sessions, and which addresses may be listened on. Knows no HTTP framework.

A token opens a session; the session is a signed cookie, so the server keeps no list. Comparisons take constant time.
"""

import datetime as dt
import hashlib
import hmac
import ipaddress
import re

from lastgood.core.commit import Person
from lastgood.core.errors import SettingsWrong
from lastgood.core.value import Value

SESSION_S = 12 * 3600
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


class NamedPerson(Value, frozen=True, kw_only=True):
    """Somebody who may sign in. token_sha256: 64 hex digits of the token's SHA-256; the token itself is not kept."""

    name: str
    email: str
    token_sha256: str


class Access(Value, frozen=True, kw_only=True):
    """Who may use pages and API.

    token: the server's own, in the printed link; None: named people only. operator: in whose name its holder acts.
    session_key: signs sessions; the same after a restart keeps people signed in.
    hosts: names that a browser may use for this server (`Host`), without port.
    """

    token: str | None
    operator: Person
    session_key: str
    people: tuple[NamedPerson, ...] = ()
    hosts: tuple[str, ...] = LOOPBACK_HOSTS
    secure_cookie: bool = False


class SignedIn(Value, frozen=True, kw_only=True):
    """Who asks. operator: with the server's own token. csrf: what forms of this session must carry."""

    person: Person
    operator: bool
    csrf: str


def token_hash(token: str) -> str:
    """Return what is kept of a token: 64 hex digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def check_address(host: str, access: Access) -> None:
    """Refuse to listen where strangers can come, unless sign-in is configured.

    host: an address or a name, as given to the server. Raises SettingsWrong.
    """
    if access.token is None and not access.people:
        raise SettingsWrong(setting="web.people", reason="nobody could sign in: there is no token and no named person")
    for person in access.people:
        if not re.fullmatch(r"[0-9a-f]{64}", person.token_sha256):
            raise SettingsWrong(setting="web.people", reason=f"the token hash of {person.name} is not 64 hex digits")
    if not is_loopback(host) and not access.people:
        raise SettingsWrong(
            setting="web.host",
            reason=f"{host} can be reached from other machines, and no named person is configured",
            hint="listen on 127.0.0.1, or configure people with token hashes",
        )


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def host_name(header: str) -> str:
    """Return the name of a `Host` header, without port and brackets, in lower case."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::\d+)?", header)
    return (bracketed[1] if bracketed else header.partition(":")[0]).lower()


class Doorkeeper:
    """Turns tokens and session cookies into people."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._key = hashlib.sha256(b"lastgood session\0" + access.session_key.encode()).digest()

    def by_token(self, token: str) -> SignedIn | None:
        """Say whose token it is. The answer's csrf is empty: a token in a header needs none."""
        who = self._holder(token)
        return None if who is None else self._signed_in(who, csrf="")

    def open_session(self, token: str, now: dt.datetime) -> str | None:
        """Return a cookie's value for the holder of a token, None for a token that is nobody's."""
        who = self._holder(token)
        if who is None:
            return None
        issued = f"{who}.{int(now.timestamp())}"
        return f"{issued}.{self._sign('session', issued)}"

    def by_session(self, cookie: str, now: dt.datetime) -> SignedIn | None:
        """Say whose session it is; None for a forged or an old one, or where the token was taken back."""
        issued, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign("session", issued).encode(), signature.encode()):
            return None
        who, _, at = issued.rpartition(".")
        if not 0 <= now.timestamp() - int(at) <= SESSION_S:
            return None
        return self._signed_in(who, csrf=self._sign("csrf", cookie))

    def _holder(self, token: str) -> str | None:
        # Every token is compared, also after a hit: the time taken says nothing of which one it was.
        given, found = token_hash(token), None
        own = token_hash(self.access.token) if self.access.token else None
        for kept in (own, *(person.token_sha256 for person in self.access.people)):
            if kept is not None and hmac.compare_digest(kept.encode(), given.encode()):
                found = _handle(kept)
        return found

    def _signed_in(self, who: str, *, csrf: str) -> SignedIn | None:
        if self.access.token and who == _handle(token_hash(self.access.token)):
            return SignedIn(person=self.access.operator, operator=True, csrf=csrf)
        for person in self.access.people:
            if who == _handle(person.token_sha256):
                return SignedIn(person=Person(name=person.name, email=person.email), operator=False, csrf=csrf)
        return None

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()


def _handle(kept: str) -> str:
    # The cookie names its token by a hash of the hash: the kept hash itself never leaves the server.
    return hashlib.sha256(b"handle\0" + kept.encode()).hexdigest()[:16]
