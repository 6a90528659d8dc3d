"""Rollbacks by pull request: opened once, and what becomes of them is told by what the branch has."""

import pytest
from msgspec.structs import replace

from lastgood.core.errors import CommandLineWrong, HeadMoved, PullRequestRefused, PushRefused, PushUnknown
from lastgood.core.request import HoldRequest, RollbackRequest, UndoRequest
from lastgood.flows.pull_request import settle_requests
from lastgood.flows.recover import recover
from lastgood.flows.why import WhyDeployed
from lastgood.store import SqlStore
from twins.pull_requests import FORGE, MemoryPullRequests
from twins.rollback_world import CART, WEB, YAML, RollbackWorld, make_world, outcome

URL = f"{FORGE}/pulls/1"


@pytest.fixture(params=["memory", "mirror", "clone"])
def world(request, tmp_path):
    store = None if request.param == "clone" else SqlStore.in_memory()
    for made in make_world(request.param, tmp_path, store=store):
        made.branch.__dict__["pulls"] = MemoryPullRequests()
        yield made
    if store is not None:
        store.close()


@pytest.fixture
def memory(tmp_path):
    for made in make_world("memory", tmp_path):
        made.branch.__dict__["pulls"] = MemoryPullRequests()
        yield made


async def begun(world: RollbackWorld, **words):
    """Release two versions, and ask for the first by pull request; return its commit, the head before, the plan."""
    await world.begin()
    first, second = await world.release(name="v1"), await world.release(name="v2")
    return first, second, await world.roll_back(to=first, via="pr", **words)


async def files_of(world: RollbackWorld, plan, **edits):
    files = {}
    for app in plan.applications:
        for file in app.files:
            files[file.path] = await world.text(plan.result.commit, file.path)
    return files | edits


async def merge(world: RollbackWorld, plan, *, how: str, told: bool = True, **edits) -> str:
    """Merge as a forge does: with a merge commit or squashed, on what the branch has now."""
    head = await world.head()
    parents = [head, plan.result.commit] if how == "merge" else [head]
    files = await files_of(world, plan, **edits)
    merged = await world.remote.commit_files("main", files, message="Merge pull request #1", parents=parents)
    if told:
        world.branch.pulls.end(1, "merged", merged_as=merged)
    await world.repo.fetch("main")
    return merged


async def only(world: RollbackWorld, app: str = "web-production"):
    (operation,) = await world.journal.operations(app)
    return operation


async def test_nothing_moves_until_it_is_merged(world):
    """The branch stays; the commit is on a branch of its own; the request says why and what leaves."""
    first, second, plan = await begun(world, reason="checkout returns 500")
    assert await world.head() == second
    assert (plan.via, plan.result.pull_request, plan.result.pushed) == ("pr", URL, False)
    source = f"lastgood/rollback/{plan.id}"
    assert world.remote.refs[f"refs/heads/{source}"] == plan.result.commit
    assert (await world.repo.commit(plan.result.commit)).parents == (second,)
    sent = world.branch.pulls.sent[1]
    assert (sent["source"], sent["into"]) == (source, "main")
    assert sent["title"] == f"Roll back web-production to {first[:7]}"
    assert sent["body"] == f"checkout returns 500\n\n```text\nWhat leaves:\n- {second[:7]} Release web v2\n```"
    waits = await only(world)
    assert (waits.step, waits.message, waits.finished_at) == ("waiting", "", None)
    assert plan.git[-1] == f"git push --porcelain origin HEAD:refs/heads/{source}"


async def test_the_same_command_finds_the_open_one(world):
    """Asked again it is the same request, with nothing pushed and nothing opened."""
    first, _, plan = await begun(world)
    again = await world.roll_back(to=first, via="pr")
    assert (again.id, again.result) == (plan.id, plan.result)
    assert len(world.branch.pulls.kept) == 1
    assert (await only(world)).step == "waiting"


