"""The agent's mirror: what it fetches, how it survives damage, and what a push comes to when things go wrong."""

import asyncio
import gc
import shutil
import stat
import weakref

import pygit2
import pytest

from lastgood.core.application import Scope
from lastgood.core.commit import Edit
from lastgood.core.errors import (
    GitFailed,
    HeadMoved,
    LastgoodError,
    ObjectMissing,
    PushRefused,
    PushUnknown,
    RemoteUnreachable,
    RepoUnsupported,
)
from lastgood.git.clone import CloneConfigRepo
from lastgood.git.mirror import MirrorConfigRepo
from lastgood.git.program import Git
from twins.config_repo import PRIYA, START
from twins.git_fixtures import BareRemote, clone, git, hook, long_history, unhook

WEB = Scope(path="apps/web")


@pytest.fixture
def remote(tmp_path):
    return BareRemote(tmp_path / "config.git")


@pytest.fixture(params=["mirror", "clone"])
def repo(request, remote, tmp_path):
    """Both real adapters: what a push comes to is judged in one place."""
    if request.param == "mirror":
        yield MirrorConfigRepo(tmp_path / "mirror", remote.url, "config")
        return
    opened = CloneConfigRepo(clone(remote.folder, tmp_path / "clone"))
    yield opened
    opened.close()


@pytest.fixture
def mirror(remote, tmp_path):
    return MirrorConfigRepo(tmp_path / "mirror", remote.url, "config")


async def _plan(repo, head):
    blob = await repo.write_blob(b"ours")
    tree = await repo.write_tree((await repo.commit(head)).tree, [Edit(path="apps/web/a", oid=blob)])
    return await repo.make_commit(tree=tree, parents=[head], author=PRIYA, authored_at=START, message="Ours\n")


async def _start(remote, repo):
    head = await remote.commit_files("main", {"apps/web/a": "1"})
    await repo.fetch("main")
    return head, await _plan(repo, head)


# pushes that go wrong


def _lose_reply(remote, script=""):
    """Let the server die once the branch has moved and before it has answered, with a script in between."""
    hook(
        remote.folder,
        "reference-transaction",
        f"""
        test "$1" = committed -a -z "$INSIDE" || exit 0
        export INSIDE=1
        {script}
        touch replied-not
        kill -9 $PPID
        """,
    )


async def test_a_lost_reply_is_done_if_the_commit_is_there(remote, repo):
    """The connection dies after the update: the remote is asked, and it has our commit."""
    head, ours = await _start(remote, repo)
    _lose_reply(remote)

    await repo.push("main", ours, expected=head)

    assert (remote.folder / "replied-not").exists()
    assert remote.ref("refs/heads/main") == ours


async def test_a_lost_reply_with_a_bot_on_top_is_done(remote, repo, tmp_path):
    """Our commit below a bot's is there, though the reply was lost."""
    head, ours = await _start(remote, repo)
    bot = await remote.commit_files("main", {"b": "bot"}, parents=(head,), move=False)
    tree = git(remote.folder, "rev-parse", f"{bot}^{{tree}}")
    who = "GIT_AUTHOR_NAME=bot GIT_AUTHOR_EMAIL=b@x GIT_COMMITTER_NAME=bot GIT_COMMITTER_EMAIL=b@x"
    _lose_reply(remote, f"git update-ref refs/heads/main $({who} git commit-tree -p main -m bot {tree})")

    await repo.push("main", ours, expected=head)

    assert git(remote.folder, "rev-parse", "main~1") == ours


async def test_no_answer_at_all_is_unknown(remote, repo):
    """The reply is lost and nobody can be asked: unknown; the same push later finishes it."""
    head, ours = await _start(remote, repo)
    away = remote.folder.with_name("away.git")
    _lose_reply(remote, f"mv {remote.folder} {away}")

    with pytest.raises(PushUnknown):
        await repo.push("main", ours, expected=head)

    away.rename(remote.folder)
    unhook(remote.folder, "reference-transaction")
    await repo.push("main", ours, expected=head)
    assert remote.ref("refs/heads/main") == ours


async def test_a_connection_that_dies_before_the_update_is_unknown(remote, repo):
    """No clear no and nothing moved: the server may still be at it, so nobody knows."""
    head, ours = await _start(remote, repo)
    hook(remote.folder, "pre-receive", "echo x >> tries; kill -9 $PPID")

    with pytest.raises(PushUnknown):
        await repo.push("main", ours, expected=head)

    assert (remote.folder / "tries").read_text() == "x\nx\n"
    assert remote.ref("refs/heads/main") == head


