"""Exit codes and messages: the table of `cli.md`, one way into each code that a clone can reach."""

import datetime as dt
import io
import itertools
import os
import shutil
import subprocess
import sys

import pytest

from lastgood.app.clock import SystemClock
from lastgood.cli.call import Call
from lastgood.cli.commands import COMMANDS
from twins.git_fixtures import git, hook


def test_a_rollback_with_nobody_to_ask_is_refused(clone, lastgood):
    """Without a terminal and without --yes: exit 3, nothing pushed, and the hint says what to give."""
    said = lastgood("rollback", "web-production", "--previous")

    assert said.code == 3
    assert said.err == (
        "error: this would have to ask, and there is no terminal\nhint: nothing was changed; give `--yes` to go ahead\n"
    )
    assert clone.remote_head() == clone.c4


def test_a_rollback_pushes_one_commit_and_leaves_the_clone_alone(clone, lastgood):
    """With --yes: exit 0; the remote has one commit more; branch, index and work tree stay."""
    said = lastgood("rollback", "web-production", "--previous", "--reason", "it is slow", "--yes", "-o", "json")

    assert said.code == 0
    result = said.json["result"]
    assert result["pushed"] is True
    assert clone.remote_head() == result["commit"]
    assert git(clone.origin, "rev-parse", f"{result['commit']}^") == clone.c4
    assert git(clone.origin, "rev-parse", f"{result['commit']}^{{tree}}") == result["tree"]
    assert git(clone.folder, "rev-parse", "HEAD") == clone.c4
    assert git(clone.folder, "status", "--porcelain") == ""


def test_dry_run_changes_nothing(clone, lastgood):
    """`rollback --dry-run` is `plan`."""
    said = lastgood("rollback", "web-production", "--previous", "--dry-run", "-o", "json")

    assert said.code == 0
    assert said.json["result"]["commit"] is None
    assert clone.remote_head() == clone.c4


def test_no_push_keeps_the_commit_in_the_clone(clone, lastgood):
    """`--no-push`: exit 0, the commit stands under refs/lastgood/unpushed, the remote stays."""
    said = lastgood("rollback", "web-production", "--previous", "--no-push", "--yes", "-o", "json")

    assert said.code == 0
    assert said.json["result"]["pushed"] is False
    kept = git(clone.folder, "for-each-ref", "--format=%(objectname)", "refs/lastgood/unpushed/")
    assert kept == said.json["result"]["commit"]
    assert clone.remote_head() == clone.c4


def test_going_to_the_current_version_is_nothing_to_do(clone, lastgood):
    """Exit 0, and nobody is asked."""
    said = lastgood("rollback", "web-production", "--to", "current", "--no-hold")

    assert said.code == 0
    assert clone.remote_head() == clone.c4


def test_a_check_that_blocks_is_exit_3_with_the_object(clone, lastgood):
    """A commit of another branch blocks (not-on-branch); the override is named."""
    git(clone.folder, "switch", "-q", "-c", "other", clone.c1)
    strange = clone.commit("Try something", {"apps/web/production/extra.txt": "x\n"})
    git(clone.folder, "switch", "-q", "main")

    said = lastgood("rollback", "web-production", "--to", strange, "--yes", "-o", "json")

    assert said.code == 3
    assert "not-on-branch" in [check["name"] for check in said.json["checks"] if check["outcome"] == "block"]
    assert "hint: nothing was changed; override with `--despite not-on-branch`" in said.err
    assert clone.remote_head() == clone.c4


