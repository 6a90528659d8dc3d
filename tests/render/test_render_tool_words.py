"""What programs say, and what people read of it."""

import pytest

from lastgood.render.helm import missing_dependencies
from lastgood.render.tool_words import MAX_CHARS, below, lacks_memory, shown, warnings_in, what_went_wrong

PLACES = {"/tmp/r/files": "", "/tmp/r/home": "HOME"}


@pytest.mark.parametrize(
    ("said", "reason", "file", "line"),
    [
        (
            "Error: parse error at (web/templates/a.yaml:3): missing value for if\n\nUse --debug flag to render out\n",
            "parse error at (web/templates/a.yaml:3): missing value for if",
            "web/templates/a.yaml",
            3,
        ),
        (
            "Error: template: web/templates/a.yaml:12:34: executing x: template: web/templates/_helpers.tpl:4:5: nil\n",
            "template: web/templates/a.yaml:12:34: executing x: template: web/templates/_helpers.tpl:4:5: nil",
            "web/templates/_helpers.tpl",
            4,
        ),
        (
            "Error: YAML parse error on web/templates/a.yaml: error converting YAML to JSON: yaml: line 7: bad\n",
            "YAML parse error on web/templates/a.yaml: error converting YAML to JSON: yaml: line 7: bad",
            "web/templates/a.yaml",
            7,
        ),
        (
            "Error: accumulating resources from 'a.yaml': MalformedYAMLError: yaml: line 2: bad in File: a.yaml\n",
            "accumulating resources from 'a.yaml': MalformedYAMLError: yaml: line 2: bad in File: a.yaml",
            "a.yaml",
            2,
        ),
        (
            "Error: '/tmp/r/files/apps/web' is not '/tmp/r/files', see /tmp/r/home/x\n",
            "'apps/web' is not '.', see HOME/x",
            None,
            None,
        ),
        ("level=ERROR msg=x\nError: one\ntwo\n", "one / two", None, None),
        ("panic: oh\n\ngoroutine 1\n", "it went over a limit, or broke: panic: oh", None, None),
        (
            "SIGSEGV: segmentation violation\nPC=0x130f65d m=6 sigcode=1 addr=0x0\n\ngoroutine 0 gp=0x27\n",
            "it went over a limit, or broke: SIGSEGV: segmentation violation",
            None,
            None,
        ),
        ("Error: one\ngoroutine 1\n", "one / goroutine 1", None, None),
        ("", "it failed without a word", None, None),
        ("Error: password: hunter2\n", "password: [redacted]", None, None),
        ("Error: a\x1b[31mb\x00c\n", "a [31mb c", None, None),
    ],
)
def test_an_error_is_a_sentence_with_its_place(said, reason, file, line):
    """The temporary folder, secrets, control characters and advice nobody can follow are taken out."""
    assert what_went_wrong(said.encode(), PLACES) == (reason, file, line)


def test_an_error_is_bounded():
    """Megabytes of complaint are cut, and say so."""
    reason = what_went_wrong(b"Error: begins" + b"x" * 50_000 + b"ends", PLACES).reason
    assert (len(reason), reason[:6], reason[-5:]) == (MAX_CHARS + len(" [cut] "), "begins", "xends")
    assert what_went_wrong(b"line\n" * 1_000_000, PLACES).reason == " / ".join(["line"] * 12)


def test_bytes_that_are_no_text_are_shown_as_such():
    """Tool output is a stranger's."""
    assert shown(b"a\xffb", {}) == "a\ufffdb"


def test_warnings_are_one_sentence_a_line():
    """What a program that succeeded had to say; a flood is counted."""
    assert warnings_in(b"# Warning: old field\n\n", PLACES, "kustomize") == ["kustomize: # Warning: old field"]
    many = warnings_in(b"w\n" * 50, PLACES, "helm")
    assert (len(many), many[-1]) == (21, "helm: and 30 more lines")


@pytest.mark.parametrize(
    ("said", "is_memory"),
    [
        ("fatal error: runtime: out of memory\n", True),
        ("runtime: cannot allocate memory\n", True),
        ("runtime/cgo: pthread_create failed: Resource temporarily unavailable", True),
        ("Error: the memory of this is bad", False),
    ],
)
def test_want_of_memory_is_recognised(said, is_memory):
    """A program that was refused memory says so in several ways."""
    assert lacks_memory(said.encode()) is is_memory


@pytest.mark.parametrize(
    ("reason", "names"),
    [
        ("an error occurred ... found in Chart.yaml, but missing in charts/ directory: redis", ["redis"]),
        ("found in Chart.yaml, but missing in charts/ directory: redis, common / more", ["redis", "common"]),
        ("found in Chart.lock", []),
        ("found in Chart.yaml, but missing in charts/ directory: helm, db, helm", ["helm", "db"]),
    ],
)
def test_missing_dependencies_are_named(reason, names):
    """What is not vendored, by name."""
    assert list(missing_dependencies(reason)) == names


@pytest.mark.parametrize(
    ("file", "folder", "path"),
    [
        ("a.yaml", "apps/web", "apps/web/a.yaml"),
        ("./a.yaml", "apps/web", "apps/web/a.yaml"),
        ("apps/web/a.yaml", "apps/web", "apps/web/a.yaml"),
        ("a.yaml", "", "a.yaml"),
        ("/etc/passwd", "apps/web", None),
        ("../x.yaml", "apps/web", None),
    ],
)
def test_a_named_file_is_a_path_of_the_repo(file, folder, path):
    """Programs count from the application's folder; what is elsewhere is no file of the repo."""
    assert below(file, folder) == path
