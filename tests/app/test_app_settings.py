"""The operator's settings: where they come from, what is refused, and that the reference names them all."""

import os
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from lastgood.app.settings import Settings, SourceSettings, read_forges, read_render_settings, read_settings
from lastgood.core.errors import SettingsWrong
from lastgood.render.tools import ToolSettings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
GOOD = """\
data = "state"
[[repos]]
name = "shop-config"
url = "../config.git"
[destinations.staging]
type = "process"
run_as_agent = true
paths = ["apps/*/staging"]
[[sources]]
url = "https://git.example.com/shop/"
[poll]
every = "10s"
[web]
port = 8000
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in [name for name in os.environ if name.startswith("LASTGOOD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        file = tmp_path / "server" / "lastgood.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    return write


def test_flags_win_over_the_environment_and_that_over_the_file(write, monkeypatch):
    """Each of the three is read, and the nearest wins; what a flag did not say hides nothing."""
    file = write(GOOD)
    assert read_settings(file).web.port == 8000
    monkeypatch.setenv("LASTGOOD_WEB__PORT", "8001")
    assert read_settings(file, web={"port": None, "host": None}).web.port == 8001
    assert read_settings(file, web={"port": 8002}).web.port == 8002


def test_paths_count_from_the_files_folder(write, tmp_path):
    """The data folder and relative URLs do not depend on where the program is started."""
    settings = read_settings(write(GOOD))
    assert settings.data == tmp_path / "server" / "state"
    assert settings.repos[0].url == str(tmp_path / "config.git")
    assert settings.poll.every == 10


@pytest.mark.parametrize(
    ("text", "setting", "reason"),
    [
        ("colour = 1", "colour", "there is no such setting"),
        ("[web]\ncolour = 1", "web.colour", "there is no such setting"),
        ("[web]\nport = 'x'", "web.port", "Input should be a valid integer"),
        ("[[repos]]\nname = 'a'", "repos[0].url", "is not set"),
        ("[[repos]]\nname = 'a'\nurl = '--upload-pack=x'", "repos[0].url", "may not begin with"),
        ("[[repos]]\nname = 'a'\nurl = 'ext::sh -c id'", "repos[0].url", "may not begin with"),
        ("[[repos]]\nname='a'\nurl='x'\n[[repos]]\nname='a'\nurl='y'", "", "two repos have the same name"),
        ("[destinations.here]\ntype = 'process'", "destinations.here", "says not as whom"),
        (
            "[destinations.here]\ntype='process'\nrun_as='web'\nrun_as_agent=true",
            "destinations.here",
            "says not as whom",
        ),
        ("[destinations.here]\ntype='process'\nrun_as_agent=true\nrepos=['x']", "", "which is not among `repos`"),
        ("[poll]\nevery = 'soon'", "poll.every", "is no duration"),
        ("[limits]\nlost_share = 3", "limits.lost_share", "less than or equal to 1"),
        ("data = ", "", "is not TOML"),
    ],
)
def test_what_is_wrong_is_named(write, text, setting, reason):
    """Every refusal names the setting and what is wrong with it."""
    file = write(text)
    with pytest.raises(SettingsWrong) as wrong:
        read_settings(file)
    assert wrong.value.facts["setting"] == (setting or str(file))
    assert reason in wrong.value.message
    assert wrong.value.hint


def test_a_secret_is_not_repeated(write):
    """A token where its hash belongs does not come back in the message."""
    file = write("[web.sign_in]\npeople = [{name = 'P', email = 'p@x.example', token_sha256 = 'correct-horse'}]")
    with pytest.raises(SettingsWrong) as wrong:
        read_settings(file)
    assert "correct-horse" not in str(wrong.value) + wrong.value.hint


def test_an_unknown_variable_is_refused(write, monkeypatch):
    """A mistyped variable is not silently without effect; those of the command line are left to it."""
    monkeypatch.setenv("LASTGOOD_TOKEN", "x")
    read_settings(write(GOOD))
    monkeypatch.setenv("LASTGOOD_PROT", "1")
    with pytest.raises(SettingsWrong, match="LASTGOOD_PROT"):
        read_settings(write(GOOD))


def test_a_named_file_must_be_there(tmp_path, monkeypatch):
    """Without a name the file may be missing; a name that leads nowhere is a mistake."""
    monkeypatch.chdir(tmp_path)
    assert read_settings().repos == ()
    with pytest.raises(SettingsWrong, match="there is no such file"):
        read_settings(tmp_path / "other.toml")


def test_who_may_use_a_destination(write):
    """A `*` in `paths` stays within one folder; what is left out allows all."""
    destination = read_settings(write(GOOD)).destinations["staging"]
    assert destination.refuses("any", "apps/web/staging") is None
    assert "apps/web/production/staging" in (destination.refuses("any", "apps/web/production/staging") or "")
    assert destination.refuses("any", "apps/web/production") is not None


@pytest.mark.parametrize(
    ("allowed", "url", "may"),
    [
        ("https://git.example.com/shop/", "https://git.example.com/shop/web.git", True),
        ("https://git.example.com/shop/", "https://git.example.com/shop/../evil.git", False),
        ("https://git.example.com/shop", "https://git.example.com/shopping.git", False),
        ("/srv/source.git", "/srv/source.git", True),
        ("/srv/source.git", "/srv/source.git/other", False),
    ],
)
def test_which_sources_are_allowed(allowed, url, may):
    """The same address, or one below an address that ends in a slash."""
    assert SourceSettings(url=allowed).allows(url) is may


def _named(model: type[BaseModel], prefix: str = "") -> dict[str, str]:
    found = {}
    for name, field in model.model_fields.items():
        inner = [t for t in (field.annotation, *getattr(field.annotation, "__args__", ())) if _is_model(t)]
        if inner:
            found |= _named(inner[0], f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field.description or ""
    return found


def _is_model(kind) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_renderers_are_set_in_the_file_and_in_a_clone_by_the_environment_alone(write, monkeypatch):
    """Both come to the same values; a boundary that does not exist cannot be given up."""
    text = '[render]\nhelm = "/opt/helm"\nwithout = ["network"]\ntime = "1m"\nmemory_mb = 100\n'
    expected = ToolSettings(helm="/opt/helm", without=("network",), time_s=60, memory_bytes=100 * 2**20)
    assert read_settings(write(text)).render.as_tools() == expected
    assert read_render_settings() == ToolSettings()
    for name, value in (("HELM", "/opt/helm"), ("WITHOUT", '["network"]'), ("TIME", "1m"), ("MEMORY_MB", "100")):
        monkeypatch.setenv(f"LASTGOOD_RENDER__{name}", value)
    assert read_render_settings() == expected
    monkeypatch.setenv("LASTGOOD_RENDER__WITHOUT", '["everything"]')
    with pytest.raises(SettingsWrong, match=r"render\.without"):
        read_render_settings()
    monkeypatch.setenv("LASTGOOD_RENDER__WITHOUT", "network")
    with pytest.raises(SettingsWrong):
        read_render_settings()


def test_registries_are_read_with_their_paths(write, tmp_path):
    """The file of credentials counts from the settings' folder; a host is named as images name it."""
    file = write(GOOD + '[[registries]]\nhost = "GHCR.io"\ndocker_config = "secrets/config.json"\n')
    (registry,) = read_settings(file).registries
    assert (registry.host, registry.docker_config) == ("ghcr.io", file.parent / "secrets" / "config.json")
    assert registry.as_rule().address == "https://ghcr.io"
    assert read_settings(write(GOOD)).registries == ()


