"""What was Degraded and is mended, on a real control plane: what was said before the apply says nothing of it."""

import asyncio

import pytest

from twins.clusters import annotated, config_map, definition_of, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WAVE = "argocd.argoproj.io/sync-wave"
STALLED = {"conditions": [{"type": "Stalled", "status": "True", "message": "no such store"}]}


@pytest.mark.parametrize("is_mended", [True, False])
async def test_what_mends_something_is_not_given_up_for_what_was_said_of_it_before(corner, is_mended):
    """A kind that does not tell which generation its status is about: later waves wait for its controller's word."""
    group, target, app = f"t{corner.mark}.example.com", corner.target(), corner.application()
    place = f"/apis/{group}/v1/namespaces/{corner.namespace()}/widgets/one"

    def version(size):
        widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": size}}
        return manifests(widget, annotated(config_map("later", a=str(size)), **{WAVE: "1"}))

    def says(status):
        corner.ask("PUT", place, {**corner.ask("GET", place), "status": status})

    async def is_sent():
        return corner.ask("GET", place)["spec"]["size"] == 2

    corner.ask("POST", DEFINITIONS, definition_of(group))
    try:

        async def is_there():
            return (await target.apply(app, version(1))).complete

        await eventually(is_there)
        says(STALLED)
        await until_health(target, "Degraded")
        applying = asyncio.create_task(target.apply(app, version(2)))
        await eventually(is_sent)
        assert (await target.observe("web")).health == "Progressing"
        says({} if is_mended else {"conditions": [{**STALLED["conditions"][0], "message": "refused"}]})
        result = await applying
        assert result.complete is is_mended, result.message
        await until_health(target, "Healthy" if is_mended else "Degraded")
    finally:
        corner.ask("DELETE", f"{DEFINITIONS}/widgets.{group}")
