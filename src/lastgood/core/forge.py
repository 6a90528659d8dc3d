"""Where a source repo's pull requests, issues and commits are on the web, by its address. No network, no guess."""

import re
from urllib.parse import quote, urlsplit

from lastgood.core.commit_facts import Forge
from lastgood.core.value import Value

_SCP = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!//)([^\s]+)")
_URL = re.compile(r"(https?|ssh|git)://(?:[^@/\s]*@)?([A-Za-z0-9.-]+)(:\d+)?/([^\s?#]+)")
# Where Bitbucket Data Center has its repos for Git: below `scm/`, by ssh below nothing. Its pages are elsewhere.
_SCM = re.compile(r"(?:((?:[^/]+/)*)scm/)?(~?)([^/]+)/([^/]+)")
_CLOUD = "bitbucket.org"
_HOSTS: tuple[tuple[str, Forge], ...] = (
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("bitbucket", "bitbucket"),
    ("gitea", "gitea"),
    ("forgejo", "gitea"),
    ("codeberg", "gitea"),
    ("dev.azure", "azure"),
    ("visualstudio", "azure"),
)
_PULLS: dict[Forge, str] = {
    "github": "pull",
    "gitlab": "-/merge_requests",
    "bitbucket": "pull-requests",
    "gitea": "pulls",
    "azure": "pullrequest",
}
_COMMITS: dict[Forge, str] = {
    "github": "commit",
    "gitlab": "-/commit",
    "bitbucket": "commits",
    "gitea": "commit",
    "azure": "commit",
}
_ISSUES: dict[Forge, str] = {"github": "issues", "gitlab": "-/issues", "bitbucket": "issues", "gitea": "issues"}


def is_page(text: str) -> bool:
    """Say whether text is the address of a web page: http or https, with a host and without credentials."""
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


class WebAddress(Value, frozen=True, kw_only=True):
    """A repo on the web. base None: its address leads to no web page (a folder, a file URL).

    path: owner and name, as messages write them before `#12`; the folder's name where there is no owner.
    """

    base: str | None
    path: str
    forge: Forge | None

    def pull(self, number: int, forge: Forge | None) -> str | None:
        """Return a pull request's page. forge: whose form the commit's message had, where that is known."""
        kind = self.forge or forge
        return None if self.base is None or kind is None else f"{self.base}/{_PULLS[kind]}/{number}"

    def commit(self, oid: str, forge: Forge | None = None) -> str | None:
        """Return a commit's page."""
        kind = self.forge or forge
        return None if self.base is None or kind is None else f"{self.base}/{_COMMITS[kind]}/{oid}"

    def issue(self, ref: str, forge: Forge | None = None) -> str | None:
        """Return the page of `#12` or `owner/repo#12`."""
        kind = self.forge or forge
        path, _, number = ref.rpartition("#")
        # Bitbucket Data Center, whose pages are not at the repo's own path, has no issues.
        if self.base is None or kind not in _ISSUES or not self.base.endswith(f"/{quote(self.path)}"):
            return None
        base = self.base if not path else f"{self.base[: -len(quote(self.path))]}{quote(path)}"
        return f"{base}/{_ISSUES[kind]}/{number}"

    def is_meant_by(self, path: str) -> bool:
        """Say whether `owner/repo` (or nothing) before a number means this repo."""
        if not path:
            return True
        if names_repo(path, self.path):
            return True
        # A mirror on a disk has lost its owner; its name is all that can be compared.
        return self.base is None and names_repo(path, self.path.rpartition("/")[2])


def names_repo(path: str, repo: str) -> bool:
    """Say whether `owner/name` is a repo's path, which may have lost its owner."""
    ours = repo.casefold().split("/")
    return path.casefold().split("/")[-len(ours) :] == ours


def web_address(url: str) -> WebAddress:
    """Read a remote's address: https, ssh, `git@host:path`, a folder. Credentials and ports of ssh are left out."""
    found = _URL.fullmatch(url)
    scp = _SCP.fullmatch(url) if found is None else None
    if found is not None:
        scheme, host, port, path = found[1], found[2], found[3] or "", found[4]
        web = "http" if scheme == "http" else "https"
        host_there = host + port if scheme in {"http", "https"} else host
    elif scp is not None:
        host, path, web, host_there = scp[1], scp[2], "https", scp[1]
    else:
        return WebAddress(base=None, path=_name(url).rsplit("/", 1)[-1], forge=None)
    path = _name(path).lstrip("/")
    forge = next((kind for part, kind in _HOSTS if part in host.lower()), None)
    own = forge == "bitbucket" and not host.lower().endswith(_CLOUD)
    scm = _SCM.fullmatch(path) if own or (forge is None and "scm/" in path) else None
    if scm is not None:
        below, person, owner, name = scm.groups("")
        pages = f"{below}{'users' if person else 'projects'}/{owner}/repos/{name}"
        path, forge = f"{person}{owner}/{name}", "bitbucket"
    else:
        pages = path
    return WebAddress(base=f"{web}://{host_there}/{quote(pages)}", path=path, forge=forge)


def _name(path: str) -> str:
    return path.rstrip("/").removesuffix(".git").rstrip("/")