@pytest.mark.parametrize("words", [{"reason": "again"}, {"to": None, "previous": True}, {"despite": ("busy",)}])
async def test_another_command_for_the_same_finds_the_open_one(world, words):
    """Whatever the words: one pull request for the same version of the same application, with its hold."""
    first, _, plan = await begun(world, reason="checkout returns 500")
    asked = {"to": first, "via": "pr", **words}
    for told in (await world.plan(**asked), await world.roll_back(**asked)):
        assert (told.id, told.result, told.reason) == (plan.id, plan.result, "checkout returns 500")
    assert len(world.branch.pulls.kept) == 1
    name = (await only(world)).by.name
    for otherwise in ({"hold": False}, {"via": "push"}):
        (note,) = (await world.plan(**{**asked, **otherwise})).notes
        assert note == f"{URL} waits to be merged: Roll back web-production to {first[:7]}, asked for by {name}"
    other = await world.roll_back(**asked, hold=False)
    assert other.result.pull_request == f"{FORGE}/pulls/2"
    pushed = await world.roll_back(**{**asked, "via": "push"})
    assert pushed.result.pushed is True


async def test_a_closed_one_is_not_found_by_another_command(memory):
    """The forge is asked before, and what it says is told."""
    first, _, plan = await begun(memory)
    memory.branch.pulls.end(1, "closed")
    told = await memory.plan(previous=True, via="pr")
    assert (told.result.pull_request, told.id != plan.id) == (None, True)
    assert told.notes == (f"{URL} was closed without merging; nothing was deployed",)
    again = await memory.roll_back(to=first, via="pr")
    assert again.result.pull_request == f"{FORGE}/pulls/2"


@pytest.mark.parametrize("how", ["merge", "squash"])
@pytest.mark.parametrize("ask", [True, False])
@pytest.mark.parametrize("hold", [True, False])
async def test_a_merge_is_recognised_by_its_content(world, how, ask, hold):
    """However the forge merged it, and whatever it says; others' commits in between do not matter.

    Without the commit itself and without a hold only the forge knows that it was merged: Git has the same content.
    It is asked before that is followed.
    """
    first, _, plan = await begun(world, hold=hold)
    await world.commit({f"{CART}/deploy.conf": "cart\n"})
    merged = await merge(world, plan, how=how)
    await world.commit({f"{CART}/deploy.conf": "cart 2\n"})
    await settle_requests(world.branch, await world.head(), ask=ask)
    done = await only(world)
    assert (done.step, done.commit, done.message) == ("done", merged, "")
    if world.store is not None:
        tells = WhyDeployed(repo=world.repo, store=world.store)
        why = await tells(await world.repo.commit(merged), app="web-production")
        assert (why.trigger, why.operation, why.recorded) == ("rollback", plan.id, True)
        assert len(await world.store.holds("web-production")) == hold
    again = await world.roll_back(to=first, via="pr", hold=hold)
    assert (again.id, again.result.commit, again.result.pushed) == (plan.id, merged, True)
    await world.release(name="v3")
    further = await world.roll_back(to=first, via="pr", hold=hold)
    assert further.result.pull_request == f"{FORGE}/pulls/2"


@pytest.mark.parametrize("how", ["merge", "squash"])
async def test_one_that_was_opened_again_is_the_persons_once_it_is_merged(world, how):
    """Its commit or its hold tells: the forge is not asked about those that were closed."""
    _, _, plan = await begun(world)
    world.branch.pulls.end(1, "closed")
    await settle_requests(world.branch, await world.head())
    assert ((await only(world)).step, (await only(world)).message) == (
        "failed", f"{URL} was closed without merging; nothing was deployed"
    )  # fmt: skip
    await world.commit({f"{CART}/deploy.conf": "cart\n"})
    await settle_requests(world.branch, await world.head(), ask=False)
    assert (await only(world)).step == "failed"
    merged = await merge(world, plan, how=how)
    world.branch.pulls.away = "it is away"
    await settle_requests(world.branch, await world.head(), ask=False)
    done = await only(world)
    assert (done.step, done.commit, done.message) == ("done", merged, "")
    undone = await world.undo()
    assert undone.applications[0].version == plan.applications[0].from_.version