def test_a_server_that_refuses_is_exit_1_in_its_words(clone, lastgood):
    """A protected branch: exit 1, the object with the commit not pushed, and the server's words."""
    hook(clone.origin, "pre-receive", "echo main is protected >&2; exit 1")

    said = lastgood("rollback", "web-production", "--previous", "--yes", "-o", "json")

    assert said.code == 1
    assert said.json["result"]["pushed"] is not True
    assert "main is protected" in said.err
    assert clone.remote_head() == clone.c4


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["aps"], 2, "error: there is no command aps\nhint: did you mean apps?\n"),
        (["apps", "--nope"], 2, "error: no such option: --nope\nhint: see `lastgood apps --help`\n"),
        (["apps", "-o", "yaml"], 2, "error: -o yaml is not known\nhint: it is `-o text` or `-o json`\n"),
        (["rollback"], 2, "error: missing argument 'APP...'\nhint: see `lastgood rollback --help`\n"),
        (
            ["plan", "web-production", "--to", "HEAD", "--previous"],
            2,
            (
                "error: `--to`, `--last-good`, `--previous`, `--without` and `--with` exclude each other\n"
                "hint: give one of them\n"
            ),
        ),
        (
            ["plan", "web-production", "--previous", "--via", "pr"],
            2,
            (
                "error: no forge with a token is known for the config repo config, so no pull request can be opened\n"
                "hint: nothing was changed; [[forges]] in lastgood.toml names one (in a clone: the variable "
                "LASTGOOD_FORGES); or leave `--via` out to push\n"
            ),
        ),
        (
            ["plan", "web-production"],
            5,
            (
                "error: no last good version of web-production is known\n"
                "hint: `--previous` goes back to the version before this one\n"
            ),
        ),
        (
            ["show", "web-production", "n4"],
            5,
            (
                "error: n4 is not known: Git alone has no deployment numbers\n"
                "hint: `previous` is the version before this one; see `lastgood timeline web-production`\n"
            ),
        ),
        (
            ["show", "web-production", "deadbeef"],
            5,
            "error: web-production has no version deadbeef\nhint: see `lastgood timeline web-production`\n",
        ),
        (
            ["status", "web"],
            5,
            "error: there is no application web\nhint: did you mean web-staging, web-production?\n",
        ),
        (
            ["rollback", "web-production", "--previous", "--wait", "--yes"],
            1,
            (
                "error: `--wait` needs a running lastgood server\n"
                "hint: nothing was changed; leave `--wait` out where no agent runs\n"
            ),
        ),
        (
            ["timeline", "--since", "yesterdayy"],
            2,
            (
                "error: --since: yesterdayy is not a date\n"
                "hint: such as 2026-11-20, 2026-11-20T14:00Z, '3 days ago', 2h or yesterday\n"
            ),
        ),
        (["timeline", "--limit", "0"], 2, None),
        (["plan", "web-production", "--previous", "--despite", "nope"], 2, None),
    ],
)
def test_what_is_wrong_is_said_in_one_way(clone, lastgood, words, code, message):
    """Each failure has its exit code, its sentence and its hint on stderr, and nothing on stdout."""
    said = lastgood(*words)

    assert said.code == code
    assert said.out == ""
    if message is not None:
        assert said.err == message


@pytest.mark.parametrize("words", [["sync"], ["retry", "web-production"], ["pause", "web-production"], ["forget", "x"]])
def test_commands_of_the_server_need_one(clone, lastgood, words):
    """In a clone they say so: exit 1."""
    said = lastgood(*words)

    assert said.code == 1
    assert said.err.startswith(f"error: `lastgood {words[0]}` needs a running lastgood server\n")


def test_a_broken_lastgood_yaml_shows_what_can_be_known_and_is_exit_1(clone, lastgood):
    """What earlier commits say stays on stdout; file, line and reason go to stderr."""
    clone.commit("Break it", {"lastgood.yaml": "version: 1\napplications:\n  - {name: web, path: [}\n"})

    said = lastgood("apps", "-o", "json")

    assert said.code == 1
    assert [app["name"] for app in said.json] == ["web-production", "web-staging"]
    assert said.err.startswith("error: lastgood.yaml:3: ")


def test_an_upstream_that_is_ahead_is_told(clone, lastgood):
    """Reading shows HEAD as it is here, and says on stderr that the last fetched upstream has more."""
    git(clone.folder, "reset", "-q", "--hard", clone.c2)

    said = lastgood("timeline", "web-production", "-o", "json")

    assert said.code == 0
    assert said.json[0]["commit"] == clone.c2
    assert said.err == "note: the last fetched upstream is 2 commits ahead; this shows HEAD as it is here\n"


