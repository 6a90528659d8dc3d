"""What provenance claims of an image's source, and what is no provenance of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.registry.manifest import Malformed
from lastgood.registry.provenance import MAX_CLAIMS, is_provenance, read_provenance
from twins.images import BUNDLE, ENVELOPE, REVISION, SLSA_02, STATEMENT, bundled, enveloped, material, provenance

IMAGE = "sha256:" + "1" * 64
SOURCE = "https://git.example.com/shop/web"
RUN = "https://git.example.com/shop/web/actions/runs/481/attempts/1"


def read(document, subjects=(IMAGE,)):
    found = read_provenance(json.dumps(document).encode(), set(subjects))
    return [(claim.place, claim.source, claim.revision, claim.url) for claim in found]


@pytest.mark.parametrize("wrapped", [dict, enveloped, bundled])
def test_a_statement_is_read_bare_enveloped_and_bundled(wrapped):
    """The commit that the builder resolved, its repo without what belongs to the address of a ref, and the run."""
    run = {"metadata": {"invocationId": RUN}}
    statement = provenance(IMAGE, SOURCE, REVISION, runDetails=run)
    assert read(wrapped(statement)) == [("attestation", SOURCE, REVISION, RUN)]


def test_an_envelope_may_use_the_alphabet_of_addresses():
    """The envelope's specification allows it."""
    written = enveloped(provenance(IMAGE, SOURCE, REVISION, note="\u00ff\u00fe\u00ff?>~~~"))
    payload = written["payload"].replace("+", "-").replace("/", "_")
    assert payload != written["payload"]
    assert [revision for _, _, revision, _ in read({**written, "payload": payload})] == [REVISION]


def test_older_provenance_and_that_of_buildkit_are_read():
    """The configuration's source of SLSA 0.2; what BuildKit says of the checkout comes before what went into it."""
    assert read(provenance(IMAGE, SOURCE, REVISION, predicate_type=SLSA_02)) == [
        ("attestation", SOURCE, REVISION, None)
    ]
    for predicate_type, vcs in (
        (SLSA_02, {"metadata": {"https://mobyproject.org/buildkit@v1#metadata": {"vcs": {}}}}),
        ("https://slsa.dev/provenance/v1", {"runDetails": {"metadata": {"buildkit_metadata": {"vcs": {}}}}}),
    ):
        innermost = vcs
        while "vcs" not in innermost:
            innermost = next(iter(innermost.values()))
        innermost["vcs"] = {"source": SOURCE, "revision": "b" * 40}
        found = read(provenance(IMAGE, SOURCE, REVISION, predicate_type=predicate_type, **vcs))
        assert [revision for _, _, revision, _ in found] == ["b" * 40, REVISION]


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": [{"digest": {"sha256": "2" * 64}}]},
        {"subject": []},
        {"predicateType": "https://spdx.dev/Document"},
        {"predicate": {}},
        {"predicate": {"buildDefinition": {"resolvedDependencies": [{"uri": "pkg:docker/base@1", "digest": {}}]}}},
        {"predicate": {"buildDefinition": {"resolvedDependencies": [material("javascript:alert(1)", REVISION)]}}},
        {"predicate": {"buildDefinition": {"resolvedDependencies": [material(SOURCE, "main")]}}},
        {"predicate": {"buildDefinition": {"resolvedDependencies": "none"}}},
    ],
)
def test_what_says_nothing_of_this_image_claims_nothing(changed):
    """Another image, none, another kind of statement, no repo, no commit, another form."""
    assert read(provenance(IMAGE, SOURCE, REVISION) | changed) == []


def test_credentials_of_an_address_are_taken_off():
    """Whoever wrote them there, they are not shown."""
    (found,) = read(provenance(IMAGE, "https://robot:secret@git.example.com/shop/web", REVISION))
    assert found[1] == SOURCE


def test_many_materials_are_a_few_claims():
    """Each source repo is one claim, and no more of them than so many."""
    some = [material(f"{SOURCE}{n}", REVISION) for n in range(100)]
    statement = provenance(IMAGE, SOURCE, REVISION) | {
        "predicate": {"buildDefinition": {"resolvedDependencies": [*some, *some]}}
    }
    assert len(read(statement)) == MAX_CLAIMS


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"payloadType": "text/plain", "payload": ""},
        {"payloadType": STATEMENT, "payload": "not base64!"},
        {"payloadType": STATEMENT, "payload": "e30="},
        {"dsseEnvelope": {"payloadType": STATEMENT, "payload": "W10="}},
        {"subject": 1, "predicateType": "", "predicate": {}},
    ],
)
def test_what_is_no_statement_is_malformed(document):
    """An envelope around nothing, around text, and JSON of any other form."""
    with pytest.raises(Malformed):
        read(document)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text(max_size=8) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "predicate",
                        "predicateType",
                        "subject",
                        "digest",
                        "uri",
                        "materials",
                        "metadata",
                        "vcs",
                        "payload",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_bytes_are_claims_or_malformed(data):
    """Nothing else comes of hostile bytes, and nothing deep breaks it."""
    for one in (data, b"[" * 100_000, b'{"a":' * 50_000):
        try:
            read_provenance(one, {IMAGE})
        except Malformed:
            continue


@pytest.mark.parametrize(
    ("kind", "predicate", "may"),
    [
        (STATEMENT, None, True),
        (STATEMENT, "https://slsa.dev/provenance/v1", True),
        (STATEMENT, "https://spdx.dev/Document", False),
        (ENVELOPE, None, True),
        (BUNDLE, None, True),
        ("application/vnd.dev.sigstore.bundle+json;version=0.2", None, True),
        ("application/spdx+json", None, False),
    ],
)
def test_only_what_may_hold_provenance_is_fetched(kind, predicate, may):
    """By the media type, and by the annotation where there is one."""
    assert is_provenance(kind, predicate) is may
