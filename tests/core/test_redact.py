"""Redaction: secrets go, the rest stays readable, and a hostile text costs time in proportion to its length."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.redact import is_secret_name, redact, redact_plain, without_credentials

HIDDEN = {
    "https://bob:hunter2@git.example.com/x failed": "https://[redacted]@git.example.com/x failed",
    "https://hunter2@git.example.com/x": "https://[redacted]@git.example.com/x",
    "DB_PASSWORD=hunter2 user=bob": "DB_PASSWORD=[redacted] user=bob",
    "export SECRET_KEY='hun ter2' x=1": "export SECRET_KEY='[redacted]' x=1",
    "password: hun ter2\nuser: bob": "password: [redacted]\nuser: bob",
    "password: |\n  hun\n  ter2\nuser: bob": "password: [redacted]\nuser: bob",
    '{"token": "hun\\"ter2", "user": "bob"}': '{"token": "[redacted]", "user": "bob"}',
    '{"m": "{\\"token\\": \\"hunter2\\"}"}': '{"m": "{\\"token\\": \\"[redacted]\\"}"}',
    "Authorization: Basic aHVudGVyMg==": "Authorization: [redacted]",
    "sent bearer abc.hunter2.def to x": "sent bearer [redacted] to x",
    "--password hunter2 --user bob": "--password [redacted] --user bob",
    "GET /x?access_token=hunter2": "GET /x?access_token=[redacted]",
    "error: ghp_hunter2hunter2hunter2 is wrong": "error: [redacted] is wrong",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----\nx": "[redacted]\nx",
    "-----BEGIN PRIVATE KEY-----\nhunter2": "[redacted]",
    "log\nhunter2hunter2\nhunter2=\n-----END PRIVATE KEY-----\nx": "log\n[redacted]\nx",
    "a=1 b:password=hunter2 c=2": "a=1 b:password=[redacted] c=2",
}

KEPT = [
    "basic authentication failed",
    "secretName: web-tls",
    "https://git.example.com/shop/web.git",
    "listening on 127.0.0.1:8080",
    "commit 1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c",
    "user: bob",
    "bob@example.com",
]


@pytest.mark.parametrize("text", HIDDEN)
def test_a_secret_goes_and_the_rest_stays(text):
    """What stood there becomes [redacted], and redacting again changes nothing."""
    assert redact(text) == HIDDEN[text]
    assert "hunter2" not in redact(text)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", KEPT)
def test_harmless_text_stays(text):
    """Addresses, hashes and names of secrets are no secrets."""
    assert redact(text) == text


def test_plain_values_lose_what_stands_under_a_secrets_name():
    """Keys stay; a Secret's data goes whole; items like NAME=value count too."""
    assert redact_plain(
        {
            "kind": "Secret",
            "data": {"anything": "aHVudGVyMg=="},
            "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "PORT", "value": "80"}],
            "environment": ["API_TOKEN=hunter2", "PORT=80"],
            "tokens": 3,
            "secret": {"name": "web", "password": "hunter2", "passwords": ["hunter2"]},
        }
    ) == {
        "kind": "Secret",
        "data": {"anything": "[redacted]"},
        "env": [{"name": "DB_PASSWORD", "value": "[redacted]"}, {"name": "PORT", "value": "80"}],
        "environment": ["API_TOKEN=[redacted]", "PORT=80"],
        "tokens": 3,
        "secret": {"name": "web", "password": "[redacted]", "passwords": ["[redacted]"]},
    }


def test_a_value_without_end_is_cut():
    """Nesting is bounded."""
    value: object = "hunter2"
    for _ in range(5000):
        value = [value]
    assert "hunter2" not in repr(redact_plain(value))


@pytest.mark.parametrize(
    ("name", "secret"),
    [("DB_PASSWORD", True), ("apiKey", True), ("x-api-key", True), ("tokenPath", False), ("user", False)],
)
def test_names_of_secrets(name, secret):
    """A name tells a secret from where it is kept."""
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    "part",
    ["a:", "password:", "token='", 'a=\\"', "://", "bearer ", "AAAA\n", "-----BEGIN PRIVATE KEY-----", "--a ", "x= "],
)
def test_a_hostile_text_costs_no_more_than_its_length(part):
    """Four times the text may cost some ten times the time, and never the sixteen of a square."""

    def cost(size: int) -> float:
        text = part * (size // len(part))
        best = 10.0
        for _ in range(3):
            start = time.process_time()
            redact(text)
            best = min(best, time.process_time() - start)
        return best

    assert cost(80_000) < 10 * cost(20_000) + 0.02


@given(st.text(max_size=200))
def test_redacting_twice_is_redacting_once(text):
    """For any text."""
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fatal: https://user:pw@h/x", "fatal: https://h/x"),
        ("https://u:p@ss@h/x", "https://h/x"),
        ("https://h/x?private_token=abc#d 'https://h?a'", "https://h/x 'https://h'"),
        ("/a/b?c d@e", "/a/b?c d@e"),
    ],
)
def test_an_address_is_shown_as_people_call_the_place(text, expected):
    """Nothing before the @ of a URL, no query; other text stays."""
    assert without_credentials(text) == expected


def test_addresses_without_end_cost_time_in_proportion():
    """A hostile server's words of 256 KiB are read at once."""
    assert without_credentials("a://" * 65_536).startswith("a://")


SHAPES = [
    "ghp_",
    "xoxb-",
    "sk-",
    "sk_live_",
    "npm_",
    "pypi-",
    "AKIA",
    "AIza",
    "hvs.",
    "eyJ",
    "glpat-",
    "github_pat_",
    "token-",
    "--a",
    "-----",
]
SHORT = st.builds(lambda shape, word: (shape + word)[:14], st.sampled_from(SHAPES), st.text("aZ0_.-", max_size=14))
COMMITS = st.text("0a9f", min_size=40, max_size=40)


@given(SHORT | COMMITS)
def test_what_is_let_by_at_once_holds_nothing_to_hide(text):
    """Short names and commits are not searched; with a blank behind them they are, and nothing is found."""
    assert redact(text) == text
    assert redact(f"{text} ") == f"{text} "