def test_a_shallow_clone_says_where_it_ends(clone, lastgood, tmp_path):
    """The last entry has truncated: true instead of a deployment that never was."""
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=2", f"file://{clone.origin}", str(shallow))

    said = lastgood("-C", str(shallow), "timeline", "web-production", "-o", "json")

    assert said.code == 0
    assert said.json[0]["commit"] == clone.c4
    assert [entry["truncated"] for entry in said.json] == [False] * (len(said.json) - 1) + [True]


def test_outside_of_everything_the_program_says_where_to_stand(lastgood, tmp_path, monkeypatch):
    """Neither clone nor lastgood.toml: exit 2."""
    monkeypatch.chdir(tmp_path)
    said = lastgood("apps")

    assert said.code == 2
    assert said.err.startswith("error: there is neither a clone of a config repo here nor a lastgood.toml\n")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(lastgood, name):
    """`--help` of each command works, begins with how it is used, and knows the global options."""
    said = lastgood(name, "--help")

    assert said.code == 0
    assert said.out.startswith(f"Usage: lastgood {name} ")
    assert "--no-color" in said.out


def test_the_same_command_finishes_a_push_without_an_answer(clone, lastgood, monkeypatch):
    """The push arrives, its answer does not: exit 7 with pushed null; again, and it is done with the same commit."""
    real = clone.folder / "git-that-loses-the-answer"
    real.mkdir()
    # A program in git's place that pushes, says nothing of it, and hears nothing afterwards.
    (real / "git").write_text(
        "#!/bin/sh\n"
        f'if [ -e "{real}/deaf" ]; then case " $* " in *" fetch "*|*" ls-remote "*|*" push "*)'
        " echo 'fatal: unable to access: the line is dead' >&2; exit 128;; esac; fi\n"
        f'case " $* " in *" push "*) {shutil.which("git")} "$@" >/dev/null 2>&1; touch "{real}/deaf";'
        " echo 'fatal: the remote end hung up unexpectedly' >&2; exit 128;; esac\n"
        f'exec {shutil.which("git")} "$@"\n'
    )
    (real / "git").chmod(0o755)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", f"{real}:{path}")
    words = ("rollback", "web-production", "--previous", "--reason", "slow", "--yes", "-o", "json")
    # Between plan and commit a second goes by, so that the hold's date and with it the tree is another one.
    seconds = itertools.count()
    now = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    monkeypatch.setattr(SystemClock, "now", lambda _clock: now + dt.timedelta(seconds=next(seconds)))

    lost = lastgood(*words)

    assert lost.code == 7
    assert lost.json["result"]["pushed"] is None
    assert clone.remote_head() == lost.json["result"]["commit"] != clone.c4
    assert git(clone.origin, "rev-parse", "main^{tree}") == lost.json["result"]["tree"]

    monkeypatch.setenv("PATH", path)
    again = lastgood(*words)

    assert again.code == 0
    assert again.json["result"] == lost.json["result"] | {"pushed": True}
    assert clone.remote_head() == lost.json["result"]["commit"]


def test_undo_takes_back_a_rollback_and_its_hold(clone, lastgood):
    """Rolled back and undone: the application has the content it had, and no hold."""
    lastgood("rollback", "web-production", "--previous", "--yes", "-q")
    said = lastgood("undo", "web-production", "--yes", "-o", "json")

    assert said.code == 0
    assert git(clone.origin, "rev-parse", "main^{tree}") == git(clone.origin, "rev-parse", f"{clone.c4}^{{tree}}")


def test_hold_and_unhold_are_commits(clone, lastgood):
    """Each is one commit; a second hold of the same version is nothing to do."""
    held = lastgood("hold", "web-production", "current", "--reason", "leaks", "--yes", "-o", "json")
    assert held.code == 0
    assert clone.remote_head() == held.json["commit"]
    assert set(held.json["holds"][0]) == {
        *("id", "version", "commit", "images", "files", "reason", "by", "since", "until"),
    }

    again = lastgood("hold", "web-production", "current", "--yes")
    assert (again.code, again.out.splitlines()[-1]) == (0, "nothing to do")

    gone = lastgood("unhold", "web-production", "current", "--yes", "-o", "json")
    assert gone.code == 0
    assert clone.remote_head() == gone.json["commit"]


