"""Which lastgood a command talks to, and what `init` and `doctor` say of a place."""

import json
import os

import pytest

from lastgood.app import doctor_cluster
from lastgood.app.doctor import Finding
from lastgood.cli.situation import left_server
from twins.git_fixtures import git

NOBODY = "http://127.0.0.1:9"
FINE = Finding(name="destination near", outcome="ok", detail="reachable")


def beside(folder, **left):
    """Make an operator's folder with what a running `serve` leaves in it."""
    folder.mkdir(exist_ok=True)
    (folder / "lastgood.toml").write_text('data = "records"\n')
    (folder / "records").mkdir(exist_ok=True)
    if left:
        (folder / "records" / "server.json").write_text(json.dumps(left))
    return folder


def test_a_named_server_wins_over_the_clone(clone, lastgood):
    """`--server`, and LASTGOOD_SERVER over the clone stood in, but not over one named by -C."""
    said = lastgood("--server", NOBODY, "apps")
    assert said.code == 1
    assert said.err.startswith(f"error: {NOBODY} does not answer: ")


def test_an_address_that_is_no_url_is_a_wrong_command_line(clone, lastgood):
    """It is not repeated, since a password may be in it."""
    said = lastgood("--server", "ftp://priya:secret@example.com", "apps")
    assert said.code == 2
    assert said.err.startswith("error: the server's address is no URL\n")
    assert "secret" not in said.err


def test_the_environment_names_a_server_unless_a_clone_is_named(clone, lastgood, monkeypatch):
    """A flag stands above the environment."""
    monkeypatch.setenv("LASTGOOD_SERVER", NOBODY)
    assert lastgood("apps").err.startswith(f"error: {NOBODY} does not answer: ")
    assert lastgood("-C", str(clone.folder), "apps").code == 0


def test_beside_lastgood_toml_the_running_server_is_asked(lastgood, tmp_path, monkeypatch):
    """Its address and token stand beside its store; without one, how to start it is said."""
    folder = beside(tmp_path / "ops")
    monkeypatch.chdir(folder)
    said = lastgood("apps")
    assert said.code == 1
    assert said.err == (
        f"error: no lastgood server runs beside {folder / 'lastgood.toml'}, and none has left records\n"
        "hint: start `lastgood serve` there, or name a server with `--server URL`\n"
    )

    beside(folder, url=NOBODY, token="t", pid=os.getpid())
    assert lastgood("sync").err.startswith(f"error: {NOBODY} does not answer: ")


@pytest.mark.parametrize(
    "left",
    [{"url": NOBODY, "token": "t", "pid": 2**22 + 1}, {"token": "t"}, {"url": 3}, []],
)
def test_an_address_that_nobody_stands_behind_is_none(tmp_path, left):
    """The process has gone, or the file is not one of ours."""
    folder = beside(tmp_path / "ops")
    (folder / "records" / "server.json").write_text(json.dumps(left))
    assert left_server(folder / "lastgood.toml") is None


