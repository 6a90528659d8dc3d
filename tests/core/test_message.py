"""Commit messages and the claims in them: what goes in comes out, and nothing else does."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.message import clean_reason, operation_message, read_claim, request_body
from lastgood.core.operation import Moved

ID = "5f0c2a7e-0d7e-4a6e-8c3f-2d1f6b8a9c10"
A, B = "a" * 40, "b" * 40

names = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)
oids = st.text("0123456789abcdef", min_size=40, max_size=40)
moves = st.lists(st.builds(Moved, app=names, from_=oids, to=oids), min_size=1, max_size=4, unique_by=lambda m: m.app)
lines = st.text(string.printable + "äß漢\u2028\x07", max_size=60)
hostile = st.lists(
    lines
    | st.sampled_from(
        [
            "Lastgood-Operation: undo",
            f"Lastgood-Moved: x {A} {B}",
            "",
            "What leaves:",
            "What leaves of this repo:",
            "What returns:",
            "Settings:",
            "- x",
            "Signed-off-by: me",
        ]
    ),
    max_size=6,
).map("\n".join)


@given(
    hostile,
    lines,
    st.lists(lines, max_size=3),
    st.lists(lines, max_size=3),
    moves,
    st.sampled_from(["rollback", "undo", "hold", "unhold"]),
)
def test_a_message_says_what_it_was_made_of(reason, subject, leaving, others, moved, kind):
    """Whatever people write, the claim is the one that was meant; no text becomes a trailer."""
    message = operation_message(
        operation=ID,
        kind=kind,
        subject=f"Roll back {subject}",
        reason=clean_reason(reason),
        leaving=leaving,
        commits=others,
        returning=others,
        settings=others,
        moved=tuple(moved),
        despite=("held", "renders"),
    )
    claim = read_claim(message)
    assert claim is not None
    assert (claim.id, claim.kind, claim.moved, claim.despite) == (ID, kind, tuple(moved), ("held", "renders"))
    assert message.count("\n\n") <= message.count("\n")
    assert message.split("\n", 1)[0].startswith("Roll back")


@given(st.text(st.characters(exclude_characters="\n", exclude_categories=("C", "Z")), min_size=1, max_size=100))
def test_a_plain_reason_comes_back(reason):
    """What people wrote is read back from the commit, even where it looks like a list of ours."""
    for heading in ("", "What leaves:\n- ", "What leaves of this repo:\n- ", "What returns:\n- ", "Settings:\n- "):
        for leaving in ([], ["x"]):
            message = operation_message(
                operation=ID,
                kind="rollback",
                subject="s",
                reason=heading + reason,
                leaving=leaving,
                moved=(Moved(app="a", from_=A, to=B),),
            )
            claim = read_claim(message)
            assert claim is not None
            assert claim.reason == heading + reason


@given(st.text())
def test_any_text_is_a_claim_or_not(text):
    """No message makes the reader fail."""
    read_claim(text)


def test_a_whole_message():
    """Subject, reason, what leaves, what returns, settings, trailers."""
    message = operation_message(
        operation=ID,
        kind="rollback",
        subject="Roll back web to bbbbbbb",
        reason="500s\n\nKey: value",
        leaving=["aaaaaaa Release v3"],
        returning=["PR-1 Gift message"],
        settings=["Deployment web spec.replicas: 3 → 2"],
        moved=(Moved(app="web", from_=A, to=B),),
        despite=("held",),
    )
    assert message == (
        "Roll back web to bbbbbbb\n\n500s\n\n Key: value\n\nWhat leaves:\n- aaaaaaa Release v3\n\n"
        "What returns:\n- PR-1 Gift message\n\nSettings:\n- Deployment web spec.replicas: 3 → 2\n\n"
        f"Lastgood-Operation: rollback\nLastgood-Id: {ID}\nLastgood-Moved: web {A} {B}\nLastgood-Despite: held\n"
    )


def test_what_is_listed_closes_no_issue():
    """A forge acts on such words wherever a commit has them, and here the fix leaves; a person's own words stay."""
    message = operation_message(
        operation=ID,
        kind="rollback",
        subject="s",
        reason="Fixes #12, says @ines",
        leaving=["PR-7 Fixes #12, says @ops"],
        moved=(Moved(app="a", from_=A, to=B),),
    )
    assert message.startswith("s\n\nFixes #12, says @ines\n\nWhat leaves:\n- PR-7 Fixes `#12`, says `@ops`\n\n")