@pytest.mark.parametrize(
    ("said", "setting", "reason"),
    [
        ('host = "https://ghcr.io"', "registries[0].host", "is no host"),
        ('host = "ghcr.io/shop"', "registries[0].host", "is no host"),
        ('host = "index.docker.io"', "registries[0].host", "is Docker Hub; write it as `docker.io`"),
        ('host = "a.io"\nurl = "ftp://a.io"', "registries[0].url", "is no URL that begins with"),
        ('host = "a.io"\nurl = "https://robot:secret@a.io"', "registries[0].url", "carries credentials"),
        ('host = "a.io"\nurl = "https://a.io/v2"', "registries[0].url", "more than scheme, host and port"),
        ('host = "a.io"\n[[registries]]\nhost = "A.io"', "lastgood.toml", "are for the same host"),
    ],
)
def test_a_registry_that_cannot_be_is_refused(write, said, setting, reason):
    """What is wrong is named; credentials that stand where they do not belong are not repeated."""
    with pytest.raises(SettingsWrong) as wrong:
        read_settings(write(f"{GOOD}[[registries]]\n{said}\n"))
    assert wrong.value.facts["setting"].endswith(setting)
    assert reason in wrong.value.message
    assert "secret" not in wrong.value.message


def test_forges_and_trackers_are_read_with_their_tokens(write, tmp_path):
    """A token is in the file or in one beside it, and in nothing that is printed."""
    said = '[[forges]]\nurl = "https://github.com/"\nkind = "github"\ntoken = "hush"\n'
    said += '[[trackers]]\nurl = "https://jira.a.io"\nuser = "me@a.io"\ntoken_file = "secrets/jira"\nprojects = ["A"]\n'
    file = write(GOOD + said)
    settings = read_settings(file)
    forge, tracker = settings.forges[0].as_rule(), settings.trackers[0].as_rule()
    assert (forge.url, forge.api, forge.read_token()) == ("https://github.com", "https://api.github.com", "hush")
    assert (tracker.token_file, tracker.projects) == (file.parent / "secrets" / "jira", ("A",))
    assert "hush" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {forge!r}"
    empty = read_settings(write(GOOD))
    assert (empty.forges, empty.trackers) == ((), ())