async def test_one_that_was_opened_again_and_merged_with_edits_stays_as_it_is_recorded(memory):
    """It is deployed as any commit."""
    _, _, plan = await begun(memory)
    memory.branch.pulls.end(1, "closed")
    await settle_requests(memory.branch, await memory.head())
    await merge(memory, plan, how="merge", **{f"{WEB}/more.conf": "more\n"})
    await settle_requests(memory.branch, await memory.head(), ask=False)
    assert "closed without merging" in (await only(memory)).message


@pytest.mark.parametrize("state", ["open", "merged"])
async def test_one_that_is_for_another_branch_is_not_waited_for(world, state):
    """Somebody changed the branch that it is for: the same command opens another one."""
    first, _, _ = await begun(world)
    world.branch.pulls.end(1, state, merged_as="d" * 40 if state == "merged" else None, into="release")
    again = await world.roll_back(to=first, via="pr")
    assert again.result.pull_request == f"{FORGE}/pulls/2"
    (ended,) = [one for one in await world.journal.operations("web-production") if one.step != "waiting"]
    assert (ended.step, ended.message) == ("failed", f"{URL} is for release by now, and not for main")


@pytest.mark.parametrize("how", ["merge", "squash"])
async def test_a_hold_that_was_reverted_before_anybody_looked_is_not_in_force(world, how):
    """The merge is recorded; no file has its hold any more, so nothing could end it later."""
    _, second, plan = await begun(world)
    await merge(world, plan, how=how)
    files = [file for app in plan.applications for file in app.files]
    before = {file.path: await world.text(second, file.path) if file.change == "modified" else None for file in files}
    await world.commit(before)
    await settle_requests(world.branch, await world.head(), ask=False)
    assert (await only(world)).step == "done"
    if world.store is not None:
        assert await world.store.holds("web-production") == []


async def test_the_same_content_of_somebody_else_is_not_the_request(memory):
    """Without a hold it is nobody's: the forge says that it waits still."""
    first, _, _ = await begun(memory, hold=False)
    await memory.roll_back(to=first, via="push", hold=False)
    await settle_requests(memory.branch, await memory.head(), ask=False)
    waiting = [one for one in await memory.branch.journal.operations("web-production") if one.step == "waiting"]
    assert [one.message.partition(":")[0] for one in waiting] == [
        "web-production moved since, so it does not fit any more"
    ]


@pytest.mark.parametrize("how", ["merge", "squash"])
async def test_what_was_merged_is_undone(world, how):
    """The undo of a merged request gives back what was before, and ends its hold."""
    _, second, plan = await begun(world)
    await merge(world, plan, how=how)
    undone = await world.undo()
    assert undone.result.pushed is True
    head = await world.head()
    assert await world.version(head) == await world.version(second)
    assert await (await world.branch.fetch()).file_holds("web-production") == ()


async def test_the_last_operation_is_the_one_that_was_merged_last(world):
    """Asked for before the hold, and merged after it: the undo takes the rollback back, and leaves the hold."""
    first, second, plan = await begun(world)
    held = await world.hold(first, reason="slow")
    files = await files_of(world, plan)
    path = ".lastgood/holds/web-production.hold"
    ours = await world.text(await world.head(), path)
    files[path] = ours + files[path].partition("holds:\n")[2]
    merged = await world.remote.commit_files("main", files, message="Merge pull request #1")
    world.branch.pulls.end(1, "merged", merged_as=merged)
    await world.repo.fetch("main")
    undone = await world.undo()
    assert undone.applications[0].to.version == await world.version(second)
    assert await world.version(await world.head()) == await world.version(second)
    assert [hold.id for hold in await (await world.branch.fetch()).file_holds("web-production")] == [held.holds[0].id]


async def test_the_same_command_after_the_merge_is_done(memory):
    """Nobody looked since: the command finds that it is merged, by which commit."""
    first, _, plan = await begun(memory)
    merged = await merge(memory, plan, how="squash")
    done = await memory.roll_back(to=first, via="pr")
    assert (done.id, done.result.commit, done.result.pushed) == (plan.id, merged, True)
    assert done.result.pull_request == URL


