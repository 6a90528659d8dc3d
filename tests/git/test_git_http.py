"""Both adapters against a real Git server over HTTP: credentials, refusals, and what gets lost on the way."""

import pytest

from lastgood.core.application import Scope
from lastgood.core.commit import Edit
from lastgood.core.errors import HeadMoved, PushRefused, PushUnknown, RemoteUnreachable
from lastgood.git.clone import CloneConfigRepo
from lastgood.git.mirror import MirrorConfigRepo
from twins.config_repo import PRIYA, START
from twins.git_fixtures import BareRemote, clone, git, hook
from twins.git_http import PASSWORD, git_over_http

WEB = Scope(path="apps/web")


@pytest.fixture
def server(tmp_path):
    with git_over_http(tmp_path) as serving:
        yield serving


@pytest.fixture
def remote(tmp_path):
    made = BareRemote(tmp_path / "config.git")
    git(made.folder, "config", "http.receivepack", "true")
    return made


@pytest.fixture(params=["mirror", "clone"])
async def repo(request, remote, server, tmp_path):
    await remote.commit_files("main", {"apps/web/a": "1"})
    if request.param == "mirror":
        yield MirrorConfigRepo(tmp_path / "mirror", server.url("config.git"), "config")
        return
    opened = CloneConfigRepo(clone(server.url("config.git"), tmp_path / "clone"))
    yield opened
    opened.close()


async def _plan(repo):
    head = await repo.fetch("main")
    blob = await repo.write_blob(b"ours")
    tree = await repo.write_tree((await repo.commit(head)).tree, [Edit(path="apps/web/a", oid=blob)])
    made = await repo.make_commit(tree=tree, parents=[head], author=PRIYA, authored_at=START, message="Ours\n")
    return head, made


async def test_what_was_committed_is_pushed_and_read_again(repo, remote):
    """Fetch, commit, push, history: the credentials of the URL are all that it takes."""
    head, ours = await _plan(repo)
    await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == ours
    assert await repo.fetch("main") == ours
    assert [e.commit.oid for e in (await repo.history(ours, WEB)).entries] == [ours, head]


async def test_somebody_else_was_first(repo, remote):
    """The lease is refused, and the answer says where the branch is."""
    head, ours = await _plan(repo)
    theirs = await remote.commit_files("main", {"apps/cart/a": "2"})
    with pytest.raises(HeadMoved) as moved:
        await repo.push("main", ours, expected=head)
    assert moved.value.facts["found"] == theirs


async def test_a_protected_branch_says_so_in_its_own_words(repo, remote):
    """A hook that refuses is a refusal, over HTTP too."""
    hook(remote.folder, "pre-receive", "echo 'only the release managers push here'; exit 1")
    head, ours = await _plan(repo)
    with pytest.raises(PushRefused, match="only the release managers push here"):
        await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == head


async def test_a_reply_that_got_lost_is_a_push_that_arrived(repo, remote, server):
    """The server moved the branch and the connection ended: a look at the branch gives the answer."""
    head, ours = await _plan(repo)
    server.lose_reply = 1
    await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == ours


async def test_no_reply_and_then_no_server_is_not_known(repo, server, remote, monkeypatch):
    """Nothing is claimed: the same command finds out later."""
    head, ours = await _plan(repo)
    server.lose_reply = 1
    hook(remote.folder, "post-receive", "exit 0")
    real = repo.fetch

    async def gone(branch):
        server.status = 503
        return await real(branch)

    monkeypatch.setattr(repo, "fetch", gone)
    with pytest.raises(PushUnknown):
        await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == ours


@pytest.mark.parametrize("status", [403, 404, 500, 503])
async def test_a_server_that_answers_with_an_error_is_unreachable_and_nothing_was_sent(repo, server, status):
    """Fetch and push both say it, and neither shows the credentials."""
    head, ours = await _plan(repo)
    server.status = status
    for failing in (repo.fetch("main"), repo.push("main", ours, expected=head)):
        with pytest.raises(RemoteUnreachable) as unreachable:
            await failing
        assert PASSWORD not in unreachable.value.message + str(unreachable.value.facts)


async def test_a_wrong_password_is_told_without_showing_it(remote, server, tmp_path):
    """No terminal is asked, and the URL is shown without what is secret in it."""
    await remote.commit_files("main", {"apps/web/a": "1"})
    repo = MirrorConfigRepo(tmp_path / "mirror", server.url("config.git", password="wr0ng-one"), "config")
    with pytest.raises(RemoteUnreachable, match=r"Authentication failed|could not read") as refused:
        await repo.fetch("main")
    assert "wr0ng-one" not in refused.value.message + str(refused.value.facts)
