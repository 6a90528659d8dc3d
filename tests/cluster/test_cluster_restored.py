"""A cluster whose store was put back from a backup while its applications were looked after."""

import pytest

from cluster.control_plane import ControlPlane
from twins.clusters import Corner, config_map, manifests
from twins.processes import eventually

pytestmark = pytest.mark.cluster


@pytest.fixture
async def corner(own_cluster, tmp_path):
    """On a cluster that nobody else needs: those who watched it do not find back."""
    with ControlPlane(own_cluster.programs) as plane:
        made = Corner(plane, tmp_path)
        yield made
        for target in made.targets:
            await target.close()


async def seen(target, app):
    found = await target.observe(app.name)
    return found.sync, found.message


async def test_a_cluster_put_back_from_a_backup_is_told_as_it_is_and_mended(corner):
    """What is as it was, what is not there, what alone is there again, and what stands for an application."""
    target = corner.target()
    changed, fewer, late = (corner.application(name) for name in ("changed", "fewer", "late"))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "went"}}
    await target.apply(changed, manifests(config_map("settings", a="1")))
    await target.apply(fewer, manifests(config_map("settings"), secret))
    corner.cluster.copy_store()
    versions = [
        (changed, manifests(config_map("settings", a="2")), "ConfigMap settings was changed"),
        (fewer, manifests(config_map("settings")), "Secret went is there and nobody asks for it"),
        (late, manifests(config_map("settings")), "ConfigMap settings: it is not in the cluster"),
    ]
    for app, version, _ in versions:
        assert (await target.apply(app, version)).complete
        assert await seen(target, app) == ("Synced", "")

    corner.cluster.put_back_store()
    for app, version, words in versions:

        async def is_noticed(app=app, words=words):
            sync, said = await seen(target, app)
            return sync == "OutOfSync" and words in said

        await eventually(is_noticed, what=words)
        assert (await target.apply(app, version)).complete
        assert await seen(target, app) == ("Synced", "")
        parent = corner.ask("GET", f"/api/v1/namespaces/{corner.own}/configmaps/lastgood.{app.name}")
        assert parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap"
    assert corner.ask("GET", f"/api/v1/namespaces/{fewer.namespace}/secrets/went") is None