async def test_what_else_was_asked_for_meanwhile_does_not_hide_the_merge(memory):
    """Another that waits, one that came to nothing and a hold move nothing: the command is done all the same."""
    await memory.begin()
    first, second = await memory.release(name="v1"), await memory.release(name="v2")
    await memory.release(name="v3")
    plan = await memory.roll_back(previous=True, via="pr")
    await memory.roll_back(to=first, via="pr")
    merged = await merge(memory, plan, how="squash")
    await settle_requests(memory.branch, await memory.head())
    memory.branch.pulls.refuses = "the token may not open one there"
    with pytest.raises(PullRequestRefused):
        await memory.roll_back(to=first, via="pr", hold=False)
    memory.branch.pulls.refuses = ""
    await memory.hold(first, reason="slow")
    for told in (await memory.plan(previous=True, via="pr"), await memory.roll_back(previous=True, via="pr")):
        assert (told.id, told.result.commit, told.result.pushed) == (plan.id, merged, True)
    assert await memory.version(await memory.head()) == await memory.version(second)


@pytest.mark.parametrize("how", ["merge", "squash"])
async def test_another_result_is_recorded_as_such(world, how):
    """Merged with edits, it is not what was planned: no rollback is recorded as done."""
    _, _, plan = await begun(world)
    merged = await merge(world, plan, how=how, **{f"{WEB}/deploy.conf": "image: shop/web:v3\n"})
    await settle_requests(world.branch, await world.head())
    ended = await only(world)
    assert ended.step == "failed"
    assert ended.message == (
        f"{URL} was merged with another result at {merged[:7]}: web-production did not get the version that was planned"
    )


async def test_a_merge_without_the_hold_is_another_result(memory):
    """Somebody took the hold out of the request: that is said."""
    _, _, plan = await begun(memory)
    await merge(memory, plan, how="squash", **{".lastgood/holds/web-production.hold": None})
    await settle_requests(memory.branch, await memory.head())
    assert (await only(memory)).message.endswith("the holds are not those that were planned")


async def test_a_closed_one_is_over(world):
    """Closed without merging: nothing was deployed, and the same command opens another."""
    first, second, _ = await begun(world)
    world.branch.pulls.end(1, "closed")
    await settle_requests(world.branch, await world.head())
    ended = await only(world)
    assert (ended.step, ended.message) == ("failed", f"{URL} was closed without merging; nothing was deployed")
    again = await world.roll_back(to=first, via="pr")
    assert again.result.pull_request == f"{FORGE}/pulls/2"
    assert await world.head() == second


async def test_a_stale_one_is_planned_again_in_place(world):
    """The application moved: that is said, and the same command gives the same request a new commit."""
    first, _, plan = await begun(world)
    third = await world.release(name="v3")
    await settle_requests(world.branch, await world.head())
    waits = await only(world)
    assert waits.step == "waiting"
    stale = "web-production moved since, so it does not fit any more: the same command plans it again"
    assert waits.message == stale
    told = await world.plan(to=first, via="pr")
    (note,) = told.notes
    assert note.startswith(f"{URL} asks for web-production at {first[:7]}; web-production moved since")
    again = await world.roll_back(to=first, via="pr")
    assert (again.id, again.result.pull_request, again.head) == (plan.id, URL, third)
    assert f"- {third[:7]} Release web v3" in world.branch.pulls.sent[1]["body"]
    assert (await world.repo.commit(again.result.commit)).parents == (third,)
    assert world.remote.refs[f"refs/heads/lastgood/rollback/{plan.id}"] == again.result.commit
    assert ((await only(world)).step, (await only(world)).message) == ("waiting", "")
    merged = await merge(world, again, how="squash")
    await settle_requests(world.branch, await world.head())
    assert ((await only(world)).step, (await only(world)).commit) == ("done", merged)