async def test_a_connection_that_dies_once_is_tried_again(remote, repo):
    """The same commit once more, which the lease makes harmless."""
    head, ours = await _start(remote, repo)
    hook(remote.folder, "pre-receive", "test -e tried || { touch tried; kill -9 $PPID; }")

    await repo.push("main", ours, expected=head)

    assert remote.ref("refs/heads/main") == ours


async def test_a_race_lost_on_the_server_is_no_refusal(remote, repo):
    """`[remote rejected]` while somebody else's push goes through means that the head moved."""
    head, ours = await _start(remote, repo)
    theirs = await remote.commit_files("main", {"apps/web/a": "theirs"}, move=False)
    hook(remote.folder, "update", f"git update-ref refs/heads/main {theirs}; exit 1")

    with pytest.raises(HeadMoved) as moved:
        await repo.push("main", ours, expected=head)
    assert moved.value.facts["found"] == theirs


async def test_a_server_without_atomic_push_is_good_enough(remote, repo):
    """One ref needs no atomic push."""
    git(remote.folder, "config", "receive.advertiseAtomic", "false")
    head, ours = await _start(remote, repo)

    await repo.push("main", ours, expected=head)

    assert remote.ref("refs/heads/main") == ours


async def test_a_server_that_forbids_rewinding_says_so(remote, repo):
    """A refused reset is told in the server's words."""
    git(remote.folder, "config", "receive.denyNonFastForwards", "true")
    head, ours = await _start(remote, repo)
    await repo.push("main", ours, expected=head)

    with pytest.raises(PushRefused, match="non-fast-forward"):
        await repo.push("main", head, expected=ours)


async def test_a_servers_words_are_bounded_and_printable(remote, repo):
    """A hook can neither flood nor colour the screen, nor get a credential printed."""
    head, ours = await _start(remote, repo)
    hook(remote.folder, "pre-receive", "printf '\\033[31mhttps://u:s3cret@h/x %2000d\\n' 1 >&2; exit 1")

    with pytest.raises(PushRefused) as refused:
        await repo.push("main", ours, expected=head)

    said = refused.value.facts["remote_message"]
    assert len(said) <= 600
    assert said.isprintable()
    assert "s3cret" not in str(refused.value)


# the mirror itself


