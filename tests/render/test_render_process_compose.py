"""What a process-compose file becomes, what it is warned of, and what is refused with its line."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.errors import RenderFailed
from lastgood.render import process_compose, process_spec
from lastgood.render.process_compose import render_process_compose

FILE = "apps/web/process-compose.yaml"


def rendered(text):
    return render_process_compose(text.encode(), app="web", file=FILE)


def spec(text, name="web"):
    return {r.name: r.manifest["spec"] for r in rendered(text).resources}[name]


def test_a_process_has_every_default_filled_in():
    """The shortest process is complete after rendering, and so compares by content."""
    (resource,) = rendered("processes:\n  web: {command: run me}\n").resources
    assert (resource.group, resource.kind, resource.namespace, resource.name) == (
        "process-compose",
        "Process",
        None,
        "web",
    )
    assert resource.manifest == {
        "apiVersion": "process-compose/v1",
        "kind": "Process",
        "metadata": {"name": "web"},
        "spec": {
            "argv": ["/bin/sh", "-c", "run me"],
            "working_dir": ".",
            "environment": {},
            "depends_on": {},
            "availability": {"restart": "no", "backoff_s": 1.0, "max_restarts": 0},
            "shutdown": {"signal": 15, "timeout_s": 10.0, "parent_only": False},
            "disabled": False,
        },
    }


def test_everything_that_can_be_said_is_read():
    """Each supported key arrives in the specification."""
    text = """
version: "0.5"
disable_env_expansion: true
environment: {ALL: everywhere, PORT: 1}
x-lastgood: {artifacts: {web: 0123456, cart: v1}}
processes:
  db: {entrypoint: [/bin/db, --fast], x-lastgood: {artifact: cart}}
  web:
    description: the front
    command: ./serve $PORT $$
    working_dir: ./a/../b
    environment: ["PORT=8080", "EMPTY="]
    depends_on: {db: {condition: process_healthy}}
    readiness_probe:
      http_get: {host: localhost, scheme: https, path: /ready, port: "8443", status_code: 204}
      initial_delay_seconds: 0.5
      period_seconds: 2
      timeout_seconds: 3
      success_threshold: 4
      failure_threshold: 5
    availability: {restart: on_failure, backoff_seconds: 0.2, max_restarts: 6}
    shutdown: {signal: SIGINT, timeout_seconds: 7, command: stop it, parent_only: true}
    disabled: true
"""
    assert spec(text) == {
        "argv": ["/bin/sh", "-c", "./serve $PORT $$"],
        "working_dir": "b",
        "environment": {"ALL": "everywhere", "PORT": "8080", "EMPTY": ""},
        "depends_on": {"db": "process_healthy"},
        "availability": {"restart": "on_failure", "backoff_s": 0.2, "max_restarts": 6},
        "shutdown": {"signal": 2, "timeout_s": 7.0, "parent_only": True, "argv": ["/bin/sh", "-c", "stop it"]},
        "disabled": True,
        "artifact": {"name": "web", "revision": "0123456"},
        "readiness_probe": {
            "initial_delay_s": 0.5,
            "period_s": 2.0,
            "timeout_s": 3.0,
            "success_threshold": 4,
            "failure_threshold": 5,
            "http_get": {"host": "localhost", "scheme": "https", "path": "/ready", "port": 8443, "status_code": 204},
        },
    }
    assert spec(text, "db")["artifact"] == {"name": "cart", "revision": "v1"}
    assert spec(text, "db")["argv"] == ["/bin/db", "--fast"]
    assert rendered(text).images == {"cart": "v1", "web": "0123456"}
    assert rendered(text).warnings == ()


def test_numbers_in_an_environment_are_taken_as_written():
    """`010` and `1e3` reach the process as the author wrote them, and null is empty."""
    text = "processes: {web: {command: x, environment: {A: 010, B: 1e3, C: true, D: , E: 'x=y'}}}"
    assert spec(text)["environment"] == {"A": "010", "B": "1e3", "C": "true", "D": "", "E": "x=y"}


def test_the_only_artifact_is_everybodys():
    """With one artifact every process runs from it."""
    text = "x-lastgood: {artifacts: {shop: v3}}\nprocesses: {a: {command: x}, b: {command: y}}"
    assert [r.manifest["spec"]["artifact"]["name"] for r in rendered(text).resources] == ["shop", "shop"]


def test_the_digest_is_of_the_content():
    """Order and comments do not change the digest; a changed value does."""
    one = rendered("processes: {a: {command: x}, b: {command: y}}")
    other = rendered("# hello\nprocesses:\n  b:\n    command: y\n  a: {command: x}\n")
    assert one.digest == other.digest
    assert re.fullmatch("[0-9a-f]{64}", one.digest)
    assert rendered("processes: {a: {command: x}, b: {command: z}}").digest != one.digest


def test_what_is_not_supported_is_named_with_its_line():
    """No key is silently ignored."""
    text = """is_tui_disabled: true
