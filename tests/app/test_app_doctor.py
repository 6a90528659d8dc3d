"""What `lastgood doctor` says of an operator's folder."""

import getpass
import os

import pytest

from lastgood.app import doctor, doctor_render
from lastgood.render.tools import ToolSettings


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings whose one destination runs as another account, looked at by root."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    outer = tmp_path / "closed"
    (outer / "data").mkdir(parents=True)
    outer.chmod(0o700)
    file = tmp_path / "lastgood.toml"
    file.write_text(
        f'data = "{outer / "data"}"\n\n[destinations.production]\ntype = "process"\nrun_as = "{getpass.getuser()}"\n'
    )
    return file


def of_destination(settings) -> doctor.Finding:
    found = doctor.examine_server(settings, lambda _settings: None)
    return next(one for one in found if one.name == "destination production")


def test_a_folder_that_the_account_cannot_pass_is_warned_of(settings, tmp_path):
    """Releases are unreachable behind a closed folder: the nearest is named, with the command that opens it."""
    closed = tmp_path / "closed"
    warned = of_destination(settings)
    assert (warned.outcome, warned.detail.endswith(f" may not be able to reach its releases through {closed}")) == (
        "warn",
        True,
    )
    assert warned.hint == f"`chmod o+x {closed}`, or move `data` to where every account can pass through"

    closed.chmod(0o711)
    tmp_path.chmod(0o700)
    assert of_destination(settings).hint.startswith(f"`chmod o+x {tmp_path}`")


def test_an_account_that_is_not_there_is_wrong(settings):
    """Its name stands in the finding."""
    settings.write_text(settings.read_text().replace(f'run_as = "{getpass.getuser()}"', 'run_as = "nobody-here"'))
    wrong = of_destination(settings)
    assert (wrong.outcome, wrong.detail) == ("wrong", "there is no account nobody-here")


@pytest.mark.parametrize(
    ("missing", "without", "outcome", "words"),
    [
        ({}, (), "ok", ("kept from", "")),
        ({"files": "no Landlock"}, (), "warn", ("files: no Landlock", 'not rendered here; `without = ["files"]`')),
        ({"files": "no Landlock"}, ("files",), "warn", ("files: no Landlock", "accepted by `without`")),
        ({"files": "x", "network": "y"}, ("files",), "warn", ("files: x; network: y", "not rendered here")),
    ],
)
def test_a_missing_boundary_is_told_before_it_matters(monkeypatch, missing, without, outcome, words):
    """Which, why, and what follows: nothing is rendered, or somebody accepted it by name."""
    monkeypatch.setattr(doctor_render, "missing_boundaries", lambda: missing)
    found = doctor_render.examine_renderers(ToolSettings(helm="/nowhere", kustomize="/nowhere", without=without))
    sandbox = next(one for one in found if one.name == "sandbox")
    assert (sandbox.outcome, words[0] in sandbox.detail, words[1] in sandbox.hint) == (outcome, True, True)


def test_a_server_s_programs_are_looked_for_as_its_settings_say(settings):
    """A path in `[render]` is what is looked at."""
    settings.write_text(settings.read_text() + '\n[render]\nhelm = "/nowhere/helm"\n')
    found = doctor.examine_server(settings, lambda _settings: None)
    helm = next(one for one in found if one.name == "helm")
    assert (helm.outcome, helm.detail) == ("warn", "there is no program /nowhere/helm; its kind is not rendered")


@pytest.mark.parametrize(("current", "outcome"), [("status.ready", "ok"), ("status.ready ==", "wrong")])
def test_a_rule_for_health_that_is_no_cel_is_found_before_the_server_starts(settings, current, outcome):
    """The server would end at once, so the settings do not serve."""
    rule = f'[[health]]\napiVersion = "v1"\nkind = "Widget"\ncurrent = "{current}"\n'
    settings.write_text(f"{settings.read_text()}\n{rule}")
    found = next(one for one in doctor.examine_server(settings, lambda _settings: None) if one.name == "settings")
    assert found.outcome == outcome
    assert ("health[0].current: is no CEL expression" in found.detail) is (outcome == "wrong")
