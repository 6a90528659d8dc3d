"""`lastgood health`: files and stdin, order, text and JSON, and what is told of bad input."""

import json
import subprocess
import sys

import pytest

OBJECTS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, generation: 1}
---
# nothing
---
apiVersion: v1
kind: List
items:
- {apiVersion: x.io/v1, kind: Thing, metadata: {name: b}}
- {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: a}, status: {phase: Lost}}
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: odd}, spec: {replicas: three}}
"""


@pytest.fixture
def health(tmp_path):
    def health(*arguments: str, text: str | bytes = ""):
        return subprocess.run(
            [sys.executable, "-m", "lastgood", "health", *arguments],
            cwd=tmp_path,
            input=text.encode() if isinstance(text, str) else text,
            capture_output=True,
            check=False,
            timeout=60,
        )

    return health


def test_objects_are_told_in_the_order_given(health):
    """One entry for each object, items of Lists in their place, with the promised fields and no others."""
    done = health("-f", "-", "-o", "json", text=OBJECTS)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "health": "Progressing",
            "message": "LessReplicas: 0 of 1 replica is there",
        },
        {
            "apiVersion": "x.io/v1",
            "kind": "Thing",
            "namespace": None,
            "name": "b",
            "health": "Healthy",
            "message": "no health rule",
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "namespace": None,
            "name": "a",
            "health": "Degraded",
            "message": "Lost: the volume that it was bound to is gone",
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": None,
            "name": "odd",
            "health": "Unknown",
            "message": (
                "Malformed: the Deployment odd cannot be judged:"
                " spec.replicas is a text, and not a whole number from 0 on"
            ),
        },
    ]


def test_text_is_a_table(health, tmp_path):
    """For people: a line for each object, in the order given."""
    (tmp_path / "objects.yaml").write_text(OBJECTS)
    done = health("-f", "objects.yaml")
    lines = done.stdout.decode().splitlines()
    assert lines[0].split() == ["HEALTH", "KIND", "NAMESPACE", "NAME", "MESSAGE"]
    assert [line.split()[:4] for line in lines[1:] if not line.startswith(" ")] == [
        ["Progressing", "Deployment", "shop", "web"],
        ["Healthy", "Thing", "-", "b"],
        ["Degraded", "PersistentVolumeClaim", "-", "a"],
        ["Unknown", "Deployment", "-", "odd"],
    ]
    assert done.stderr == b""


def test_many_objects_are_counted_below(health):
    """What is worst may have left the screen by then."""
    thing = "apiVersion: x.io/v1\nkind: Thing\nmetadata: {{name: t{}}}\n---\n"
    done = health("-f", "-", text="".join(thing.format(n) for n in range(30)) + OBJECTS)
    assert done.stderr.decode() == "34 objects: 1 Degraded, 1 Unknown, 1 Progressing, 31 Healthy\n"
    assert done.stdout.decode().splitlines()[1].split()[0] == "Healthy"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [\n", "stdin:2: it is not YAML"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\nkind: Pod\n",
            "stdin:5: document 2: it has no `apiVersion`",
        ),
        (b"\xff\x00\xd8", "stdin:1: it is not UTF"),
    ],
)
def test_what_is_no_object_is_told_with_its_line(health, text, said):
    """Exit code 1, the file and the line; nothing is judged."""
    done = health("-f", "-", text=text)
    assert (done.returncode, done.stdout) == (1, b"")
    assert said in done.stderr.decode()


@pytest.mark.parametrize(
    ("metadata", "namespace"),
    [
        ("", None),
        ("metadata: null\n", None),
        ("metadata: {namespace: shop}\n", "shop"),
        ("metadata: {name: ''}\n", None),
        ("metadata: {generateName: nightly-, namespace: shop}\n", "shop"),
    ],
)
def test_an_object_without_a_name_is_judged(health, metadata, namespace):
    """No cluster is asked for it, so its name is not needed; it is empty."""
    volume = f"apiVersion: v1\nkind: PersistentVolumeClaim\n{metadata}status: {{phase: Lost}}\n"
    done = health("-f", "-", "-o", "json", text=volume)
    assert done.returncode == 0, done.stderr
    assert [(one["name"], one["namespace"], one["health"]) for one in json.loads(done.stdout)] == [
        ("", namespace, "Degraded")
    ]
    assert health("-f", "-", text=volume).stdout.decode().splitlines()[1].split()[3] == "-"


@pytest.mark.parametrize("metadata", ["[]", "{name: [a]}", "{name: a, namespace: [b]}", "{namespace: a/b}"])
def test_metadata_that_is_none_is_still_refused(health, metadata):
    """A missing name is one thing, a name of another kind is another."""
    done = health("-f", "-", text=f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\n")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"stdin:" in done.stderr


def test_a_file_that_is_not_there_is_told(health):
    """Exit code 1 and the name."""
    done = health("-f", "none.yaml")
    assert done.returncode == 1
    assert b"error: none.yaml: it cannot be read: No such file" in done.stderr


def test_without_a_file_the_command_line_is_wrong(health):
    """Nobody waits at a terminal for objects that nobody types."""
    assert health().returncode == 2


def test_nothing_is_an_empty_array(health):
    """No object, no error."""
    done = health("-f", "-", "-o", "json", text="# nothing\n")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_rules_of_a_lastgood_toml_count(health, tmp_path):
    """The operator sees what the agent will say."""
    (tmp_path / "lastgood.toml").write_text(
        '[[health]]\napiVersion = "x.io/v1"\nkind = "Thing"\ncurrent = "has(status.x)"\n'
    )
    done = health(
        "-f", "-", "-o", "json", text="{apiVersion: x.io/v1, kind: Thing, metadata: {name: b}, status: {y: 1}}"
    )
    assert json.loads(done.stdout)[0]["health"] == "Progressing"
    done = health(
        "-f", "-", "-o", "json", text="{apiVersion: x.io/v1, kind: Thing, metadata: {name: b}, status: {x: 1}}"
    )
    assert json.loads(done.stdout)[0]["health"] == "Healthy"
