"""A comparison of files never shows a Secret, however its kind is written."""

import pytest

from lastgood.queries.diff import file_diffs
from twins.config_repo import MemoryConfigRepo


@pytest.mark.parametrize(
    "text",
    [
        "kind: Secret\ndata: {a: %s}\n",
        '{"kind": "Secret", "data": {"a": "%s"}}\n',
        "{kind: 'Secret', data: {a: %s}}\n",
        "kind: &k Secret\ndata: {a: %s}\n",
        "kind: !!str Secret\ndata: {a: %s}\n",
        "kind: SecretList\nitems:\n- {metadata: {name: s}, data: {a: %s}}\n",
        "secretGenerator:\n- literals: [a=%s]\n",
    ],
)
async def test_a_file_that_holds_a_secret_is_not_shown(text):
    """Alone, behind an anchor or a tag, and in a list whose items do not say what they are."""
    repo = MemoryConfigRepo()
    before = await repo.commit_files("main", {"a.yaml": text % "b2xk"})
    after = await repo.commit_files("main", {"a.yaml": text % "bmV3"})
    changes = await repo.changes((await repo.entry(before, "")).oid, (await repo.entry(after, "")).oid)
    assert await file_diffs(repo, changes) == {"a.yaml": "not shown: the file holds a Secret"}