@pytest.mark.parametrize("kind", ["rollback", "undo", "hold", "unhold"])
async def test_a_hold_that_came_meanwhile_is_planned_in(memory, kind):
    """Two commits that write one hold file are a conflict at the forge, so the same command plans it again."""
    await memory.begin()
    commits = [await memory.release(name=name) for name in ("v1", "v2", "v3")]
    if kind in {"undo", "unhold"}:
        await memory.roll_back(to=commits[1], reason="slow")
    await say(memory, "pull-request")
    act = {
        "rollback": lambda: memory.roll_back(to=commits[1]),
        "undo": memory.undo,
        "hold": lambda: memory.hold(commits[1]),
        "unhold": lambda: memory.unhold(commits[2]),
    }[kind]
    await act()
    await say(memory, "push")
    other = await memory.hold(commits[0], reason="leaks")
    await say(memory, "pull-request")
    await settle_requests(memory.branch, await memory.head())
    (waits,) = await memory.journal.pending()
    stale = "the holds of web-production changed since, so it does not fit any more"
    if kind == "undo":  # it means by now what was done since
        assert waits.message == f"{stale}: close it"
        (note,) = (await memory.undos.plan(UndoRequest(app="web-production"))).notes
        assert note.endswith(f"{stale}: close it")
        assert (await memory.undo()).result.pull_request == f"{FORGE}/pulls/2"
        return
    assert waits.message == f"{stale}: the same command plans it again"
    await act()
    (again,) = await memory.journal.pending()
    assert (again.id, again.message, again.pull_request, again.head) == (waits.id, "", URL, await memory.head())
    text = await memory.text(again.commit, ".lastgood/holds/web-production.hold")
    assert other.holds[0].id in text
    assert memory.remote.refs[f"refs/heads/lastgood/{kind}/{again.id}"] == again.commit


async def test_what_others_pushed_to_the_request_is_not_thrown_away(memory):
    """Planned again, it would replace what somebody added to its branch: it stops."""
    first, _, plan = await begun(memory)
    await memory.release(name="v3")
    source = f"lastgood/rollback/{plan.id}"
    theirs = await memory.remote.commit_files(source, {"note": "ours"})
    with pytest.raises(HeadMoved):
        await memory.roll_back(to=first, via="pr")
    assert memory.remote.refs[f"refs/heads/{source}"] == theirs
    waits = await only(memory)
    assert (waits.step, waits.commit) == ("waiting", plan.result.commit)
    assert "moved since" in waits.message


async def test_one_that_the_server_finishes_right_now_is_no_other_operation(memory):
    """It asks the forge anew at each look: the same command in that moment finishes it, too, and is not busy."""
    first, _, _ = await begun(memory)
    silent = await only(memory)
    memory.branch.pulls.kept.clear()
    memory.branch.pulls.sent.clear()
    await memory.journal.save(replace(silent, step="pushing"))
    planned = await memory.plan(to=first, via="pr", reason="in other words")
    assert [check.name for check in planned.blocking] == []
    other = await memory.plan(previous=True, via="push")
    assert [check.name for check in other.blocking] == ["busy"]
    done = await memory.roll_back(to=first, via="pr")
    assert (done.id, done.result.pull_request) == (silent.id, URL)


async def test_a_lost_answer_of_the_forge_is_asked_about(world):
    """Opened without an answer: nobody knows, the same command finds it and opens no second one."""
    first = await _two(world)
    world.branch.pulls.lose_replies = 1
    with pytest.raises(PushUnknown) as unknown:
        await world.roll_back(to=first, via="pr")
    assert "it is not known whether a pull request is open" in unknown.value.message
    assert (await only(world)).step == "unknown"
    world.branch.pulls.away = "it is away"
    with pytest.raises(PushUnknown, match=r"whether a pull request is open: .*it is away") as still:
        await world.roll_back(to=first, via="pr")
    assert still.value.facts["branch"].startswith("lastgood/rollback/")
    world.branch.pulls.away = ""
    again = await world.roll_back(to=first, via="pr")
    assert again.result.pull_request == URL
    assert len(world.branch.pulls.kept) == 1


@pytest.mark.parametrize("state", ["closed", "merged"])
async def test_what_somebody_did_before_the_answer_came_counts(memory, state):
    """What they closed is not opened once more; what they merged, squashed and without a hold, is the rollback."""
    first = await _two(memory)
    memory.branch.pulls.lose_replies = 1
    with pytest.raises(PushUnknown):
        await memory.roll_back(to=first, via="pr", hold=False)
    silent = await only(memory)
    merged = None
    if state == "merged":
        merged = await memory.commit({f"{WEB}/deploy.conf": await memory.text(silent.commit, f"{WEB}/deploy.conf")})
    memory.branch.pulls.end(1, state, merged_as=merged)
    await settle_requests(memory.branch, await memory.head())
    ended = await only(memory)
    told = (merged, "done", "") if merged else (silent.commit, "failed", f"{URL} was closed without merging")
    assert (ended.commit, ended.step, ended.message.partition(";")[0]) == told
    assert (ended.pull_request, len(memory.branch.pulls.kept)) == (URL, 1)
    again = await memory.roll_back(to=first, via="pr", hold=False)
    assert again.result.pull_request == (URL if merged else f"{FORGE}/pulls/2")


