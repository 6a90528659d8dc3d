"""`lastgood where` as people read it."""

STAGING = "apps/web/staging/process-compose.yaml"


def test_an_image_is_found_by_what_git_asks_for(clone, lastgood):
    """In a clone nothing is on record and no source repo is read: the very image is known, the rest is not."""
    clone.commit("Try web r4", {STAGING: (clone.folder / STAGING).read_text().replace("r3", "r4")})
    said = lastgood("where", "web:r3")
    assert said.code == 0
    assert said.out == (
        "ENVIRONMENT  APPLICATION     CONTAINS  WHY\n"
        "production   web-production  yes       it runs this very image\n"
        "staging      web-staging     unknown   "
        "it runs another image of that name, and the revision of the one asked for is not…\n"
    )
    told = lastgood("where", "web:r3", "-o", "json").json
    assert told[1]["reason"].endswith(
        " is not known: source repos are not read here; a running server reads them (`--server URL`)"
    )
    assert [(one["contains"], one["deployment"]) for one in told] == [(True, None), (None, None)]