processes:
  web:
    command: echo $$
    entrypoint: [a]
    liveness_probe: {exec: {command: x}}
    depends_on: {db: {condition: process_started, extra: 1}}
    readiness_probe: {exec: {command: x, working_dir: /}}
    availability: {exit_on_end: true}
    shutdown: {grace: 1}
  db: {command: x, replicas: 2}
"""
    assert [warning.removeprefix(f"{FILE}:") for warning in rendered(text).warnings] == [
        "1: is_tui_disabled is not supported and has no effect",
        "11: processes.db.replicas is not supported and has no effect",
        "6: processes.web.liveness_probe is not supported and has no effect",
        "4: processes.web.command holds `$$`: `$` is left to the shell, so it is not read as one `$`",
        "5: both command and entrypoint are given: command wins",
        "7: processes.web.depends_on.db.extra is not supported and has no effect",
        "9: processes.web.availability.exit_on_end is not supported and has no effect",
        "10: processes.web.shutdown.grace is not supported and has no effect",
        "8: processes.web.readiness_probe.exec.working_dir is not supported and has no effect",
    ]


WRONG = [
    ("- a", 1, "the file must be a mapping"),
    ("processes: [a]", 1, "processes must be a mapping"),
    ("processes:\n  web: {command: [a]}", 2, "processes.web.command must be text"),
    ("processes:\n  web: {}", 2, "processes.web has neither command nor entrypoint"),
    ("processes:\n  web: {entrypoint: []}", 2, "entrypoint must be a list of 1 to 500 texts"),
    (
        "processes:\n  ../web: {command: x}",
        2,
        "'../web' is no name for a process: letters, digits, `_`, `-` and `.` inside",
    ),
    ("processes:\n  a@b: {command: x}", 2, "'a@b' is no name for a process: letters, digits, `_`, `-` and `.` inside"),
    (
        "processes:\n  a: {command: x, environment: 3}",
        2,
        "processes.a.environment must be a mapping or a list of `NAME=value`",
    ),
    ("processes:\n  a: {command: x, environment: [A]}", 2, "an entry of a list of variables must be `NAME=value`"),
    ("processes:\n  a: {command: x, environment: {A-B: c}}", 2, "'A-B' is no name for a variable"),
    ("processes:\n  a: {command: x, environment: {A: [b]}}", 2, "processes.a.environment.A must be text"),
    ('processes:\n  a: {command: "x\\0"}', 2, "processes.a.command is longer than 65536 characters or holds a NUL"),
    (
        "processes:\n  a:\n    command: x\n    working_dir: a/../../b",
        4,
        "processes.a.working_dir must be a folder inside the release, and '../b' is outside",
    ),
    (
        "processes:\n  a: {command: x, working_dir: /etc}",
        2,
        "processes.a.working_dir must be a folder inside the release, and '/etc' is outside",
    ),
    ("processes:\n  a: {command: x, disabled: 1}", 2, "processes.a.disabled must be true or false"),
    ("processes:\n  a: {command: x, depends_on: {b: {}}}", 2, "a depends on b, and there is no such process"),
    (
        "processes:\n  a: {command: x, depends_on: {b: {}}}\n  b: {command: x, depends_on: {a: {}}}",
        None,
        "these processes wait for each other: ",
    ),
    (
        "processes:\n  a: {command: x, depends_on: {a: process_log_ready}}",
        2,
        (
            "'process_log_ready' is not supported as a condition; there are process_started, process_healthy, "
            "process_completed, process_completed_successfully"
        ),
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {period_seconds: 1}}",
        2,
        "processes.a.readiness_probe needs one of http_get and exec",
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {http_get: {}}}",
        2,
        "processes.a.readiness_probe.http_get needs a port",
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {http_get: {port: 99999}}}",
        2,
        "processes.a.readiness_probe.http_get.port must be a whole number from 1 to 65535",
    ),
    (
        'processes:\n  a: {command: x, readiness_probe: {http_get: {port: 1, host: "a b"}}}',
        2,
        "host must be a name or an address",
    ),
    (
        'processes:\n  a: {command: x, readiness_probe: {http_get: {port: 1, path: "/ HTTP/1.1\\r\\nX: y"}}}',
        2,
        "path must begin with `/` and be printable ASCII without blanks",
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {http_get: {port: 1, scheme: ftp}}}",
        2,
        "scheme must be http or https",
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {exec: {}}}",
        2,
        "processes.a.readiness_probe.exec needs a command",
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {exec: {command: y}, period_seconds: .nan}}",
        2,
        "processes.a.readiness_probe.period_seconds must be a number of seconds",
    ),
    (
        "processes:\n  a: {command: x, readiness_probe: {exec: {command: y}, period_seconds: 0}}",
        2,
        "processes.a.readiness_probe.period_seconds must be from 0.05 to 3600 seconds",
    ),
    (
        "processes:\n  a: {command: x, availability: {restart: exit_on_failure}}",
        2,
        "restart must be one of no, on_failure, always",
    ),
    (
        "processes:\n  a: {command: x, availability: {max_restarts: -1}}",
        2,
        "processes.a.availability.max_restarts must be a whole number from 0 to 1000000",
    ),
    (
        "processes:\n  a: {command: x, shutdown: {signal: 99}}",
        2,
        "signal must be a number from 1 to 31 or a name like SIGTERM",
    ),
    (
        "x-lastgood: {artifacts: {a: }}\nprocesses: {}",
        1,
        "an artifact needs a revision: a commit, a tag or a branch of its source repo",
    ),
    ("x-lastgood: {artifacts: {a: --upload-pack=x}}\nprocesses: {}", 1, "this is not a revision"),
    (
        "x-lastgood: {artifacts: {a: v1, b: v1}}\nprocesses:\n  c: {command: x}",
        3,
        "which of a, b does c run? say so with `x-lastgood: {artifact: NAME}`",
    ),
    (
        "x-lastgood: {artifacts: {a: v1}}\nprocesses:\n  c: {command: x, x-lastgood: {artifact: b}}",
        3,
        "there is no artifact 'b' in x-lastgood.artifacts",
    ),
    (
        "is_strict: true\nprocesses:\n  a: {commnad: x}",
        3,
        "processes.a.commnad is not supported, and the file says is_strict",
    ),
    ("processes: {a: {command: x}, a: {command: y}}", 1, "the key 'a' is here twice, first in line 1"),
    ("processes: {", None, "it is not YAML"),
]


@pytest.mark.parametrize(("text", "line", "reason"), WRONG, ids=range(len(WRONG)))
def test_what_cannot_run_is_refused_with_file_line_and_reason(text, line, reason):
    """Nothing that is written wrongly is guessed at."""
    with pytest.raises(RenderFailed) as refused:
        rendered(text)
    facts = refused.value.facts
    assert facts["file"] == FILE
    assert facts["reason"].startswith(reason)
    assert line is None or (facts["line"], facts["reason"]) == (line, reason)
    assert refused.value.message.startswith(f"web does not render: {FILE}:")


@pytest.mark.parametrize(
    "content",
    [
        b"processes: \xff\xfe",
        b"x" * 1_000_001,
        b"a: &a [" + b"*a," * 9 + b"]",
        b"[" * 5000,
        b"&a : *a",
        b"!!python/x y",
    ],
    ids=["not UTF-8", "too large", "alias of itself", "deep", "odd key", "tag"],
)
def test_hostile_bytes_are_refused(content):
    """What is no YAML for people is an error of its own kind, quickly."""
    with pytest.raises(RenderFailed):
        render_process_compose(content, app="web", file=FILE)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                sorted(
                    {
                        *process_spec.PROCESS_KEYS,
                        *process_spec.PROBE_KEYS,
                        *process_spec.HTTP_KEYS,
                        "signal",
                        "artifacts",
                    }
                )
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {"processes": st.dictionaries(st.sampled_from("ab"), PLAIN, max_size=2)},
        optional={"x-lastgood": PLAIN, "environment": PLAIN},
    )
)
def test_any_content_renders_or_is_refused(project):
    """No content makes anything but a Rendered or a RenderFailed, and what renders is plain JSON."""
    try:
        made = rendered(json.dumps(project))
    except RenderFailed:
        return
    json.dumps([r.manifest for r in made.resources], allow_nan=False)


def test_the_reference_page_names_every_key():
    """docs/reference/process-compose.md and the tables of the code say the same of the same keys."""
    page = (Path(__file__).parents[2] / "docs/reference/process-compose.md").read_text(encoding="utf-8")
    tables = {
        "The file": process_compose.PROJECT_KEYS,
        "`x-lastgood` of the file": process_compose.PROJECT_EXTENSION_KEYS,
        "`processes.<name>`": process_spec.PROCESS_KEYS,
        "`x-lastgood` of a process": process_spec.ARTIFACT_KEYS,
        "`depends_on.<name>`": process_spec.DEPENDENCY_KEYS,
        "`readiness_probe`": process_spec.PROBE_KEYS,
        "`readiness_probe.http_get`": process_spec.HTTP_KEYS,
        "`readiness_probe.exec`": process_spec.EXEC_KEYS,
        "`availability`": process_spec.AVAILABILITY_KEYS,
        "`shutdown`": process_spec.SHUTDOWN_KEYS,
    }
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", page, re.MULTILINE))
    for heading, keys in tables.items():
        assert dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", sections[heading], re.MULTILINE)) == keys, heading