async def test_an_undo_that_was_merged_hides_no_hold_that_came_after_it(memory):
    """An undo takes back what was done last: the hold, and not that which was undone already."""
    await memory.begin()
    commits = [await memory.release(name=name) for name in ("v1", "v2", "v3")]
    await memory.roll_back(to=commits[1])
    await say(memory, "pull-request")
    undone = await memory.undo()
    merged = await merge(memory, undone, how="merge", **{".lastgood/holds/web-production.hold": None})
    await settle_requests(memory.branch, await memory.head())
    assert (await memory.undo()).result.commit == merged
    await say(memory, "push")
    await memory.clock.move(1)
    held = await memory.hold(commits[0], reason="leaks")
    again = await memory.undo()
    assert (again.id != undone.id, again.result.pushed) == (True, True)
    assert await memory.text(held.commit, ".lastgood/holds/web-production.hold") is not None
    assert await memory.text(again.result.commit, ".lastgood/holds/web-production.hold") is None


async def test_a_plan_tells_that_what_nobody_answered_was_merged(world):
    """Git has it by its hold; as long as it has not, a plan opens nothing and gives nothing up."""
    first = await _two(world)
    world.branch.pulls.lose_replies = 1
    with pytest.raises(PushUnknown):
        await world.roll_back(to=first, via="pr")
    silent = await only(world)
    again = await world.plan(to=first, via="pr")
    assert (again.result.pull_request, (await only(world)).step) == (None, "unknown")
    planned = replace(again, result=replace(again.result, commit=silent.commit))
    world.branch.pulls.away = "it is away"
    merged = await merge(world, planned, how="merge", told=False)
    done = await world.plan(to=first, via="pr")
    assert (done.id, done.result.commit, done.result.pushed) == (silent.id, merged, True)


async def _two(world: RollbackWorld) -> str:
    await world.begin()
    first = await world.release(name="v1")
    await world.release(name="v2")
    return first


async def test_an_agent_asks_a_forge_that_was_away_again(memory):
    """What had no answer is opened at a later look, without anybody asking for it."""
    first = await _two(memory)
    memory.branch.pulls.away = "it is away"
    with pytest.raises(PushUnknown):
        await memory.roll_back(to=first, via="pr")
    await settle_requests(memory.branch, await memory.head())
    assert (await only(memory)).step == "unknown"
    memory.branch.pulls.away = ""
    await settle_requests(memory.branch, await memory.head())
    assert ((await only(memory)).step, (await only(memory)).pull_request) == ("waiting", URL)


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("step", ["save 1", "propose", "open", "opened", "save 2"])
async def test_killed_at_any_step_the_next_start_goes_on(memory, step):
    """Either nothing happened, or the next start opens the one request that there is then."""
    first = await _two(memory)
    pulls, journal, repo = memory.branch.pulls, memory.journal, memory.repo
    saves = 0
    save, propose, opened = journal.save, repo.propose, pulls.open

    async def killed_save(operation):
        nonlocal saves
        saves += 1
        if step == f"save {saves}":
            raise Killed
        await save(operation)

    async def killed_propose(*words, **more):
        if step == "propose":
            raise Killed
        await propose(*words, **more)

    async def killed_open(*words, **more):
        if step == "open":
            raise Killed
        found = await opened(*words, **more)
        if step == "opened":
            raise Killed
        return found

    journal.save, repo.propose, pulls.open = killed_save, killed_propose, killed_open
    with pytest.raises(Killed):
        await memory.roll_back(to=first, via="pr")
    journal.save, repo.propose, pulls.open = save, propose, opened
    memory.branch.live.clear()
    await recover(memory.branch)
    if step == "save 1":
        assert (memory.journal.kept, pulls.kept) == ({}, {})
        return
    assert ((await only(memory)).step, (await only(memory)).pull_request) == ("waiting", URL)
    assert len(pulls.kept) == 1


