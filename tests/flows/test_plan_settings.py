"""What a plan says of the settings that go back with a version, and what its commit says."""

import pytest

from lastgood.cli.plan_page import plan_text
from lastgood.cli.text import Style
from lastgood.core.errors import RenderFailed
from lastgood.core.message import read_claim
from lastgood.core.setting import MOST_SETTINGS, Settings
from twins.rollback_world import CART, WEB, compose, make_world

FILE = f"{WEB}/process-compose.yaml"


def environment(settings, hidden="one"):
    """Return a process with settings in its environment."""
    lines = "".join(f"      {name}: '{value}'\n" for name, value in {**settings, "API_TOKEN": hidden}.items())
    return f"{compose('aa')}    environment:\n{lines}"


@pytest.fixture
async def world(tmp_path):
    """A config repo in memory."""
    (made,) = make_world("memory", tmp_path)
    await made.begin()
    return made


async def test_a_plan_lists_the_settings_that_go_back(world):
    """Apart from features; a secret is told as changed, without a value. The commit has them before its trailers."""
    old = await world.commit({FILE: environment({"LIMIT": "1"})})
    await world.commit({FILE: environment({"LIMIT": "2", "FLAG": "on"}, hidden="two")})
    plan = await world.roll_back(to=old, reason="Settings:\n- of a person\n\nit is slow")
    found = {one.path: (one.before, one.after, one.hidden) for one in plan.applications[0].settings.changes}
    assert found == {
        "spec.environment.LIMIT": ("2", "1", False),
        "spec.environment.FLAG": ("on", None, False),
        "spec.environment.API_TOKEN": (None, None, True),
    }
    page = plan_text(plan, Style(color=False, width=100), verbose=False)
    lines = [" ".join(line.split()) for line in page.splitlines()]
    assert lines[lines.index("settings (3)") + 1] == "RESOURCE SETTING FROM TO"
    assert "Process/web spec.environment.LIMIT 2 1" in lines
    message = (await world.repo.commit(plan.result.commit)).message
    assert (
        "\n\nSettings:\n"
        "- Process web spec.environment.LIMIT: 2 → 1\n"
        "- Process web spec.environment.FLAG: on → nothing\n"
        "- Process web spec.environment.API_TOKEN: changed (not shown: a secret)\n\nLastgood-Operation: rollback\n"
        in message
    )
    assert read_claim(message).reason == "Settings:\n- of a person\n\nit is slow"


async def test_what_comes_and_goes_as_a_whole_is_named(world):
    """Beside the settings, in lines of its own: what is deleted is nothing to be read out of a table."""
    old = await world.commit({FILE: compose("aa")})
    await world.commit({FILE: compose("aa") + "  a: {command: sleep 9}\n  b: {command: sleep 9}\n"})
    page = plan_text(await world.plan(to=old), Style(color=False, width=100), verbose=False)
    assert "\n  removes  Process a, Process b\n" in page
    assert "adds" not in page
    await world.roll_back(to=old)
    page = plan_text(await world.plan(mode="revert"), Style(color=False, width=100), verbose=False)
    assert "\n  adds     Process a, Process b\n" in page


async def test_many_settings_are_counted(world):
    """The page and the commit list 20 of them, the plan keeps as many as a record."""
    many = MOST_SETTINGS + 5
    old = await world.commit({FILE: environment({f"N{n:03}": "1" for n in range(many)})})
    await world.commit({FILE: environment({f"N{n:03}": "2" for n in range(many)})})
    plan = await world.plan(to=old)
    settings = plan.applications[0].settings
    assert (len(settings.changes), settings.more) == (MOST_SETTINGS, 5)
    assert f"and {many - 20} more settings" in plan_text(plan, Style(color=False, width=100), verbose=False)
    assert f"\n- and {many - 20} more\n" in plan.message


async def test_a_release_of_an_image_alone_changes_no_setting(world):
    """What the image became stands among the images."""
    old = await world.commit({FILE: compose("aa")})
    await world.commit({FILE: compose("bb")})
    plan = await world.plan(to=old)
    assert plan.applications[0].settings == Settings()
    assert "Settings:" not in plan.message


async def test_of_what_does_not_render_the_settings_are_not_known(world):
    """And why; nothing is guessed from the files."""

    async def render(app, _repo, _commit):
        raise RenderFailed(app=app.name, file=None, line=None, reason="it is no YAML")

    old = await world.commit({FILE: environment({"LIMIT": "1"})})
    await world.commit({FILE: environment({"LIMIT": "2"})})
    world.branch.renderer.render = render
    settings = (await world.plan(to=old)).applications[0].settings
    assert settings.changes == ()
    assert settings.unknown.startswith("what it runs now is not known: ")


async def test_a_reset_and_an_undo_list_them_too(world):
    """Both have a plan; the undo has a commit."""
    old = await world.commit({FILE: environment({"LIMIT": "1"})})
    await world.commit({FILE: environment({"LIMIT": "2"})})
    reset = await world.plan(to=old, mode="reset")
    assert [one.path for one in reset.applications[0].settings.changes] == ["spec.environment.LIMIT"]
    await world.roll_back(to=old)
    undo = await world.undo()
    assert "- Process web spec.environment.LIMIT: 1 → 2\n" in (await world.repo.commit(undo.result.commit)).message


async def test_lines_of_several_applications_have_their_names(world):
    """One commit moves both."""
    web, cart = FILE, f"{CART}/process-compose.yaml"
    old = await world.commit({web: environment({"LIMIT": "1"}), cart: environment({"LIMIT": "3"})})
    await world.commit({web: environment({"LIMIT": "2"}), cart: environment({"LIMIT": "4"})})
    plan = await world.plan("web-production", "cart-production", to=old)
    assert "- web-production Process web spec.environment.LIMIT: 2 → 1\n" in plan.message
    assert "- cart-production Process web spec.environment.LIMIT: 4 → 3\n" in plan.message