def test_init_writes_what_apps_then_shows(lastgood, tmp_path):
    """A fresh repo with one folder for each service and environment; a second `init` leaves the file alone."""
    repo = tmp_path / "fresh"
    for name in ("web/staging", "web/production", "cart/production"):
        folder = repo / "apps" / name
        folder.mkdir(parents=True)
        (folder / "process-compose.yaml").write_text("processes: {web: {command: ./serve}}\n")
    git(repo, "init", "-q", "-b", "main")

    dry = lastgood("init", str(repo), "--dry-run")
    assert dry.code == 0
    assert not (repo / "lastgood.yaml").exists()

    said = lastgood("init", str(repo))
    assert said.code == 0
    assert said.out.endswith("wrote lastgood.yaml (3 applications); read it, then commit it\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "Describe")
    apps = lastgood("-C", str(repo), "apps", "-o", "json").json
    assert [app["name"] for app in apps] == ["cart-production", "web-production", "web-staging"]

    again = lastgood("init", str(repo))
    assert again.code == 1
    assert again.err.startswith("error: lastgood.yaml is already there\n")


def test_init_never_writes_through_a_link(lastgood, tmp_path):
    """A lastgood.yaml that is a link out of the repo is replaced, not followed."""
    outside = tmp_path / "outside.yaml"
    outside.write_text("mine\n")
    repo = tmp_path / "fresh"
    repo.mkdir()
    (repo / "lastgood.yaml").symlink_to(outside)

    lastgood("init", str(repo), "--force")

    assert outside.read_text() == "mine\n"


def test_doctor_examines_a_clone(clone, lastgood, monkeypatch):
    """Python, git, account, clone and remote are fine: exit 0. A remote that has gone is wrong: exit 1.

    Programs that render are not needed by everybody: without them it warns, and says what to do.
    """
    monkeypatch.setenv("LASTGOOD_RENDER__HELM", "/nowhere/helm")
    monkeypatch.setenv("LASTGOOD_RENDER__KUSTOMIZE", "/nowhere/kustomize")
    said = lastgood("doctor", "-o", "json")
    assert said.code == 0
    rendering = {finding["name"]: finding for finding in said.json[5:]}
    assert set(rendering) == {"kustomize", "helm", "sandbox"}
    assert rendering["helm"]["outcome"] == "warn"
    assert rendering["helm"]["detail"] == "there is no program /nowhere/helm; its kind is not rendered"
    assert "LASTGOOD_RENDER__HELM" in rendering["helm"]["hint"]
    assert {finding["name"]: finding["outcome"] for finding in said.json[:5]} == {
        "python": "ok",
        "git": "ok",
        "account": "ok",
        "clone": "ok",
        "remote": "ok",
    }

    clone.origin.rename(clone.origin.with_name("gone"))
    said = lastgood("doctor", "-o", "json")
    assert said.code == 1
    assert [finding["name"] for finding in said.json if finding["outcome"] == "wrong"] == ["remote"]


def test_doctor_examines_an_operators_folder(clone, lastgood, tmp_path, monkeypatch):
    """Settings, data, server, repos, destinations and sources each have a line and a hint where they need one."""
    folder = tmp_path / "ops"
    folder.mkdir()
    (folder / "lastgood.toml").write_text(
        f'[[repos]]\nname = "shop"\nurl = "{clone.origin}"\n[destinations.production]\ntype = "process"\n'
        'run_as = "nobody-has-this-name"\n'
    )
    monkeypatch.chdir(folder)
    said = lastgood("doctor", "-o", "json")

    assert said.code == 1
    outcomes = {finding["name"]: finding["outcome"] for finding in said.json}
    assert outcomes["repo shop"] == "ok"
    assert outcomes["destination production"] == "wrong"
    assert all(finding["hint"] for finding in said.json if finding["outcome"] != "ok")


def test_doctor_prints_the_rules_that_a_cluster_lacks_as_a_block_and_alone(clone, lastgood, tmp_path, monkeypatch):
    """Below the table, with nothing between that is no YAML; alone with `--rules`, which a pipe can take."""
    rules = "kind: ClusterRole\n---\nkind: ClusterRoleBinding\n"
    lacking = Finding(name="destination far", outcome="wrong", detail="it may not", hint="see", rules=rules)
    away = Finding(name="destination away", outcome="wrong", detail="it cannot be reached", hint="check it")
    monkeypatch.setattr(
        doctor_cluster, "examine_cluster", lambda name, *_: {"far": lacking, "away": away}.get(name, FINE)
    )
    names = "".join(f'[destinations.{name}]\ntype = "kubernetes"\n' for name in ("far", "near", "away"))
    (tmp_path / "lastgood.toml").write_text(f'[[repos]]\nname = "shop"\nurl = "{clone.origin}"\n{names}')
    monkeypatch.chdir(tmp_path)

    table, heading, block = lastgood("doctor").out.partition(
        "\n# what destination far lacks, for `kubectl apply -f -`\n"
    )
    assert heading
    assert "kind:" not in table
    assert block == rules
    assert lastgood("doctor", "--rules", "far").out == rules
    assert lastgood("doctor", "--rules", "far", "-o", "json").json[0]["rules"] == rules
    nothing = lastgood("doctor", "--rules", "near")
    assert (nothing.code, nothing.out) == (0, "")
    assert "destination near lacks nothing" in nothing.err
    unknown = lastgood("doctor", "--rules", "away")
    assert (unknown.code, unknown.out) == (1, "")
    assert "destination away: it cannot be reached\nhint: check it" in unknown.err
    none = lastgood("doctor", "--rules", "nowhere")
    assert none.code == 2
    assert "hint: there are: far, near, away" in none.err