async def test_one_that_waits_keeps_nobody_busy(world):
    """While it waits, a push goes ahead; then the request is stale, and stays what it is."""
    first, _, plan = await begun(world)
    pushed = await world.roll_back(to=first, reason="now")
    assert outcome(pushed, "busy") == "pass"
    assert pushed.result.pushed is True
    operations = {one.id: one for one in await world.journal.operations("web-production")}
    assert operations[plan.id].step == "waiting"
    await settle_requests(world.branch, await world.head())
    operations = {one.id: one for one in await world.journal.operations("web-production")}
    assert "moved since" in operations[plan.id].message


async def test_refusals_are_final(memory):
    """A forge that lets us open none, a server that takes no such branch: said, recorded, and over."""
    first = await _two(memory)
    memory.branch.pulls.refuses = "the token may not open one there"
    with pytest.raises(PullRequestRefused):
        await memory.roll_back(to=first, via="pr")
    memory.remote.refuse = lambda ref, commit: "no such branches here"
    with pytest.raises(PushRefused):
        await memory.roll_back(to=first, via="pr")
    assert [one.step for one in await memory.journal.operations("web-production")] == ["failed", "failed"]


@pytest.mark.parametrize("words", [{"mode": "reset"}, {"push": False}])
async def test_what_cannot_be_a_pull_request(memory, words):
    """A reset, a commit that stays here."""
    first = await _two(memory)
    with pytest.raises(CommandLineWrong):
        await memory.plan(to=first, via="pr", **words)


async def test_without_a_forge_it_is_said_what_to_set(memory):
    """Exit 2, with the setting's name."""
    await _two(memory)
    memory.branch.__dict__["pulls"] = None
    with pytest.raises(CommandLineWrong) as wrong:
        await memory.rollbacks.plan(RollbackRequest(apps=("web-production",), via="pr"))
    assert "[[forges]]" in wrong.value.hint


def say(world: RollbackWorld, delivery: str):
    """Let lastgood.yaml say how commits come to the branch."""
    return world.commit({"lastgood.yaml": f"{YAML}delivery: {delivery}\n"})


async def test_the_repo_may_ask_for_pull_requests(world):
    """Where nobody says it, `delivery: pull-request` does; `--via push` says otherwise for once."""
    first = await _two(world)
    await say(world, "pull-request")
    asked = await world.roll_back(to=first)
    assert (asked.via, asked.result.pull_request) == ("pr", URL)
    pushed = await world.roll_back(to=first, via="push")
    assert (pushed.via, pushed.result.pushed) == ("push", True)
    undone = await world.undo()
    assert (undone.via, undone.result.pull_request) == ("pr", f"{FORGE}/pulls/2")
    assert world.branch.pulls.sent[2]["source"] == f"lastgood/undo/{undone.id}"
    for name in ("v1", "v2"):
        await world.release(CART, name=name)
    kept = await world.roll_back("cart-production", previous=True, push=False)
    assert kept.result.pushed is False


async def test_a_refused_push_becomes_a_pull_request_only_where_the_repo_says_so(memory):
    """`pull-request-if-refused`: tried first, and then opened; by default the refusal is the end."""
    first = await _two(memory)
    memory.remote.refuse = lambda ref, commit: "protected branch" if ref == "refs/heads/main" else None
    with pytest.raises(PushRefused) as refused:
        await memory.roll_back(to=first)
    assert refused.value.hint == "nothing was changed; `--via pr` opens a pull request instead"
    with pytest.raises(PushRefused) as refused:
        await memory.hold(first)
    assert "`delivery: pull-request-if-refused` in lastgood.yaml would" in refused.value.hint
    memory.remote.refuse, refuse = lambda ref, commit: None, memory.remote.refuse
    await say(memory, "pull-request-if-refused")
    memory.remote.refuse = refuse
    with pytest.raises(PushRefused):
        await memory.roll_back(to=first, via="push")
    asked = await memory.roll_back(to=first)
    assert (asked.via, asked.result.pull_request) == ("pr", URL)
    assert (await by_id(memory, asked.id)).step == "waiting"
    assert asked.notes[-1] == "the server refuses the push to main: protected branch; so it goes by pull request"
    again = await memory.roll_back(to=first)
    assert again.result == asked.result
    memory.remote.refuse = lambda ref, commit: None
    merged = await merge(memory, asked, how="merge")
    await settle_requests(memory.branch, await memory.head())
    assert (await by_id(memory, asked.id)).commit == merged