async def test_only_the_named_branch_and_tags_come(remote, mirror):
    """Other branches, replacements and a forge's pull requests stay where they are."""
    head = await remote.commit_files("main", {"a": "1"})
    for ref in ("refs/heads/other", "refs/replace/" + "1" * 40, "refs/pull/1/head", "refs/tags/v1"):
        remote.set(ref, head)

    await mirror.fetch("main")

    assert git(mirror.folder, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main", "refs/tags/v1"]
    assert (await mirror.resolve("v1")).oid == head
    assert (await mirror.resolve("main")).oid == head


async def test_a_replaced_commit_is_read_as_it_is(remote, mirror):
    """Even a replacement inside the mirror changes no answer."""
    old = await remote.commit_files("main", {"apps/web/a": "1"})
    head = await remote.commit_files("main", {"apps/web/a": "2"})
    await mirror.fetch("main")
    git(mirror.folder, "replace", head, old)

    assert [e.commit.oid for e in (await mirror.history(head, WEB)).entries] == [head, old]


async def test_one_rollback_is_one_fetch_and_one_push(remote, mirror, monkeypatch):
    """Between them nothing starts a process: that is what makes a warm rollback quick."""
    head, _ = await _start(remote, mirror)
    old = head
    head = await remote.commit_files("main", {"apps/web/a": "2"})
    await mirror.fetch("main")
    await mirror.history(head, WEB)
    newest = await remote.commit_files("main", {"b": "3"})
    commands = []
    arguments = Git.arguments
    monkeypatch.setattr(Git, "arguments", lambda self, *a: commands.append(a[0]) or arguments(self, *a))

    found = await mirror.fetch("main")
    tree = (await mirror.entry(old, "apps/web")).oid
    restored = await mirror.write_tree(
        (await mirror.commit(found)).tree, [Edit(path="apps/web", mode=0o40000, oid=tree)]
    )
    ours = await mirror.make_commit(tree=restored, parents=[found], author=PRIYA, authored_at=START, message="x")
    await mirror.changes((await mirror.commit(found)).tree, restored)
    assert await mirror.is_ancestor(old, found)
    await mirror.push("main", ours, expected=newest)

    assert commands == ["fetch", "push"]


async def test_a_second_question_at_a_new_head_scans_only_the_new_commits(remote, mirror, monkeypatch):
    """What was read of the branch before is not read again."""
    await _start(remote, mirror)
    head = await remote.commit_files("main", {"apps/web/a": "2"})
    await mirror.fetch("main")
    await mirror.history(head, WEB)
    newer = await remote.commit_files("main", {"apps/web/a": "3"})
    await mirror.fetch("main")
    scans = []
    scan = mirror._index._read
    monkeypatch.setattr(mirror._index, "_read", lambda tip, since: scans.append((tip, since)) or scan(tip, since))

    assert len((await mirror.history(newer, WEB)).entries) == 3
    assert len((await mirror.history(newer, Scope(path="apps"))).entries) == 3
    assert scans == [(newer, head)]


async def test_history_is_what_a_naive_look_at_each_commit_finds(tmp_path):
    """On a history with merges and returns, grown in two steps: the same as asking git commit by commit."""
    source = long_history(tmp_path / "long.git", commits=150, files=24, applications=4, merge_every=5, revert_every=7)
    mirror = MirrorConfigRepo(tmp_path / "mirror", f"file://{source}", "long")
    line = git(source, "rev-list", "--first-parent", "main").split()
    await mirror.fetch("main")
    for head in (line[120], line[60], line[30], line[0], line[20]):
        below = line[line.index(head) :]
        for path in ("apps/app0001/staging", "apps/app0002/production", "apps/app0003", "apps"):
            asked = "".join(f"{oid}:{path}\n" for oid in below).encode()
            trees = [x.split()[0] for x in git(source, "cat-file", "--batch-check", stdin=asked).splitlines()]
            older = [*trees[1:], None]
            naive = [(oid, tree) for oid, tree, before in zip(below, trees, older, strict=True) if tree != before]
            entries = (await mirror.history(head, Scope(path=path))).entries
            assert [(e.commit.oid, e.version) for e in entries] == naive


async def test_a_mirror_with_a_broken_object_is_rebuilt(remote, mirror):
    """A damaged object is an error once; the next fetch puts a whole mirror in its place, own refs and all."""
    head, ours = await _start(remote, mirror)
    await mirror.keep("refs/lastgood/unpushed/1", ours)
    tree = (await mirror.commit(head)).tree
    file = mirror.folder / "objects" / tree[:2] / tree[2:]
    file.chmod(0o644)
    file.write_bytes(b"garbage")
    reopened = MirrorConfigRepo(mirror.folder, remote.url, "config")

    with pytest.raises(LastgoodError):
        await reopened.entry(head, "apps/web/a")
    assert await reopened.fetch("main") == head

    assert (await reopened.entry(head, "apps/web/a")).is_file
    assert git(reopened.folder, "fsck") == ""
    assert len(list(mirror.folder.parent.glob("mirror.damaged-*"))) == 1


async def test_a_rebuild_carries_own_refs_over(remote, mirror):
    """A commit that nobody has but the mirror survives the rebuild, where it can still be read."""
    _, ours = await _start(remote, mirror)
    await mirror.keep("refs/lastgood/unpushed/1", ours)
    mirror.objects.damaged = True

    await mirror.fetch("main")

    assert await mirror.kept("refs/lastgood/") == {"refs/lastgood/unpushed/1": ours}
    assert (await mirror.commit(ours)).message == "Ours\n"


async def test_a_mirror_that_was_deleted_is_made_again_by_the_next_fetch(remote, mirror):
    """Under a running server, too: the next look finds what the remote has; until it answers nothing stands there."""
    head, _ = await _start(remote, mirror)
    shutil.rmtree(mirror.folder)
    away = remote.folder.rename(remote.folder.with_name("away.git"))
    with pytest.raises(RemoteUnreachable):
        await mirror.fetch("main")
    away.rename(remote.folder)

    assert await mirror.fetch("main") == head
    assert (await mirror.entry(head, "apps/web/a")).is_file
    assert [p.name for p in mirror.folder.parent.glob("mirror*")] == ["mirror"]
    assert await mirror.fetch("main") == head


async def test_a_rebuild_without_the_remote_loses_nothing(remote, mirror):
    """While the remote is away a damaged mirror stays as it is."""
    head, _ = await _start(remote, mirror)
    mirror.objects.damaged = True
    remote.folder.rename(remote.folder.with_name("away.git"))

    with pytest.raises(RemoteUnreachable):
        await mirror.fetch("main")

    assert await mirror.head("main") == head
    assert [p.name for p in mirror.folder.parent.glob("mirror*")] == ["mirror"]


async def test_a_folder_that_is_no_repository_is_put_aside(remote, tmp_path):
    """Whatever stands in the mirror's place is kept beside it, and a new mirror is made."""
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "HEAD").write_text("garbage")
    head = await remote.commit_files("main", {"a": "1"})

    mirror = MirrorConfigRepo(tmp_path / "mirror", remote.url, "config")

    assert await mirror.fetch("main") == head
    assert (tmp_path / "mirror.damaged-1" / "HEAD").read_text() == "garbage"


