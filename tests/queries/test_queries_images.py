"""Which images a version brought, where no deployment is on record: known, rendered for one, or not known."""

import pytest

from lastgood.core.timeline import TimelineQuery
from lastgood.queries.followed import Followed
from lastgood.queries.show import Shows
from lastgood.queries.timeline import Timelines
from lastgood.render.renderers import Renderers
from twins.clock import ManualClock
from twins.config_repo import MemoryConfigRepo, MemoryRemote
from twins.rendering import renderers

CONFIG = """\
version: 1
applications:
  - {name: "{app}", path: "apps/{app}", destination: here}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {containers: [{name: web, image: "shop/web:v1"}]}
"""


def kustomized(tag):
    return {"apps/web/kustomization.yaml": f"resources: [pod.yaml]\nimages: [{{name: shop/web, newTag: {tag}}}]\n"}


@pytest.fixture
async def followed():
    remote = MemoryRemote()
    files = {"lastgood.yaml": CONFIG, "apps/web/pod.yaml": POD, "apps/plain/pod.yaml": POD}
    await remote.commit_files("main", {**files, **kustomized("v1")}, message="Begin")
    await remote.commit_files("main", {**kustomized("v2"), "apps/plain/pod.yaml": POD.replace("v1", "v2")}, message="2")
    repo = MemoryConfigRepo(remote)
    await repo.fetch("main")
    return (Followed(repo, "main"),)


async def test_a_timeline_says_that_it_does_not_know_the_images_of_a_kustomization(followed):
    """None, not none: rendering each version would start a program for each. Of plain files they are known."""
    timelines = Timelines(followed, renderer=Renderers(), clock=ManualClock())
    found = await timelines.timeline(TimelineQuery(app="web"))
    assert [one.images for one in found] == [None, None]
    newest, _ = await timelines.timeline(TimelineQuery(app="plain"))
    assert [(one.from_, one.to) for one in newest.images] == [("v1", "v2")]


async def test_one_version_of_a_kustomization_without_its_program_has_no_known_images(followed):
    """The program is not there, so what is shown says so."""
    shows = Shows(followed, renderer=Renderers(), clock=ManualClock())
    assert (await shows.show("web", "current")).images is None


@pytest.mark.programs
async def test_one_version_of_a_kustomization_is_rendered_for_its_images(followed, render_programs):
    """Where the program is there, one version is worth its two renders."""
    shows = Shows(followed, renderer=renderers(render_programs), clock=ManualClock())
    assert [(one.from_, one.to) for one in (await shows.show("web", "current")).images] == [("v1", "v2")]
