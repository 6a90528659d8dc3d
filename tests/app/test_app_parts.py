"""What the server leaves and guards: the lock, the secret, the address, the log, and which sources are used."""

import json
import os
import stat

import pytest
import structlog

from lastgood.app.instance import derived, left_address, only_one, own_secret
from lastgood.app.logs import without_secrets
from lastgood.app.settings import RepoSettings, Settings, SourceSettings
from lastgood.app.sources import AllowedSources
from lastgood.core.application import Application, Policy, Scope
from lastgood.core.config import RepoConfig
from lastgood.core.discovery import Discovered
from lastgood.core.errors import NotAllowed, SettingsWrong
from lastgood.core.sharing import Sharing
from lastgood.core.sources import Source

APP = Application(
    name="web",
    repo="config",
    branch="main",
    path="apps/web",
    group="web",
    environment=None,
    destination="here",
    namespace=None,
    render="auto",
    scope=Scope(path="apps/web"),
    policy=Policy(),
    definition={},
)


def test_only_one_at_a_time(tmp_path):
    """The second one is refused until the first one is gone."""
    with only_one(tmp_path, "agent"):
        with pytest.raises(SettingsWrong, match="another lastgood agent"), only_one(tmp_path, "agent"):
            pass
        with only_one(tmp_path, "web"):
            pass
    with only_one(tmp_path, "agent"):
        pass


def test_the_secret_is_made_once_and_private(tmp_path):
    """A restart keeps links and sessions valid; nobody else may read the secret; purposes differ."""
    secret = own_secret(tmp_path)
    assert own_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert derived(secret, "token") != derived(secret, "session")


def test_a_damaged_secret_is_refused(tmp_path):
    """Half a secret is none."""
    (tmp_path / "secret").write_bytes(b"x")
    with pytest.raises(SettingsWrong, match="damaged"):
        own_secret(tmp_path)


def test_the_address_is_left_while_the_server_runs(tmp_path):
    """Commands beside the store find address, token and process; afterwards nothing is left."""
    file = tmp_path / "server.json"
    with left_address(tmp_path, url="http://127.0.0.1:1", token="t"):
        assert json.loads(file.read_text())["url"] == "http://127.0.0.1:1"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()


def test_secrets_stay_out_of_the_log():
    """Every value of an event is redacted: texts, lists, errors."""
    event = {
        "event": "repo cannot be looked at",
        "url": "https://bot:hunter22@git.example.com/x.git",
        "words": ["password=hunter22"],
        "exception": "Traceback ... https://bot:hunter22@git.example.com",
        "error": ValueError("token=hunter22hunter22"),
        "count": 3,
    }
    shown = without_secrets(structlog.get_logger(), "info", event)
    assert "hunter22" not in json.dumps(shown)
    assert (shown["event"], shown["count"]) == ("repo cannot be looked at", 3)


@pytest.fixture
def find(tmp_path):
    def find(*sources: Source):
        settings = Settings.model_construct(
            data=tmp_path,
            repos=(RepoSettings(name="config", url="/x"),),
            sources=(SourceSettings(url="https://git.example.com/shop/"),),
        )
        config = RepoConfig(sources=sources)
        found = Discovered(config=config, applications={}, problems=(), sharing=Sharing())
        return AllowedSources(settings, lambda repo: found if repo == "config" else None).find

    return find


async def test_a_source_that_is_not_allowed_is_refused(find):
    """lastgood.yaml can name a source repo; only the operator's settings make it one."""
    asked = find(Source(image="web", repo="https://evil.example.com/web.git"))
    with pytest.raises(NotAllowed, match="do not allow the source repo"):
        await asked(APP, "web", "v1")


async def test_the_source_of_an_artifact(find, tmp_path):
    """The mapping gives repo and revision; one mirror for each repo; an artifact without a source has none."""
    asked = find(Source(image="{service}", repo="https://git.example.com/shop/{service}.git", revision="v{tag}"))
    repo, revision = await asked(APP, "web", "1.2")
    again, _ = await asked(APP, "web", "1.3")
    assert (revision, again) == ("v1.2", repo)
    assert len(os.listdir(tmp_path / "sources")) == 1  # noqa: PTH208 - a test may wait for a disk
    assert await find()(APP, "web", "1") is None
