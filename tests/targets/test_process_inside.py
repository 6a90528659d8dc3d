"""The end of a process's log, and what is told of processes that Git no longer asks for."""

import pytest

from lastgood.core.application import Policy
from lastgood.core.errors import TargetFailed, Unknown
from lastgood.core.pod import PodLogRequest
from lastgood.targets.process.inside import read_log
from twins.processes import Room, application, render, until_health

RUN = "exec sleep 1000"


@pytest.fixture
def room(tmp_path):
    made = Room(tmp_path / "root")
    yield made
    made.end()


def asked(**words):
    return PodLogRequest(app="web", pod="a", **words)


@pytest.mark.parametrize(
    ("content", "words", "text", "cut"),
    [
        (b"", {}, "", False),
        (b"one\ntwo\n", {}, "one\ntwo\n", False),
        (b"one\ntwo\n", {"tail_lines": 1}, "two\n", False),
        (b"one\ntwo", {"tail_lines": 1}, "two", False),
        (b"one\ntwo\n", {"limit_bytes": 6}, "e\ntwo\n", True),
        (b"one\ntwo\n", {"limit_bytes": 8}, "one\ntwo\n", False),
        (b"x\n" * 50_000, {"limit_bytes": 4, "tail_lines": 2}, "x\nx\n", False),
        (b"x\n" * 50_000, {"limit_bytes": 4, "tail_lines": 5000}, "x\nx\n", True),
        (b"y" * 50_000, {"limit_bytes": 4, "tail_lines": 1}, "yyyy", True),
        (b"\xff\xfe\n", {}, "\ufffd\ufffd\n", False),
        ("é".encode() * 10, {"limit_bytes": 3}, "é", True),
    ],
)
def test_a_log_is_read_from_its_end(tmp_path, content, words, text, cut):
    """As many lines, then as many bytes; `cut` where lines that were asked for are left out."""
    (tmp_path / "log").write_bytes(content)
    found = read_log(tmp_path / "log", asked(**words))
    assert (found.text, found.cut) == (text, cut)


def test_a_log_that_was_not_written_yet_is_empty(tmp_path):
    """A process that printed nothing has a log all the same."""
    found = read_log(tmp_path / "log", asked())
    assert (found.text, found.cut) == ("", False)


def test_a_secret_is_hidden_before_a_log_is_cut(tmp_path):
    """The half of it that is left has no name by which it could be known."""
    (tmp_path / "log").write_text("TOKEN=" + "s" * 100 + "\n")
    assert "sss" not in read_log(tmp_path / "log", asked(limit_bytes=50)).text


async def test_what_is_not_there_of_a_process_is_said(room):
    """It has no containers, and one log for all its runs."""
    target = room.target()
    await target.apply(application(), render({"a": RUN}))
    with pytest.raises(Unknown, match="has no containers"):
        await target.pod_log(asked(container="main"))
    with pytest.raises(TargetFailed, match="one for all its runs"):
        await target.pod_log(asked(previous=True))


async def test_a_process_that_left_git_and_runs_on_is_a_node_and_no_service(room):
    """Where pruning is off: shown, and told apart; its log can still be asked for."""
    target = room.target()
    careful = application(policy=Policy(prune=False))
    await target.apply(careful, render({"a": RUN, "b": RUN}))
    await target.apply(careful, render({"b": RUN}))
    await until_health(target, "Healthy")
    tree = await target.tree("web")
    assert [(node.name, node.asked, node.health) for node in tree.nodes] == [
        ("a", False, "Unknown"),
        ("b", True, "Healthy"),
    ]
    assert [one.name for one in (await target.services("web")).services] == ["b"]
    assert (await target.pod_log(asked())).text == ""
