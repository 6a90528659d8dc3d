"""The agent's mirror against a real sshd: a key, a wrong key of the host, and a server that is gone."""

import pytest

from lastgood.core.commit import Edit
from lastgood.core.errors import PushRefused, RemoteUnreachable
from lastgood.git.mirror import MirrorConfigRepo
from twins.config_repo import PRIYA, START
from twins.git_fixtures import BareRemote, hook
from twins.git_ssh import SSHD, git_over_ssh

pytestmark = pytest.mark.skipif(SSHD is None, reason="needs sshd, which .ci/run installs")


@pytest.fixture
def remote(tmp_path):
    return BareRemote(tmp_path / "config.git")


async def test_a_mirror_over_ssh_fetches_and_pushes_and_is_refused(remote, tmp_path, monkeypatch):
    """The whole way with a key; a hook's words arrive; another host key is not trusted; a dead server is told."""
    with git_over_ssh(tmp_path / "ssh") as server:
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
        first = await remote.commit_files("main", {"apps/web/a": "1"})
        repo = MirrorConfigRepo(tmp_path / "mirror", server.url(remote.folder), "config")
        assert await repo.fetch("main") == first
        blob = await repo.write_blob(b"ours")
        tree = await repo.write_tree((await repo.commit(first)).tree, [Edit(path="apps/web/a", oid=blob)])
        ours = await repo.make_commit(tree=tree, parents=[first], author=PRIYA, authored_at=START, message="Ours\n")
        hook(remote.folder, "pre-receive", "echo 'not today'; exit 1")
        with pytest.raises(PushRefused, match="not today"):
            await repo.push("main", ours, expected=first)
        (remote.folder / "hooks" / "pre-receive").unlink()
        await repo.push("main", ours, expected=first)
        assert remote.ref("refs/heads/main") == ours
        monkeypatch.setenv("GIT_SSH_COMMAND", server.stranger)
        with pytest.raises(RemoteUnreachable, match="Host key verification failed"):
            await repo.fetch("main")
    with pytest.raises(RemoteUnreachable, match="Connection refused"):
        await repo.push("main", first, expected=ours)
