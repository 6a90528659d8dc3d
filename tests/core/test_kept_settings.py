"""What is kept of settings is bounded and without secrets, and a record is found by all that is shown of it."""

import datetime as dt

from lastgood.core.kept_settings import MOST_NAME, MOST_REASON, kept_settings, setting_texts
from lastgood.core.setting import SettingChange, Settings

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def change(**changed):
    given = {"kind": "Deployment", "namespace": None, "name": "web", "path": "spec", "before": None, "after": "on"}
    return SettingChange(**(given | changed))


def test_names_and_reasons_of_any_length_are_cut():
    """A key of a megabyte in somebody's manifest, or the whole output of a program, makes no record of megabytes."""
    long = "x" * 1_000_000
    found = Settings(changes=(change(kind=long, namespace=long, name=long, path=long),), unknown=long)
    (kept,) = kept_settings(1, found, at=NOON).settings.changes
    assert {len(text) for text in (kept.kind, kept.namespace, kept.name, kept.path)} == {MOST_NAME}
    assert len(kept_settings(1, found, at=NOON).settings.unknown) == MOST_REASON


def test_a_secret_in_a_place_or_a_reason_is_taken_out():
    """Also where nobody looks for one: in a key, a name, or what a program said before it failed."""
    found = Settings(
        changes=(change(path="args[--token=hunter2]", name="db-password=hunter2"),),
        unknown="cannot fetch https://shop:hunter2@charts.example/web",
    )
    kept = kept_settings(1, found, at=NOON)
    assert "hunter2" not in repr(kept)
    assert kept.settings.unknown == "cannot fetch https://[redacted]@charts.example/web"


def test_what_is_hidden_is_found_by_its_place_alone():
    """The value of a secret is in no text; each text is there once."""
    shown = change(path="spec.memory", before="256Mi", after="512Mi")
    hidden = change(path="data.key", before=None, after=None, hidden=True)
    assert setting_texts(Settings(changes=(shown, hidden))) == [
        "Deployment/web", "spec.memory", "256Mi", "512Mi", "data.key",
    ]  # fmt: skip
