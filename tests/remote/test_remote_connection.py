"""What a server, or whatever answers in its place, may say; and what comes out of it."""

import httpx2
import pytest

from lastgood.core.errors import AnswerLost, BranchMoved, LastgoodError, NotAllowed, ServerUnreachable, SettingsWrong
from lastgood.core.request import HoldRequest, RollbackRequest, UndoRequest
from lastgood.core.told_error import read_error
from lastgood.remote.connection import MAYBE_DONE, Connection
from lastgood.remote.lastgood import RemoteLastgood


def answering(status: int, body: bytes) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(status, content=body))


async def test_an_error_comes_out_as_the_class_that_it_was():
    """Code, message, hint, facts and exit code are those of the server."""
    body = (
        b'{"error": {"code": "branch-moved", "message": "web changed", "app": "web", "hint": "plan again",'
        b' "facts": {"branch": "main", "found": "abc"}}}'
    )
    async with RemoteLastgood("http://x", transport=answering(409, body)) as lastgood:
        with pytest.raises(BranchMoved) as moved:
            await lastgood.apps()

    error = moved.value
    assert (error.message, error.hint, error.app, error.exit_code) == ("web changed", "plan again", "web", 4)
    assert error.facts == {"branch": "main", "found": "abc"}


def test_an_error_of_a_newer_server_is_still_an_error():
    """An unknown code is exit code 1; facts named like the class's parameters do no harm."""
    error = read_error({"code": "from-the-future", "message": "no", "facts": {"message": "x", "app": "y", "a": 1}})

    assert type(error) is LastgoodError
    assert (error.message, error.exit_code, error.facts) == ("no", 1, {"a": 1})


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>login</html>", ServerUnreachable),
        (200, b'{"a": 1}', ServerUnreachable),
        (500, b"", ServerUnreachable),
        (401, b"", NotAllowed),
        (302, b"", ServerUnreachable),
        (500, b'{"error": "text"}', ServerUnreachable),
    ],
)
async def test_whatever_is_no_answer_of_lastgood_is_said_so(status, body, kind):
    """A proxy's page, another program, a redirect: never a stack trace."""
    async with RemoteLastgood("http://x", transport=answering(status, body)) as lastgood:
        with pytest.raises(kind):
            await lastgood.apps()


@pytest.mark.parametrize(
    ("token", "message"),
    [(None, "http://x asks who you are"), ("wrong", "http://x does not accept the token given")],
)
async def test_whoever_is_not_let_in_is_told_where_the_token_goes(token, message):
    """The server's own hint is for people with a browser."""
    body = b'{"error": {"code": "not-allowed", "message": "you are not signed in", "hint": "open the link"}}'
    async with RemoteLastgood("http://x", token, transport=answering(401, body)) as lastgood:
        with pytest.raises(NotAllowed) as refused:
            await lastgood.apps()

    assert refused.value.message == message
    assert refused.value.hint.startswith("set LASTGOOD_TOKEN ")


async def test_a_server_that_is_not_there_is_named():
    """The address is in the message; a password in it is not."""

    def refuse(request):
        raise httpx2.ConnectError("connection refused")

    async with RemoteLastgood("http://me:secret@host:1", transport=httpx2.MockTransport(refuse)) as lastgood:
        with pytest.raises(ServerUnreachable) as gone:
            await lastgood.apps()
    assert gone.value.message == "http://host:1 does not answer: connection refused"
    assert "secret" not in str(gone.value.as_json())


@pytest.mark.parametrize("url", ["example.com", "ftp://example.com", "http://", ""])
def test_what_is_no_url_of_a_server_is_refused(url):
    """Before anything is sent."""
    with pytest.raises(SettingsWrong):
        RemoteLastgood(url)


