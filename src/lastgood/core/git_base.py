"""A base of a kustomization that is in another repo, by its address there: what it is called, and at which ref. Pure.

The forms are Kustomize's own: a scheme or `git@host:`, `github.com/` alone, the repo up to `_git/NAME`, `//`, `.git` or
its second name, then the folder, then a query.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qs

from lastgood.core.renderer_kind import MANIFEST_ENDINGS

# Records keep its name for ever.
_LONGEST = 1_000
_SCHEMES = ("ssh", "https", "http", "file")
_USER = re.compile(r"[A-Za-z][A-Za-z0-9-]*@")
_GITHUB = ("github.com/", "github.com:")
_AZURE = "_git/"
_OWNER_AND_NAME = 2
_TAGS = "refs/tags/"


class GitBase(NamedTuple):
    """name: `github.com/org/app//deploy`, for `image` of `sources`. ref: a tag, a branch or a commit, "" for none."""

    name: str
    ref: str


def git_base(address: str) -> GitBase | None:
    """Read an address as Kustomize does; None for what is no folder of a Git repo: a file on the web, a path here.

    The name has no scheme, no user, no `.git` and no query, and `//` between the repo and the folder however that is
    written; the repo alone has no `//`.
    """
    if len(address) > _LONGEST or not address.isprintable() or address.startswith("/"):
        return None
    rest, _, query = address.partition("?")
    if rest[:5].lower() == "git::":
        rest = rest[5:]
    scheme = next((one for one in _SCHEMES if rest[: len(one) + 3].lower() == f"{one}://"), "")
    rest = rest[len(scheme) + 3 :] if scheme else rest
    host, path = ("", rest) if scheme == "file" else _host(rest, scheme)
    split = _split(path, whole=scheme == "file") if host or scheme == "file" else None
    if split is None:
        return None
    ref = _ref(query)
    repo, folder = split
    # Kustomize takes an address on the web as a file first.
    if not ref and scheme in {"https", "http"} and folder.endswith(MANIFEST_ENDINGS):
        return None
    where = f"{host}/{repo}" if host else repo
    return GitBase(name=f"{where}//{folder}" if folder else where, ref=ref)


def _host(text: str, scheme: str) -> tuple[str, str]:
    """Return the host in small letters, with its port, and what follows it; "" where there is none."""
    user = _USER.match(text)
    is_github = text[user.end() if user else 0 :].lower().startswith(_GITHUB)
    if not scheme and user is None and not is_github:
        return "", ""
    # Where a password stands there too, Git goes by the last `@` before the path.
    before, slash, after = text.partition("/")
    at = before.rpartition("@")[2]
    if not scheme and ":" in at:
        host, _, first = at.partition(":")
        return host.lower(), f"{first}{slash}{after}"
    return at.lower(), after


def _split(path: str, *, whole: bool) -> tuple[str, str] | None:
    """Split what follows the host into the repo and the folder in it; None for neither."""
    if _AZURE in path:
        above, _, below = path.partition(_AZURE)
        name, _, folder = below.partition("/")
        repo = f"{above}{_AZURE}{name}"
    elif "//" in path:
        repo, _, folder = path.partition("//")
    elif ".git" in path:
        repo, _, folder = path.partition(".git")
    elif whole:
        repo, folder = path, ""
    else:
        names = path.split("/")
        repo, folder = "/".join(names[:_OWNER_AND_NAME]), "/".join(names[_OWNER_AND_NAME:])
        if len(names) < _OWNER_AND_NAME:
            return None
    repo = repo.rstrip("/").removesuffix(".git")
    at = [name for name in folder.split("/") if name not in {"", "."}]
    return (repo, "/".join(at)) if repo and ".." not in at else None


def _ref(query: str) -> str:
    try:
        said = parse_qs(query, max_num_fields=100)
    except ValueError:
        return ""
    ref = (said.get("ref") or said.get("version") or [""])[0]
    return ref.removeprefix(_TAGS)
