"""Who has an object: the first who asks, until they ask no more."""

from hypothesis import given
from hypothesis import strategies as st

from lastgood.targets.kubernetes.claims import Claims

KEYS = [(("", kind, "v1", kind.lower()), "shop", name) for kind in ("ConfigMap", "Service") for name in ("a", "b")]


def test_nobody_steals_and_what_is_let_go_is_free():
    """The second who asks is told as a rival, and has it once the first lets it go."""
    a, b, *_ = KEYS
    claims = Claims()
    claims.claim("web", {a, b})
    claims.claim("cart", {b})
    assert (claims.owner(b), set(claims.rivals(b)), set(claims.rivals(a))) == ("web", {"cart"}, set())

    claims.claim("cart", set())
    assert set(claims.rivals(b)) == set()
    claims.claim("cart", {b})
    claims.claim("web", {a})
    assert claims.owner(b) is None
    claims.contest(b, "cart")
    claims.claim("cart", {b})
    assert (claims.owner(b), set(claims.rivals(b))) == ("cart", set())
    claims.contest(a, "cart")
    claims.release("cart")
    assert set(claims.rivals(a)) == set()
    claims.release("nobody")
    assert (claims.owner(a), claims.owner(b)) == ("web", None)


@given(
    st.lists(st.tuples(st.sampled_from("xyz"), st.none() | st.sets(st.sampled_from(KEYS))), max_size=20),
)
def test_it_is_as_if_all_were_gone_through(steps):
    """The same as dropping all that an application has, and taking what is free of what it asks for."""
    claims, naive = Claims(), {}
    for app, keys in steps:
        naive = {key: owner for key, owner in naive.items() if owner != app}
        if keys is None:
            claims.release(app)
        else:
            claims.claim(app, keys)
            for key in keys:
                naive.setdefault(key, app)
    assert {key: claims.owner(key) for key in KEYS if claims.owner(key)} == naive