async def test_the_url_is_kept_from_other_accounts_and_from_errors(tmp_path):
    """Credentials stand in a folder of mode 0700, and in no error and no representation."""
    mirror = MirrorConfigRepo(tmp_path / "mirror", "https://user:s3cret@localhost:1/x.git?token=s3cret", "config")

    assert stat.S_IMODE(mirror.folder.stat().st_mode) == 0o700
    with pytest.raises(RemoteUnreachable) as away:
        await mirror.fetch("main")
    assert "s3cret" not in str(away.value) + str(away.value.facts) + repr(mirror)


@pytest.mark.parametrize("url", ["-u./x", "--upload-pack=touch x"])
def test_an_address_is_never_an_option(tmp_path, url):
    """A URL that starts with a dash is refused before git sees it."""
    with pytest.raises(GitFailed):
        MirrorConfigRepo(tmp_path / "mirror", url, "config")


async def test_commands_in_addresses_do_not_run(tmp_path):
    """The `ext::` transport is off."""
    mirror = MirrorConfigRepo(tmp_path / "mirror", f"ext::touch {tmp_path}/ran", "config")

    with pytest.raises(RemoteUnreachable):
        await mirror.fetch("main")
    assert not (tmp_path / "ran").exists()


async def test_a_sha256_remote_is_refused_clearly(tmp_path):
    """A remote that names its objects by SHA-256 is told apart from one that is away."""
    folder = tmp_path / "new.git"
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "--object-format=sha256", "--initial-branch=main", ".")
    empty_tree = git(folder, "mktree", stdin=b"")
    git(folder, "update-ref", "refs/heads/main", git(folder, "commit-tree", "-m", "x", empty_tree))
    mirror = MirrorConfigRepo(tmp_path / "mirror", f"file://{folder}", "config")

    with pytest.raises(RepoUnsupported):
        await mirror.fetch("main")


@pytest.mark.parametrize("branch", ["", "-x", "a..b", "a b", "a:b", "*", "refs/../x", "x.lock", "@", "a\nb", "a~1"])
async def test_a_branchs_name_is_checked_before_git_sees_it(mirror, branch):
    """No name of a branch becomes an option, a pattern or a second refspec."""
    with pytest.raises(GitFailed):
        await mirror.fetch(branch)


async def test_readers_and_fetches_at_once(remote, mirror):
    """Many threads read while others fetch new commits: every answer is whole."""
    head, _ = await _start(remote, mirror)
    heads = [head, *[await remote.commit_files("main", {"apps/web/a": str(number + 5)}) for number in range(3)]]

    async def read(oid):
        for _ in range(10):
            try:
                history = await mirror.history(oid, WEB)
            except ObjectMissing:
                continue  # not fetched yet
            assert history.entries[0].commit.oid == oid

    await asyncio.gather(*(read(oid) for oid in heads), *(mirror.fetch("main") for _ in range(4)))
    assert await mirror.head("main") == heads[-1]


async def test_what_reading_gathered_is_let_go_and_reading_goes_on(remote, mirror):
    """Every handle is closed, those of threads at rest too; whoever reads at that moment is not disturbed."""
    head = await remote.commit_files("main", {f"apps/a{n}/f": f"{n}" for n in range(40)})
    await mirror.fetch("main")
    handles: list[weakref.ref[pygit2.Repository]] = []

    async def read(n: int) -> bytes:
        handles.append(await asyncio.to_thread(lambda: weakref.ref(mirror.objects.repository)))
        entry = await mirror.entry(head, f"apps/a{n}/f")
        mirror.let_go()
        return await mirror.read(entry.oid, max_bytes=100)

    found = await asyncio.gather(*(read(n) for n in range(40)))
    mirror.let_go()
    gc.collect()

    assert found == [str(n).encode() for n in range(40)]
    assert [handle() for handle in handles] == [None] * 40
