"""A feature as somebody asks for it: a number, a key, a commit, words, or the address of its page on the web. Pure.

Pages of pull requests, issues and commits are known of GitHub, GitLab, Bitbucket, Gitea, Forgejo and Azure DevOps, and
pages of issues of Jira and Linear.
"""

import re
from typing import Literal
from urllib.parse import unquote, urlsplit

from lastgood.core.forge import WebAddress, is_page
from lastgood.core.value import Value

MAX_TEXT = 500
_NUMBER = r"[1-9]\d{0,8}"
# Names by number, which are never words of a title: the commit that reverts #12 has `#12` in its own.
PULL = re.compile(rf"(?:PR-|#|!)({_NUMBER})", re.IGNORECASE)
ISSUE = re.compile(rf"(?P<repo>[\w.-]{{1,100}}(?:/[\w.-]{{1,100}}){{1,5}})#(?P<number>{_NUMBER})")
_OF_A_REPO = re.compile(
    r"/(?P<repo>[^?#]{1,300}?)/(?:-/)?"
    rf"(?:(?:pull|pulls|pull-requests|merge_requests|pullrequest)/(?P<pull>{_NUMBER})"
    rf"|commits?/(?P<commit>[0-9a-fA-F]{{7,40}})|issues/(?P<issue>{_NUMBER}))(?:/.*)?"
)
_OF_A_TRACKER = re.compile(
    r"/(?:[^/]{1,100}/)?(?:browse|issue)/(?P<key>[A-Za-z][A-Za-z0-9_]{1,19}-[1-9]\d{0,8})(?:/.*)?"
)
# As another project calls a merge request. Whether `owner/repo#12` is an issue or a pull request, the repo knows.
_BY_NAME = re.compile(rf"(?P<repo>[\w.-]{{1,100}}(?:/[\w.-]{{1,100}}){{1,5}})!(?P<pull>{_NUMBER})")
# Parts of an address that forges put around owner and name: of a page, and of what is cloned.
_AROUND = frozenset(("projects", "repos", "scm", "_git", "v3"))


class AskedFeature(Value, frozen=True, kw_only=True):
    """What is asked for. text: what names it in its repo; host, path: of the repo, "" where nothing said which.

    kind: what a page is of, None where that was not said.
    """

    text: str
    kind: Literal["pull_request", "issue", "commit"] | None = None
    host: str = ""
    path: str = ""

    def is_in(self, web: WebAddress) -> bool:
        """Say whether it may be in a source repo: everywhere, unless it is a page of another one."""
        if not self.path:
            return True
        return self.is_served_at(web.base) and self.is_called(web.path)

    def is_served_at(self, page: str | None) -> bool:
        """Say the same by a page of the repo alone; None: no page of it is known."""
        host = urlsplit(page).hostname if page is not None and is_page(page) else None
        # Git is often served under a name of its own: ssh.github.com, ssh.dev.azure.com.
        same = host is None or host == self.host or host.endswith(f".{self.host}") or self.host.endswith(f".{host}")
        return same or not self.host

    def is_called(self, repo: str) -> bool:
        """Say the same by a repo's name alone, as a Feature has it: `owner/name`, or without an owner."""
        ours, theirs = _parts(repo), _parts(self.path)
        return not theirs or theirs[-len(ours) :] == ours


def asked_feature(text: str) -> AskedFeature:
    """Read what somebody asks for. What is no page that is known is taken as it is written, without quotes around."""
    text = _unquoted(text[:MAX_TEXT].strip())
    if (named := _BY_NAME.fullmatch(text)) is not None:
        return AskedFeature(text=f"PR-{named['pull']}", kind="pull_request", path=named["repo"])
    return _page(text) if is_page(text) else AskedFeature(text=text)


def _unquoted(text: str) -> str:
    # A shell takes quotes away, the field of a page does not.
    inner = text[1:-1].strip()
    return inner if inner and text == f'"{text[1:-1]}"' and '"' not in inner else text


def _page(text: str) -> AskedFeature:
    parts = urlsplit(text)
    if tracker := _OF_A_TRACKER.fullmatch(parts.path):
        return AskedFeature(text=tracker["key"].upper())
    found = _OF_A_REPO.fullmatch(parts.path)
    if found is None:
        return AskedFeature(text=text)
    host, path = parts.hostname or "", unquote(found["repo"])
    if found["pull"]:
        return AskedFeature(text=f"PR-{found['pull']}", kind="pull_request", host=host, path=path)
    if found["issue"]:
        return AskedFeature(text=f"#{found['issue']}", kind="issue", host=host, path=path)
    return AskedFeature(text=found["commit"].lower(), kind="commit", host=host, path=path)


def _parts(path: str) -> list[str]:
    return [part for part in path.lower().split("/") if part and part not in _AROUND]