@pytest.mark.parametrize(
    ("said", "setting", "reason"),
    [
        ('[[forges]]\nurl = "git.a.io"\nkind = "gitea"', "forges[0].url", "is no URL that begins with"),
        ('[[forges]]\nurl = "https://me:secret@a.io"\nkind = "gitea"', "forges[0].url", "carries credentials"),
        ('[[forges]]\nurl = "https://a.io?token=secret"\nkind = "gitea"', "forges[0].url", "has more than"),
        ('[[forges]]\nurl = "https://a.io"\nkind = "gogs"', "forges[0].kind", "'github'"),
        ('[[forges]]\nurl = "https://a.io"', "forges[0].kind", "is not set"),
        ('[[forges]]\nurl = "https://a.io"\nkind = "gitea"\ntoken = "secret two"', "forges[0].token", "is no token"),
        ('[[trackers]]\nurl = "https://a.io"\ntoken = "secret"\ntoken_file = "x"', "trackers[0]", "in two places"),
        ('[[trackers]]\nurl = "https://a.io"\nuser = "a:secret"', "trackers[0].user", "is no account"),
        ('[[trackers]]\nurl = "https://a.io"\n[[trackers]]\nurl = "https://A.io/"', "lastgood.toml", "the same url"),
    ],
)
def test_a_forge_that_cannot_be_is_refused(write, said, setting, reason):
    """What is wrong is named, and no token is repeated."""
    with pytest.raises(SettingsWrong) as wrong:
        read_settings(write(f"{GOOD}{said}\n"))
    assert wrong.value.facts["setting"].endswith(setting)
    assert reason in wrong.value.message
    assert "secret" not in wrong.value.message


def test_the_reference_names_every_setting():
    """docs/reference/settings.md has one row for each setting, with its description, and no other."""
    rows = dict(re.findall(r"^\| `([a-z_.0-9]+)` \| (.*?) \|", REFERENCE.read_text(), re.MULTILINE))
    assert rows == _named(Settings)


def test_the_references_example_is_right(write):
    """The example in the reference is read without complaint."""
    example = re.search(r"```toml\n(.*?)```", REFERENCE.read_text(), re.DOTALL)
    assert read_settings(write(example[1])).repos[0].name == "shop-config"


def test_what_is_wrong_in_the_environment_is_mended_there(monkeypatch):
    """In a clone no file is read; the variable is named."""
    monkeypatch.setenv("LASTGOOD_FORGES", '[{"url": "git.example.com", "kind": "gitea", "token": "hush"}]')
    with pytest.raises(SettingsWrong) as wrong:
        read_forges()
    assert wrong.value.hint == "mend it in the variable LASTGOOD_FORGES"
    assert "hush" not in str(wrong.value.as_json())