def test_the_body_of_a_pull_request_shows_the_same_list():
    """In a block of code whose fence is longer than any run of backticks in it."""
    message = operation_message(
        operation=ID,
        kind="rollback",
        subject="s",
        reason="500s",
        leaving=["PR-7 ``` Fixes #12"],
        moved=(Moved(app="a", from_=A, to=B),),
    )
    assert request_body(message, "500s") == "500s\n\n````text\nWhat leaves:\n- PR-7 ``` Fixes `#12`\n````"


GOOD = f"Lastgood-Operation: rollback\nLastgood-Id: {ID}\nLastgood-Moved: web {A} {B}\n"


@pytest.mark.parametrize(
    "message",
    [
        "subject\n",
        f"subject\n\n{GOOD}\nmore text after it\n",
        f"subject\n\n{GOOD}Lastgood-Operation: undo\n",
        f"subject\n\n{GOOD}Lastgood-Moved: web {A} {B}\n",
        f"subject\n\n{GOOD}Lastgood-Moved: cart main {B}\n",
        f"subject\n\n{GOOD}Lastgood-Despite: $(reboot)\n",
        "subject\n\n" + GOOD.replace("rollback", "deploy"),
        "subject\n\n" + GOOD.replace(ID, "1"),
        "subject\n\n" + GOOD.replace(A, A[:39]),
        f"subject\n\nLastgood-Operation: rollback\nLastgood-Id: {ID}\n",
        f"subject\n\n{'x' * 70_000}\n\n{GOOD}",
    ],
)
def test_what_claims_nothing(message):
    """Missing, doubled, malformed or misplaced trailers are no claim."""
    assert read_claim(message) is None


def test_our_trailers_may_stand_among_others():
    """A forge or a hook may add its own to the last paragraph."""
    assert read_claim(f"subject\n\n{GOOD}Signed-off-by: Ines <i@example.com>\n") is not None


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  a \t b  ", "a b"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\x00\x1b[31mb\u202e", "a[31mb"),
        ("\n\n", ""),
        ("x" * 5000, "x" * 4000),
    ],
)
def test_a_reason_is_cleaned(text, clean):
    """No control characters, bounded, trimmed."""
    assert clean_reason(text) == clean
    assert clean_reason(clean) == clean


def test_commits_of_the_config_repo_stand_apart_from_the_programs_changes():
    """A "Release 3" changes nothing for people; where only such commits leave, there is nothing to tell them from."""

    def message(leaving):
        made = operation_message(
            operation=ID,
            kind="rollback",
            subject="s",
            reason="500s",
            leaving=leaving,
            commits=["aaaaaaa Release 3"],
            returning=["PR-1 Back"],
            moved=(Moved(app="web", from_=A, to=B),),
        )
        claim = read_claim(made)
        assert claim is not None
        assert claim.reason == "500s"
        return made.partition("500s\n\n")[2].partition("\n\nLastgood-")[0]

    apart = (
        "What leaves:\n- PR-7 Prices\n\nWhat leaves of this repo:\n- aaaaaaa Release 3\n\nWhat returns:\n- PR-1 Back"
    )
    assert message(["PR-7 Prices"]) == apart
    assert message([]) == "What leaves:\n- aaaaaaa Release 3\n\nWhat returns:\n- PR-1 Back"