async def test_names_cannot_leave_their_place_in_the_path():
    """Slashes, dots and question marks of a name are sent as such."""
    seen = []

    def see(request):
        seen.append(request.url.raw_path.decode())
        return httpx2.Response(404, json={"error": {"code": "unknown-version", "message": "no"}})

    async with RemoteLastgood("http://x", transport=httpx2.MockTransport(see)) as lastgood:
        for version in ("../../plans", "a/b?c=d#e", ".."):
            with pytest.raises(LastgoodError):
                await lastgood.show("web", version)
    assert seen == [
        "/api/v1/apps/web/versions/%2E%2E%2F%2E%2E%2Fplans",
        "/api/v1/apps/web/versions/a%2Fb%3Fc%3Dd%23e",
        "/api/v1/apps/web/versions/%2E%2E",
    ]


@pytest.mark.parametrize("token", ["secret\nsecret", "secret secret", "secrét", "secret\x07"])
async def test_a_token_that_no_header_can_have_is_refused_and_not_shown(token):
    """Two lines of a file, say: the message is about the setting alone. A newline at its end does no harm."""
    with pytest.raises(SettingsWrong) as wrong:
        Connection("http://127.0.0.1", token)
    assert "secr" not in str(wrong.value.as_json())
    await Connection("http://127.0.0.1", "secret\n").aclose()


def cut_off(request):
    raise httpx2.RemoteProtocolError("Server disconnected without sending a response.")


def refused(request):
    raise httpx2.ConnectError("connection refused")


ASKING = [
    lambda lastgood: lastgood.rollback(RollbackRequest(apps=("web",))),
    lambda lastgood: lastgood.undo(UndoRequest(app="web")),
    lambda lastgood: lastgood.hold(HoldRequest(app="web", version="v1")),
    lambda lastgood: lastgood.unhold(HoldRequest(app="web", version="v1")),
]


@pytest.mark.parametrize("ask", ASKING)
@pytest.mark.parametrize("answer", [cut_off, lambda request: httpx2.Response(502, content=b"<html>Bad Gateway</html>")])
async def test_a_lost_answer_to_what_changes_git_is_no_failure(ask, answer):
    """The server may have done it: whoever reads exit code 1 would do it again."""
    async with RemoteLastgood("http://x", transport=httpx2.MockTransport(answer)) as lastgood:
        with pytest.raises(AnswerLost) as lost:
            await ask(lastgood)
    assert lost.value.exit_code == 7
    assert lost.value.message.startswith("http://x was asked and gave no answer, so it may have been done all the same")


@pytest.mark.parametrize("answer", [cut_off, lambda request: httpx2.Response(502, content=b"<html>Bad Gateway</html>")])
async def test_what_was_being_forgotten_may_be_half_gone_where_the_answer_is_lost(answer):
    """Nothing is known to have changed would be a lie: objects may be deleted by then."""
    async with RemoteLastgood("http://x", transport=httpx2.MockTransport(answer)) as lastgood:
        with pytest.raises(ServerUnreachable) as lost:
            await lastgood.forget("web", prune=True)
        assert lost.value.hint == MAYBE_DONE
        with pytest.raises(ServerUnreachable) as looked:
            await lastgood.forget("web", prune=True, dry_run=True)
    assert "nothing is known to have changed" in looked.value.hint


@pytest.mark.parametrize("ask", ASKING)
async def test_what_never_reached_the_server_did_nothing(ask):
    """A refused connection is exit code 1; and so is a lost answer to what only looks."""
    async with RemoteLastgood("http://x", transport=httpx2.MockTransport(refused)) as lastgood:
        with pytest.raises(ServerUnreachable):
            await ask(lastgood)
    async with RemoteLastgood("http://x", transport=httpx2.MockTransport(cut_off)) as lastgood:
        for look in (
            lambda: lastgood.plan(RollbackRequest(apps=("web",))),
            lambda: lastgood.hold(HoldRequest(app="web", version="v1"), dry_run=True),
        ):
            with pytest.raises(ServerUnreachable):
                await look()