async def test_where_no_forge_is_known_a_refusal_stays_one(memory):
    """Nothing else could be done; and what only a pull request could do says what to set."""
    first = await _two(memory)
    await say(memory, "pull-request-if-refused")
    memory.branch.__dict__["pulls"] = None
    memory.remote.refuse = lambda ref, commit: "protected branch"
    with pytest.raises(PushRefused) as refused:
        await memory.roll_back(to=first)
    assert refused.value.hint == "nothing was changed; ask who protects the branch"
    memory.remote.refuse = lambda ref, commit: None
    await say(memory, "pull-request")
    with pytest.raises(CommandLineWrong) as wrong:
        await memory.plan(to=first)
    assert "`delivery` in lastgood.yaml asks for" in wrong.value.message


async def by_id(world: RollbackWorld, operation: str):
    return next(one for one in await world.journal.operations("web-production") if one.id == operation)


@pytest.mark.parametrize("kind", ["hold", "unhold"])
async def test_holds_come_by_pull_request_as_well(world, kind):
    """A hold and its end: nothing is held or let go before it is merged; an unrelated commit is not the merge."""
    await _two(world)
    if kind == "unhold":
        await world.hold("previous", reason="slow")
    await say(world, "pull-request")
    act = world.hold if kind == "hold" else world.unhold
    request = HoldRequest(app="web-production", version="previous", reason="slow")
    assert (await getattr(world.holds, kind)(request, dry_run=True)).via == "pr"
    asked = await act("previous", reason="slow")
    assert (asked.pull_request, asked.pushed) == (URL, False)
    held = await (await world.branch.fetch()).file_holds("web-production")
    assert len(held) == (kind == "unhold")
    await world.release(name="v3")
    await settle_requests(world.branch, await world.head())
    waits = await by_id(world, asked.operation)
    assert (waits.step, waits.message) == ("waiting", "")
    path = ".lastgood/holds/web-production.hold"
    text = await world.text(asked.commit, path)
    merged = await world.remote.commit_files("main", {path: text}, message="Hold it (#1)")
    world.branch.pulls.end(1, "merged", merged_as=merged)
    await settle_requests(world.branch, await world.head())
    done = await by_id(world, asked.operation)
    assert (done.step, done.commit) == ("done", merged)
    if world.store is not None:
        assert len(await world.store.holds("web-production")) == (kind == "hold")


async def test_what_somebody_else_found_out_meanwhile_stands(memory):
    """A forge that answers late does not put a request back that was found to be merged."""
    _, _, plan = await begun(memory)
    await memory.release(name="v3")
    head, pulls = await memory.head(), memory.branch.pulls
    look = pulls.look

    async def slow(number):
        found = await look(number)
        done = await memory.journal.pending()
        await memory.journal.save(replace(done[0], step="done"))
        return found

    pulls.look = slow
    await settle_requests(memory.branch, head)
    done = await only(memory)
    assert (done.id, done.step, done.message) == (plan.id, "done", "")


async def test_a_merge_far_behind_the_head_is_found(memory):
    """However many commits of others came since the plan."""
    _, _, plan = await begun(memory)
    for number in range(30):
        await memory.commit({f"{CART}/deploy.conf": f"cart {number}\n"})
    merged = await merge(memory, plan, how="merge", told=False)
    for number in range(600):
        await memory.remote.commit_files("main", {f"{CART}/deploy.conf": f"later {number}\n"})
    await settle_requests(memory.branch, await memory.head(), ask=False)
    assert ((await only(memory)).step, (await only(memory)).commit) == ("done", merged)
