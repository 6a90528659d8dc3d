"""What the commands that need a server say of its answers, against the twin of the port Lastgood."""

import pytest

from lastgood.core.discovery import Problem
from lastgood.core.errors import AnswerLost, ServerUnreachable
from lastgood.core.request import PressRequest, PressResult

SERVER = ("--server", "http://lastgood.example.com")
GONE = "999 of 1000 applications are gone from config at once; they keep running"


def _answer_press(asked, monkeypatch, **words) -> None:
    async def retry(request: PressRequest, *, dry_run: bool = False) -> PressResult:
        if not dry_run:
            asked.orders.append(request)
        started = words.get("accepts_loss", False) and not dry_run
        return PressResult(app=request.app, version=None, files=(), started=started, **words)

    monkeypatch.setattr(asked, "retry", retry)


def test_a_retry_of_a_lost_application_says_what_it_accepts_and_does_it(asked, lastgood, monkeypatch):
    """There is no version to run, and it is no retry of nothing."""
    _answer_press(asked, monkeypatch, because=GONE, accepts_loss=True)
    shown = lastgood(*SERVER, "retry", "web-production", "--dry-run")
    assert shown.out == (
        "web-production\n"
        "  would accept  that web-production is gone from Git; nothing is stopped or deleted by it\n"
        f"  because       {GONE}\n"
    )
    refused = lastgood(*SERVER, "retry", "web-production")
    assert (refused.code, asked.orders) == (3, [])

    done = lastgood(*SERVER, "retry", "web-production", "--yes")

    last = "accepted: web-production is removed, and keeps running; `lastgood forget web-production --prune` ends that"
    assert (done.code, done.out.splitlines()[-1]) == (0, last)
    assert asked.orders == [PressRequest(app="web-production")]


def test_a_retry_of_what_runs_well_says_that_nothing_waits(asked, lastgood, monkeypatch):
    """Nothing is asked and nothing is done."""
    _answer_press(asked, monkeypatch, because="nothing waits: it runs what Git asks for, or is about to")
    said = lastgood(*SERVER, "retry", "web-production")
    assert (said.code, asked.orders) == (0, [])
    assert said.out == (
        "web-production\n"
        "  would start  nothing\n"
        "  because      nothing waits: it runs what Git asks for, or is about to\n"
    )


def test_sync_says_which_repo_could_not_be_looked_at(asked, lastgood):
    """An unreachable repo was not looked at: code 1 and its reason, in text and in JSON."""
    reason = "the repo shop-config is unreachable: https://git.example.com does not answer"
    assert lastgood(*SERVER, "sync").out == "looked at shop-config\n"

    asked.wrong = [Problem(app=None, file="", line=None, reason=reason, hint="it is asked again", repo="shop-config")]
    said = lastgood(*SERVER, "sync")

    assert (said.code, said.out) == (1, "")
    assert said.err == f"error: {reason}\nhint: it is asked again\n"
    told = lastgood(*SERVER, "sync", "-o", "json")
    assert (told.code, told.json) == (1, {"repos": [], "failed": [{"repo": "shop-config", "reason": reason}]})


def test_sync_says_what_is_wrong_in_what_it_looked_at(asked, lastgood):
    """Nothing follows from a push that broke lastgood.yaml: whoever pushed it learns so at once."""
    asked.wrong = [Problem(app=None, file="lastgood.yaml", line=7, reason="no key 'nam'", repo="shop-config")]
    said = lastgood(*SERVER, "sync")
    assert (said.code, said.out) == (1, "looked at shop-config\n")
    assert said.err == "error: shop-config: lastgood.yaml:7: no key 'nam'\n"


def test_a_problem_names_its_repo(asked, lastgood):
    """A server follows several: which lastgood.yaml is meant has to be said."""
    asked.wrong = [Problem(app=None, file="lastgood.yaml", line=3, reason="there is no key 'nam' here", repo="tools")]
    said = lastgood(*SERVER, "apps")
    assert said.code == 1
    assert said.err.startswith("error: tools: lastgood.yaml:3: there is no key 'nam' here\n")


def test_apps_says_when_records_cannot_be_written(asked, lastgood):
    """What is shown is right; that nothing starts any more must not pass in silence."""
    asked.wrong = [
        Problem(app=None, file="", line=None, reason="the records cannot be written: the disk is full", hint="free it")
    ]
    said = lastgood(*SERVER, "apps")
    assert (said.code, said.err) == (0, "note: the records cannot be written: the disk is full\nhint: free it\n")