def test_a_person_is_asked_on_a_terminal(clone, lastgood, monkeypatch):
    """The plan is shown, the question asked; "no" changes nothing and is exit 3."""
    monkeypatch.setattr(Call, "terminal", True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    said = lastgood("rollback", "web-production", "--previous")

    assert said.code == 3
    assert said.out.startswith("web-production\n  from     ")
    assert said.err.startswith("Roll back web-production? [y/N] ")
    assert clone.remote_head() == clone.c4


@pytest.mark.parametrize(
    "words", [("hold", "web-production", "previous"), ("rollback", "web-production", "--previous")]
)
def test_a_no_is_one_json_value_too(clone, lastgood, monkeypatch, words):
    """Whoever reads JSON gets an object whatever the answer."""
    monkeypatch.setattr(Call, "terminal", True)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    said = lastgood(*words, "-o", "json")

    assert said.code == 3
    assert isinstance(said.json, dict)
    assert clone.remote_head() == clone.c4


def test_an_empty_repo_is_a_state_and_no_failure_of_git(lastgood, tmp_path):
    """No commit yet: no applications, said on stderr, exit 1."""
    git(tmp_path, "init", "-q", "-b", "main", "empty")
    said = lastgood("-C", str(tmp_path / "empty"), "apps", "-o", "json")

    assert (said.code, said.json) == (1, [])
    assert said.err == "error: lastgood.yaml: the repo has no commit yet\n"


def test_a_clone_without_a_remote_is_read_and_keeps_commits(clone, lastgood):
    """Reading needs no remote; `--no-push` works without one; a push says what is missing."""
    git(clone.folder, "remote", "remove", "origin")

    assert lastgood("apps").code == 0
    assert lastgood("rollback", "web-production", "--previous", "--yes", "--no-push").code == 0
    said = lastgood("rollback", "web-production", "--previous", "--yes")
    assert said.code == 1
    assert said.err.startswith("error: this clone has no remote to push to\n")


def test_a_reader_that_has_gone_is_told_by_the_exit_code(clone):
    """`lastgood timeline | head` ends quietly, as programs do that SIGPIPE ends."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "lastgood", "timeline", "-o", "json"],
            cwd=clone.folder,
            stdout=nobody,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_plan_names_the_command_that_does_it(clone, lastgood):
    """Every option that decides is in it, so that it can be copied."""
    words = ("web-production", "--to", clone.c2, "--reason", "checkout returns 500", "--no-hold")
    said = lastgood("plan", *words)

    command = f"lastgood rollback web-production --to {clone.c2} --reason 'checkout returns 500' --no-hold"
    assert (said.code, said.err) == (0, f"hint: `{command}` does it\n")
    assert lastgood("plan", *words, "-o", "json").err == ""
    assert lastgood("plan", *words, "-q").err == ""


def test_after_a_rollback_the_next_steps_are_said(clone, lastgood):
    """How the commit comes here, and the way back; a reset leaves the clone's own branch ahead."""
    done = lastgood("rollback", "web-production", "--previous", "--yes")
    assert done.err == "hint: `git pull` brings it here; `lastgood undo web-production` takes it back\n"

    kept = lastgood("undo", "web-production", "--yes", "--no-push")
    made = kept.out.split("made ")[1][:7]
    assert kept.err == f"hint: `git push origin {made}:main` pushes it\n"

    git(clone.folder, "pull", "-q")
    assert lastgood("undo", "web-production", "--yes").err == "hint: `git pull` brings it here\n"

    git(clone.folder, "pull", "-q")
    reset = ("rollback", "web-production", "--mode", "reset", "--to", clone.c2, "--despite", "others-commits", "--yes")
    assert lastgood(*reset).err.startswith("hint: `git reset --keep @{upstream}` moves your own branch, too")
    git(clone.folder, "reset", "-q", "--keep", "@{upstream}")
    assert git(clone.folder, "rev-parse", "HEAD") == clone.c2


def test_the_way_back_from_an_override_is_said_with_the_override_that_it_needs(clone, lastgood):
    """What took shared inputs back takes others along on the way back, too: the command that is printed works."""
    overlay = "resources: [../../../base]\n"
    shop = {f"apps/shop/{place}/kustomization.yaml": overlay for place in ("staging", "production")}
    base = {"base/kustomization.yaml": "resources: [map.yaml]\n"}
    for number in "12":
        said = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: shop}}\ndata: {{n: '{number}'}}\n"
        clone.commit(f"Shop {number}", {**shop, **base, "base/map.yaml": said})
    clone.push()
    words = ("rollback", "shop-production", "--previous", "--with-shared", "--despite", "shared-input", "--yes")
    done = lastgood(*words)
    undo = "lastgood undo shop-production --despite shared-input"
    assert (done.code, done.err) == (0, f"hint: `git pull` brings it here; `{undo}` takes it back\n"), done.err
    assert lastgood("undo", "shop-production", "--yes").code == 3
    assert lastgood(*undo.split()[1:], "--yes").code == 0


