"""The pages of what runs: how services and the resource tree are laid out, and what they say where nothing is seen."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.errors import NeedsServer, TargetFailed
from lastgood.core.observation import ResourceResult
from lastgood.core.resource_tree import ResourceTree, TreeEdge, TreeNode, node_id
from lastgood.core.service import Services, ServiceView
from lastgood.web.services import split_image
from lastgood.web.tree import Asked, lay_out, read_asked
from twins.html import Page
from twins.lastgood import NOW

PATH = "/apps/web-production/state"


def node(name, kind="Pod", health="Healthy", group="", *, asked=False):
    return TreeNode(
        id=node_id(group, kind, "shop", name),
        group=group,
        kind=kind,
        namespace="shop",
        name=name,
        asked=asked,
        health=health,
    )


def tree(*nodes, owns=()):
    edges = tuple(TreeEdge(from_=a.id, to=b.id, leads="owns") for a, b in owns)
    return ResourceTree(app="web-production", observed_at=NOW, nodes=nodes, edges=edges)


def names(views):
    return {view.node.name: names(view.children) for view in views}


def shown(laid):
    return {group.name: names(group.nodes) for group in laid.groups}


WEB, SET = node("web", "Deployment", group="apps", asked=True), node("web-7d4", "ReplicaSet", group="apps")
GOOD, BAD = node("web-7d4-a"), node("web-7d4-b", health="Degraded")
SERVICE = node("web", "Service", asked=True)


def test_only_the_way_to_what_needs_a_person_is_open():
    """Healthy branches are closed; the worst stands first; each sort of object has its heading."""
    calm = tree(WEB, SERVICE, SET, GOOD, owns=[(WEB, SET), (SET, GOOD)])
    assert shown(lay_out(calm, Asked(path=PATH))) == {"Workloads": {"web": {}}, "Network": {"web": {}}}
    sick = tree(WEB, SERVICE, SET, GOOD, BAD, owns=[(WEB, SET), (SET, GOOD), (SET, BAD)])
    found = lay_out(sick, Asked(path=PATH))
    assert shown(found)["Workloads"] == {"web": {"web-7d4": {"web-7d4-b": {}, "web-7d4-a": {}}}}
    assert next(iter(found.groups[0].nodes[0].children[0].children)).node.name == "web-7d4-b"
    assert (found.total, found.asked) == (5, 2)


def test_a_branch_is_opened_and_closed_by_its_address():
    """The twist's link does what it says and keeps the rest of the address; without a script too."""
    calm = tree(WEB, SET, GOOD, owns=[(WEB, SET), (SET, GOOD)])
    asked = Asked(path=PATH, kind="", chosen=WEB.id)
    twist = lay_out(calm, asked).groups[0].nodes[0].twist_url
    opened = read_asked(PATH, {"r": WEB.id, "open": WEB.id})
    assert twist == opened.url()
    again = lay_out(calm, opened).groups[0].nodes[0]
    assert (again.expanded, names(again.children)) == (True, {"web-7d4": {}})
    assert lay_out(calm, read_asked(PATH, {"close": WEB.id})).groups[0].nodes[0].expanded is False


def test_a_search_shows_what_matches_and_what_is_above_it():
    """By name, kind and health; the way to each match is open."""
    whole = tree(WEB, SERVICE, SET, GOOD, BAD, owns=[(WEB, SET), (SET, GOOD), (SET, BAD)])
    by_name = lay_out(whole, Asked(path=PATH, query="7D4-A"))
    assert shown(by_name) == {"Workloads": {"web": {"web-7d4": {"web-7d4-a": {}}}}}
    assert shown(lay_out(whole, Asked(path=PATH, kind="Service"))) == {"Network": {"web": {}}}
    assert lay_out(whole, Asked(path=PATH, query="nowhere")).shown == 0


def test_many_siblings_are_cut_and_shown_whole_on_demand():
    """The first twenty, how many more, and a link that shows all."""
    many = [node(f"web-{number:03}") for number in range(51)]
    found = lay_out(tree(*many), Asked(path=PATH))
    assert (len(found.groups[0].nodes), found.groups[0].more) == (20, 31)
    whole = lay_out(tree(*many), read_asked(PATH, {"all": "1"}))
    assert (len(whole.groups[0].nodes), whole.groups[0].more) == (51, 0)


