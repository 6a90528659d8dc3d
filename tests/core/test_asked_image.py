"""An image that somebody asks for, and whether one that ran is meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.asked_image import AskedImage, asked_image

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("text", "name", "references"),
    [
        ("web:1.4.2", "web", ("1.4.2",)),
        ("registry.example.com:5000/shop/web:1.4.2", "registry.example.com:5000/shop/web", ("1.4.2",)),
        (f"shop/web@{DIGEST}", "shop/web", (DIGEST,)),
        (f"shop/web:1@{DIGEST}", "shop/web", ("1", DIGEST)),
        (DIGEST, "", (DIGEST,)),
        (DIGEST[:14], "", (DIGEST[:14],)),
        (f"shop/web:1@{DIGEST[:14]}", "shop/web", ("1", DIGEST[:14])),
    ],
)
def test_a_name_with_a_tag_or_a_digest_is_an_image(text, name, references):
    """With a registry's port, with both, or by the digest alone."""
    assert asked_image(text) == AskedImage(name=name, references=references)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PR-481",
        "#12",
        "shop/web#12",
        "ABC-12",
        "web",
        "shop/web",
        "a" * 40,
        "gift message",
        "fix: rounding",
        "gift@sha256:12",
    ],
)
def test_whatever_else_a_feature_is_called_is_no_image(text):
    """Without a tag or digest nothing is said of one image."""
    assert asked_image(text) is None


@pytest.mark.parametrize(
    ("text", "name", "reference", "meant"),
    [
        ("web:1", "web", "1", True),
        ("web:1", "registry.example.com/shop/web", "1", True),
        ("web:1", "registry.example.com/shop/farweb", "1", False),
        ("web:1", "web", "1.1", False),
        ("web:1", "web", f"1@{DIGEST}", True),
        (f"web:1@{DIGEST}", "web", f"1@{OTHER}", False),
        (f"web:1@{DIGEST}", "web", "1", False),
        (f"web@{DIGEST}", "web", f"1@{DIGEST}", True),
        (DIGEST, "registry.example.com/shop/web", DIGEST, True),
        (DIGEST[:14], "registry.example.com/shop/web", f"1@{DIGEST}", True),
        (f"web@{DIGEST[:14]}", "web", OTHER, False),
        (f"web@{DIGEST[:14]}", "cart", DIGEST, False),
        ("docker.io/library/nginx:1", "nginx", "1", True),
        ("web:1", "web", "", False),
    ],
)
def test_one_that_ran_is_meant_by_its_name_and_reference(text, name, reference, meant):
    """A name may leave out what stands before it; a digest that is given decides."""
    assert asked_image(text).fits(name, reference) is meant


@given(st.text(max_size=120), st.text(max_size=60), st.text(max_size=60))
def test_hostile_text_is_read(text, name, reference):
    """Whatever is asked of whatever ran, the answer is yes or no."""
    asked = asked_image(text)
    assert asked is None or asked.fits(name, reference) in (True, False)