@pytest.mark.parametrize("words", [("timeline",), ("status",), ("plan", "--previous")])
def test_an_application_that_is_gone_is_named_with_the_commit_that_removed_it(clone, lastgood, words):
    """In Git alone nothing else remembers it; the way back is one command."""
    removed = clone.commit("Tidy up", {"apps/web/staging/process-compose.yaml": None})
    clone.commit("Say something", {"README.md": "x"})
    clone.push()

    said = lastgood(words[0], "web-staging", *words[1:])

    assert said.code == 5
    assert said.err.startswith(f"error: there is no application web-staging any more: {removed[:7]} removed it (")
    assert said.err.endswith(f"hint: `lastgood plan web-staging --to {clone.c4[:7]}` shows how it comes back\n")
    again = lastgood("plan", "web-staging", "--to", clone.c4[:7], "-o", "json")
    assert again.code == 0
    assert again.json["applications"][0]["files"][0]["change"] == "added"


def test_after_a_hold_and_its_end_the_next_steps_are_said(clone, lastgood):
    """How it ends, and that its end deploys nothing."""
    held = lastgood("hold", "web-production", clone.c2, "--until", "2d", "--yes")
    assert held.err == (f"hint: `git pull` brings it here; `lastgood unhold web-production {clone.c2[:7]}` ends it\n")
    assert "until   in 2 days (" in held.out
    ended = lastgood("unhold", "web-production", clone.c2, "--yes")
    assert ended.err.endswith(
        "this deploys nothing: a version that was refused goes with `lastgood retry web-production`\n"
    )


def test_a_shallow_clone_that_hides_everything_says_so(clone, lastgood, tmp_path):
    """An empty list is not the whole story there."""
    clone.commit("Try web r4", {"apps/web/staging/note.txt": "r4"})
    clone.push()
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{clone.origin}", str(tmp_path / "shallow"))

    said = lastgood("-C", str(tmp_path / "shallow"), "timeline", "web-production", "-o", "json")

    assert (said.code, said.json) == (0, [])
    assert said.err == "note: this clone is shallow and ends here; `git fetch --unshallow` brings the rest\n"


def test_a_detached_head_is_read_and_takes_no_commit(clone, lastgood):
    """No branch is checked out that a rollback could go to."""
    git(clone.folder, "switch", "-q", "--detach")

    assert lastgood("apps").code == 0
    said = lastgood("rollback", "web-production", "--previous", "--yes")
    assert said.code == 1
    assert said.err == (
        "error: HEAD is detached: no branch is checked out that a commit could go to\n"
        "hint: nothing was changed; `git switch BRANCH`, then do it again\n"
    )


def test_a_choice_by_feature_in_a_clone_names_the_server(clone, lastgood):
    """A clone reads no source repo: exit 1, nothing chosen, and what to do."""
    for option in ("--without", "--with"):
        said = lastgood("plan", "web-production", option, "PR-1")
        assert (said.code, said.out) == (1, "")
        assert "no running server is asked here" in said.err
        assert "name the server with `--server URL`" in said.err


def test_two_choices_of_a_version_are_a_wrong_command_line(clone, lastgood):
    """Exit 2, whichever two they are."""
    for choice in (("--previous",), ("--last-good",), ("--to", "n1"), ("--with", "PR-2")):
        said = lastgood("rollback", "web-production", "--without", "PR-1", *choice)
        assert said.code == 2
        assert "exclude each other" in said.err