NAMES = st.integers(0, 7)


@given(edges=st.lists(st.tuples(NAMES, NAMES), max_size=30), sick=st.sets(NAMES))
def test_each_object_stands_once_whatever_owns_what(edges, sick):
    """Rings, several owners, objects that own themselves: nothing is lost, nothing comes twice, nothing hangs."""
    nodes = [node(str(number), health="Degraded" if number in sick else "Healthy") for number in range(8)]
    whole = tree(*nodes, owns=[(nodes[a], nodes[b]) for a, b in edges])
    every = ",".join(one.id for one in nodes)
    found = []

    def walk(views):
        for view in views:
            found.append(view.node.name)
            walk(view.children)

    for group in lay_out(whole, read_asked(PATH, {"open": every})).groups:
        walk(group.nodes)
    assert sorted(found) == sorted(one.name for one in nodes)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("shop/web:5.44.2", ("shop/web:", "5.44.2")),
        ("registry.example.com:5000/web", ("registry.example.com:5000/web", "")),
        ("registry.example.com:5000/web:1", ("registry.example.com:5000/web:", "1")),
        ("shop/web@sha256:abc", ("shop/web@", "sha256:abc")),
        ("shop/web:1@sha256:abc", ("shop/web:", "1")),
        ("5f3c1d0", ("5f3c1d0", "")),
    ],
)
def test_what_tells_versions_of_an_image_apart_stands_alone(reference, parts):
    """The tag, else the digest; a registry's port is neither."""
    found = split_image(reference)
    assert (found.name, found.version) == parts


@pytest.mark.parametrize("page", ["services", "state"])
def test_a_dashboard_apart_from_the_agent_says_so(browser, lastgood, page):
    """Not an error and not an empty list that looks like nothing runs: plain words, and the rest of the page."""

    async def elsewhere(app):
        raise NeedsServer(f"what {app} runs is in the memory of the agent", hint="ask a `lastgood serve`", app=app)

    lastgood.services = lastgood.tree = elsewhere
    answer = browser.get(f"/apps/web-production/{page}")
    assert answer.status_code == 200
    notes = [one.text for one in Page(answer.text).all("p") if one.given.get("class") == "note t-off"]
    assert notes == [
        "What runs cannot be seen now. what web-production runs is in the memory of the agent. ask a `lastgood serve`"
    ]
    assert "Not known" in answer.text


def test_a_log_that_cannot_be_had_leaves_the_rest_of_the_page(browser, lastgood):
    """The tree is from memory; what the cluster refuses now says so in its place."""

    async def refuses(*_, **__):
        raise TargetFailed(app="web-production", destination="prod", reason="pods/log is forbidden")

    lastgood.pod_log = refuses
    text = browser.get(f"{PATH}?r=/Pod/web/web-7d4-x2x").text
    assert "pods/log is forbidden" in text
    assert "BackOff" in text


@pytest.mark.parametrize("page", ["services", "state"])
def test_what_was_seen_before_the_destination_went_away_is_told_as_such(browser, lastgood, page):
    """Numbers of ready pods do not look like those of now."""
    asked = {"services": lastgood.services, "state": lastgood.tree}[page]

    async def away(app):
        return msgspec.structs.replace(await asked(app), trouble="the API server does not answer")

    lastgood.services = lastgood.tree = away
    text = " ".join(one.text for one in Page(browser.get(f"/apps/web-production/{page}").text).all("p"))
    assert "the API server does not answer. This is what was seen last." in text


def test_what_left_git_and_stays_is_said(browser, lastgood):
    """It was not made by the cluster: its row says so, and its panel why it stays."""
    status_of = lastgood.status

    async def with_left(app):
        why = ResourceResult(
            kind="Pod", name="web-7d4-x2x", change=None, outcome="left", message="left Git and stays: why"
        )
        return msgspec.structs.replace(await status_of(app), left=(why,))

    text = browser.get(f"{PATH}?r=/Pod/web/web-7d4-x2x").text
    assert ("it was made there" in text, "left Git" in text) == (True, False)
    lastgood.status = with_left
    text = browser.get(f"{PATH}?r=/Pod/web/web-7d4-x2x").text
    assert '<span class="faint">left Git</span>' in text
    assert ("left Git and stays: why" in text, "it was made there" in text) == (True, False)


