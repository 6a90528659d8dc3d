"""The one door to the git program: no secret comes out, no time or memory without bound goes in."""

import os

import pytest

from lastgood.core.errors import GitFailed, LastgoodError, ObjectMissing, RemoteUnreachable, RepoUnsupported
from lastgood.git.program import Finished, Git, failure, no_contact, shown
from lastgood.git.remote import read_answer
from twins.git_fixtures import bare, git


@pytest.fixture
def program(tmp_path):
    return Git(bare(tmp_path / "x.git"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fatal: https://user:pw@h/x", "fatal: https://h/x"),
        ("https://token@h/x 'ssh://git:p@h'", "https://h/x 'ssh://h'"),
        ("https://u:p@ss@h/x", "https://h/x"),
        ("https://h/x?private_token=abc#d", "https://h/x"),
        ("Authorization: Basic abc=", "Authorization: [redacted]"),
        ("remote: your password=hunter2 is wrong", "remote: your password=[redacted] is wrong"),
        ("file:///a/b c@d", "file:///a/b c@d"),
    ],
)
def test_credentials_are_taken_out(text, expected):
    """Whatever stands before an @ in a URL, its query, and authorization headers are not shown."""
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("err", "remote", "kind"),
    [
        ("fatal: mismatched algorithms: client sha1; server sha256", "x", RepoUnsupported),
        ("fatal: unable to access 'https://h/': refused", "https://h", RemoteUnreachable),
        ("fatal: not a git repository (or any of the parent directories): .git", None, GitFailed),
        ("fatal: detected dubious ownership in repository at '/x'", None, GitFailed),
        (f"fatal: bad object {'1' * 40}", None, ObjectMissing),
        ("fatal: something else", None, GitFailed),
        ("", None, GitFailed),
    ],
)
def test_failures_have_names(err, remote, kind):
    """Each failure of git becomes one error of lastgood, with a sentence."""
    error = failure(("fetch",), Finished(128, b"", err), remote=remote)

    assert type(error) is kind
    assert isinstance(error, LastgoodError)
    assert error.message


def test_output_is_bounded(program):
    """A command that prints without end is ended, not waited for."""
    with pytest.raises(GitFailed, match="more than 10 bytes"):
        program.run("help", "-a", max_bytes=10)


def test_time_is_bounded(program):
    """A command that hangs is ended with all that it started; against a remote that is no answer."""
    hanging = ("-c", "alias.hang=!sleep 1000", "hang")
    with pytest.raises(GitFailed, match=r"longer than 0\.2 s"):
        program.run(*hanging, limit_s=0.2)
    with pytest.raises(RemoteUnreachable):
        program.run(*hanging, limit_s=0.2, remote="https://u:p@h/")


def test_a_reader_who_stops_ends_the_process(program):
    """A stream that is left early leaves no process behind."""
    records = program.stream("help", "-a", separator=b"\n")
    next(records)
    records.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_leads_git_elsewhere_is_not_passed_on(program, monkeypatch, tmp_path):
    """GIT_DIR and its kin, set by hooks and aliases, do not change which repository is meant."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_TRACE", "1")

    assert program.run("rev-parse", "--is-bare-repository").text == "true"
    assert program.environment()["GIT_TERMINAL_PROMPT"] == "0"


def test_a_missing_program_is_said_to_be_missing(program, monkeypatch):
    """Without git installed the error says what to install."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitFailed, match="not installed"):
        program.run("version")


@pytest.mark.parametrize(
    ("code", "out", "err", "done", "refusal", "contacted"),
    [
        (0, b"To x\n*\ta:refs/heads/main\t[new]\nDone\n", "", True, None, True),
        (1, b"To x\n!\ta:refs/heads/main\t[remote rejected] (hook declined)\n", "remote: no\n", False,
         "no (hook declined)", True),
        (1, b"To x\n!\ta:refs/heads/main\t[rejected] (stale info)\n", "", False, None, True),
        (1, b"To x\n!\ta:refs/heads/main\t[remote failure] (remote failed to report status)\n", "", False, None, True),
        (128, b"", "fatal: Could not read from remote repository.", False, None, False),
        (128, b"", "remote: Permission denied\nfatal: the remote end hung up unexpectedly", False, None, True),
        (128, b"", "error: RPC failed; curl 28 Connection timed out\nfatal: the remote end hung up", False, None, True),
    ],
)  # fmt: skip
def test_the_answer_to_a_push_is_read_from_its_porcelain(code, out, err, done, refusal, contacted):
    """Done, refused in words, unclear, and never contacted are told apart."""
    answer = read_answer(Finished(code, out, err), "refs/heads/main")

    assert (answer.done, answer.refusal, answer.contacted) == (done, refusal, contacted)


def test_a_died_transfer_is_not_taken_for_no_contact():
    """Words that appear at the start and in the middle of a transfer count as the worse of the two."""
    assert no_contact("fatal: unable to access 'https://h/': Could not resolve host: h")
    assert not no_contact("error: RPC failed; curl 28 Connection timed out")


def test_a_long_record_is_cut_and_the_next_one_is_whole(tmp_path):
    """What of a stream's record is beyond the bound is dropped, however many reads it takes to come."""
    git(tmp_path, "init", "-q", ".")
    blob = git(tmp_path, "hash-object", "-w", "--stdin", stdin=b"one\n" + b"x" * (5 << 20) + b"\nthree")
    found = list(Git(tmp_path).stream("cat-file", "blob", blob, separator=b"\n", max_record_bytes=1000))
    assert found == [b"one", b"x" * 1000, b"three"]