@pytest.mark.parametrize("checks", [(), None])
def test_the_same_command_says_what_became_of_its_pull_request(asked, lastgood, checks):
    """Exit 0 and the commit where it is merged, 8 where it waits: nothing is done again, and no check is in the way."""
    asked.plan_checks = asked.plan_checks if checks is None else checks
    url = "https://git.example.com/o/config/pulls/7"
    asked.plan_result = {"pull_request": url, "commit": "d5e9c01" + "0" * 33, "pushed": True}
    words = (*SERVER, "rollback", "web-production", "--via", "pr", "--reason", "slow")
    said = lastgood(*words)
    assert (said.code, said.out) == (0, f"{url} is merged: main has it by d5e9c01\n")
    assert said.err == (
        "hint: `lastgood undo web-production` takes it back\n"
        "hint: the same command says so until the application moves; `--to VERSION` goes further back\n"
    )
    asked.plan_result = {**asked.plan_result, "pushed": False}
    said = lastgood(*words)
    assert (said.code, said.out) == (8, f"{url} is open for d5e9c01; nothing changes until it is merged\n")
    said = lastgood(*words, "-o", "json")
    assert (said.code, said.json["result"]["pull_request"]) == (8, url)
    said = lastgood(*SERVER, "plan", "web-production", "--via", "pr")
    assert (said.code, said.err) == (0, f"{url} is open for d5e9c01; nothing changes until it is merged\n")
    assert asked.orders == []


def test_a_pull_request_ends_with_its_own_exit_code(asked, lastgood):
    """8, and the address: nothing is deployed, so nothing is watched; the status says that it is waited for."""
    asked.plan_checks = ()
    url = "https://git.example.com/o/config/pulls/7"
    words = ("rollback", "web-production", "--via", "pr", "--reason", "slow", "--yes")
    asked.done_notes = ("the server refuses the push to main",)
    said = lastgood("--server", "http://lastgood.example.com", *words)
    assert said.code == 8
    assert "\nby pull request into main: nothing changes until it is merged\n" in said.out
    assert said.out.endswith(f"{url} is open for d5e9c01; nothing changes until it is merged\n")
    assert said.err == (
        "note: the server refuses the push to main\n"
        "hint: merge it to deploy; the same command says how it stands, and plans it again if it got stale\n"
    )
    assert asked.orders[0][0].via == "pr"
    assert not any(call.startswith("wait") for call in asked.calls)
    said = lastgood("--server", "http://lastgood.example.com", *words, "-o", "json")
    assert (said.code, said.json["result"]["pull_request"], said.json["result"]["pushed"]) == (8, url, False)
    for words, lead in (((), "web-production  "), (("web-production",), "")):
        listed = lastgood(*SERVER, "timeline", *words)
        first, second, third, *_ = listed.out.splitlines()
        assert (first, third) == ("waiting", "")
        assert second.startswith(f"  {lead}Roll back web-production to 3515c7a: {url} is not merged yet (Priya Raman, ")
        entries = lastgood(*SERVER, "timeline", *words, "-o", "json").json
        assert [one["url"] for entry in entries for one in entry["waiting"]] == [url]
        assert next(entry for entry in entries if entry["app"] == "web-production")["waiting"]
    shown = lastgood("--server", "http://lastgood.example.com", "status", "web-production").out
    assert f"Roll back web-production to 3515c7a: {url} is not merged yet (Priya Raman, " in shown


def test_a_server_that_goes_away_while_it_is_waited_for_has_pushed(asked, lastgood, monkeypatch):
    """Nothing is known to have changed would be a lie: the commit is there, and that is exit code 6."""

    async def gone(plan, *, timeout_s):
        raise ServerUnreachable(server="http://lastgood.example.com", reason="connection refused")

    asked.plan_checks = ()
    monkeypatch.setattr(asked, "wait_healthy", gone)
    said = lastgood(*SERVER, "rollback", "web-production", "--reason", "slow", "--yes")
    assert said.code == 6
    assert " is pushed, but nobody says whether it is Healthy: http://lastgood.example.com does not" in said.err
    assert "nothing is known to have changed" not in said.err


def test_a_lost_answer_is_exit_code_7_and_pushed_is_not_known(asked, lastgood, monkeypatch):
    """In JSON, too: neither true nor false."""

    async def lost(request, *, planned=None):
        raise AnswerLost(server="http://lastgood.example.com", reason="it closed the connection")

    asked.plan_checks = ()
    monkeypatch.setattr(asked, "rollback", lost)
    said = lastgood(*SERVER, "rollback", "web-production", "--reason", "slow", "--yes", "-o", "json")
    assert (said.code, said.json["result"]["pushed"]) == (7, None)