def test_each_log_of_a_pod_can_be_read(browser, lastgood):
    """That of every container, and of the run before this one, which is what a program that crashes left behind."""
    tree_of = lastgood.tree

    async def two(app):
        tree = await tree_of(app)
        nodes = tuple(
            msgspec.structs.replace(one, containers=("main", "proxy") if one.kind == "Pod" else ())
            for one in tree.nodes
        )
        return msgspec.structs.replace(tree, nodes=nodes)

    lastgood.tree = two
    address = f"{PATH}?r=/Pod/web/web-7d4-x2x"
    page = Page(browser.get(address).text)
    chips = [one.text for one in page.all("a") if one.given.get("class") == "chip"]
    assert chips == ["main, the run before", "proxy"]
    before, proxy = [one.given["href"] for one in page.all("a") if one.given.get("class") == "chip"]
    lastgood.orders.clear()
    for link in (before, proxy, f"{address}&container=main&previous=1&open=x"):
        assert browser.get(link).status_code == 200
    asked = [(one.container, one.previous) for one in lastgood.orders]
    assert asked == [("main", True), ("proxy", False), ("main", True)]


def test_what_was_chosen_and_is_gone_is_said(browser):
    """An old link to a pod that was replaced leads to the tree, with a word about it."""
    text = browser.get(f"{PATH}?r=/Pod/web/long-gone").text
    assert "not there any more" in text
    assert "web-7d4" not in text.partition("long-gone")[0]


def test_services_that_need_a_person_stand_first_and_pages_follow(browser, lastgood):
    """Fifty on a page; the filter stays in the links."""

    def one(number):
        health = "Degraded" if number == 70 else "Healthy"
        return ServiceView(group="apps", kind="Deployment", namespace="shop", name=f"s{number:02}", health=health)

    async def many(app):
        return Services(app=app, observed_at=NOW, services=tuple(map(one, range(80))), left_out=3)

    lastgood.services = many
    page = Page(browser.get("/apps/web-production/services?kind=Deployment").text)
    rows = [element.text for element in page.all("th") if element.given.get("scope") == "row"]
    assert (len(rows), rows[0].startswith("s70")) == (50, True)
    assert "1 to 50 of 80 services; 3 more are not told" in " ".join(one.text for one in page.all("span"))
    (following,) = [link.given["href"] for link in page.all("a") if link.text == "Next"]
    assert following == "/apps/web-production/services?kind=Deployment&page=2"
    rest = Page(browser.get(following).text)
    assert len([element for element in rest.all("th") if element.given.get("scope") == "row"]) == 30


def test_labels_that_tell_services_apart_are_shown(browser, lastgood):
    """The mark that every object of an application has is none of them; the tree shows it."""
    labels = {"applyset.kubernetes.io/part-of": "applyset-abc-v1", "team": "checkout"}
    one = ServiceView(group="apps", kind="Deployment", namespace="shop", name="web", health="Healthy", labels=labels)

    async def marked(app):
        return Services(app=app, observed_at=NOW, services=(one,))

    lastgood.services = marked
    text = browser.get("/apps/web-production/services").text
    assert "team=checkout" in text
    assert "applyset-abc-v1" not in text


@pytest.mark.parametrize("query", ["health=fine", "page=x", "page=-1", "q=" + "x" * 600, "q=%00", "page=9999999"])
def test_a_filter_that_makes_no_sense_is_refused(browser, query):
    """With a sentence, not with a traceback."""
    assert browser.get(f"/apps/web-production/services?{query}").status_code == 422


def test_a_process_without_replicas_of_its_own_has_no_marks(browser, lastgood):
    """Many pods are a number, not a wall of marks."""
    view = ServiceView(group="apps", kind="Deployment", namespace="shop", name="big", health="Healthy")

    async def big(app):
        return Services(app=app, observed_at=NOW, services=(msgspec.structs.replace(view, ready=40, wanted=40),))

    lastgood.services = big
    text = browser.get("/apps/web-production/services").text
    assert "40&nbsp;/&nbsp;40" in text
    assert "pips" not in text
