"""Which forges and trackers may be asked, and with which token: what the operator says. Opens no connection."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import msgspec

MAX_TOKEN_FILE_BYTES = 64 * 1024
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9_.-]{1,255}")
_TOKEN = re.compile(r"[!-~]{1,16384}")
_MOST_SEGMENTS = 20
Kind = Literal["github", "gitlab", "gitea", "bitbucket", "azure", "jira"]


class TokenUnreadable(Exception):
    """There is no token to be had; its text says why, and nothing of what the file holds."""


class ForgeRule(msgspec.Struct, frozen=True, kw_only=True):
    """A forge or a tracker that may be asked. Not a Value, and shown without its token: that is never written anywhere.

    url: where people find it on the web. user: with a token, the account that it belongs to, where that has to be said.
    token, token_file: neither: it is asked as a stranger would. projects: of a tracker, whose keys are asked about;
    None: all.
    """

    url: str
    kind: Kind
    user: str = ""
    token: str = ""
    token_file: Path | None = None
    projects: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        """Say nothing of the token."""
        return f"ForgeRule(url={self.url!r}, kind={self.kind!r})"

    @property
    def has_token(self) -> bool:
        """Whether it is asked with a token."""
        return bool(self.token) or self.token_file is not None

    @property
    def api(self) -> str:
        """Return where its API is, without a slash at the end."""
        base = self.url.rstrip("/")
        host = urlsplit(base).netloc.lower()
        if self.kind == "bitbucket":
            return "https://api.bitbucket.org/2.0" if host == "bitbucket.org" else f"{base}/2.0"
        if self.kind != "github":
            # That of Azure DevOps is below each project.
            return base + {"gitlab": "/api/v4", "gitea": "/api/v1", "azure": "", "jira": "/rest/api/2"}[self.kind]
        if host == "github.com" or host.endswith(".ghe.com"):
            return f"https://api.{host}"
        return f"{base}/api/v3"

    def read_token(self) -> str:
        """Return the token, "" for none; a file is read anew each time, as it changes. Raises TokenUnreadable."""
        if self.token_file is None:
            return self.token
        try:
            with self.token_file.open("rb") as opened:
                data = opened.read(MAX_TOKEN_FILE_BYTES + 1)
        except OSError as wrong:
            raise TokenUnreadable(f"{self.token_file} cannot be read: {wrong.strerror}") from wrong
        token = data[:MAX_TOKEN_FILE_BYTES].decode("ascii", "replace").strip()
        if len(data) > MAX_TOKEN_FILE_BYTES or not is_token(token):
            raise TokenUnreadable(f"{self.token_file} holds no token: one word of ASCII")
        return token

    def below(self, base: str) -> str | None:
        """Return the path (`owner/name`) of what is at an address below this one; None where it is not."""
        try:
            ours, theirs = urlsplit(self.url), urlsplit(base)
        except ValueError:
            return None
        prefix = ours.path.rstrip("/") + "/"
        if theirs.query or theirs.fragment or ours.netloc.lower() != theirs.netloc.lower():
            return None
        if not theirs.path.startswith(prefix):
            return None
        path = unquote(theirs.path[len(prefix) :])
        parts = path.split("/")
        return path if len(parts) <= _MOST_SEGMENTS and all(map(_SEGMENT.fullmatch, parts)) else None


def is_token(text: str) -> bool:
    """Say whether a text may go into a header as a token."""
    return _TOKEN.fullmatch(text) is not None


def why_no_address(url: str) -> str | None:
    """Say in a few words what is wrong with the `url` of a forge or a tracker; None where nothing is."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "is no URL"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii() or not url.isprintable():
        return "is no URL that begins with https:// or http://"
    if parts.username is not None or parts.password is not None:
        return "carries credentials; they belong in `token` or `token_file`"
    if parts.query or parts.fragment:
        return "has more than scheme, host, port and path"
    return None
