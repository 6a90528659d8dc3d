"""lastgood.yaml: what it means, and what is said about one that is wrong."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lastgood.core.application import DeclaredScope, Policy
from lastgood.core.config import parse_config
from lastgood.core.entry import NotAnApplication, application_at
from lastgood.core.errors import ConfigWrong
from lastgood.core.pattern import without_environment
from lastgood.core.source_commit import Selection
from lastgood.core.sources import SourceOf, source_of

DESIGN = b"""\
version: 1
applications:
  - name: "{service}-{environment}"
    path: "apps/{service}/{environment}"      # a pattern: one application for each match
    environment: "{environment}"
    group: "{service}"
    destination: "{environment}"
    namespace: "{service}"
    render: auto
    policy: {bake: 10m, prune: true, self_heal: true, reason: required, auto_rollback: off}
  - name: web-staging
    path: charts/web
    destination: staging
    namespace: web
    helm: {release: web, values: [values.yaml, values-staging.yaml]}
sources:
  - image: "registry.example.com/shop/{service}"
    repo: "https://git.example.com/shop/{service}.git"
    revision: "{tag}"
    issues: {jira: "https://example.atlassian.net"}
"""


def one(text: str, **words: str):
    """Read a file with one entry and fill it in."""
    config = parse_config(f"version: 1\napplications:\n  - {{{text}}}\n".encode())
    return application_at(config.entries[0], words, repo="config", branch="main")


def test_the_file_of_the_design_reads():
    """A pattern and its match give the application with every field filled in."""
    config = parse_config(DESIGN)
    app = application_at(config.entries[0], {"service": "web", "environment": "qa"}, repo="config", branch="main")
    assert (app.name, app.group, app.environment, app.destination, app.namespace) == (
        "web-qa",
        "web",
        "qa",
        "qa",
        "web",
    )
    assert app.scope == DeclaredScope(path="apps/web/qa")
    assert app.policy == Policy(reason_required=True)
    assert config.reset_refused is False


def test_defaults_are_those_of_the_design():
    """Only name, path and destination are required."""
    app = one("name: web, path: web, destination: here")
    assert app.policy == Policy(bake_s=600, prune=True, self_heal=True, reason_required=False, auto_rollback=False)
    assert (app.render, app.environment, app.namespace, app.group) == ("auto", None, None, "web")


def test_two_spellings_of_one_definition_compare_equal():
    """What is said explicitly and what is the default are the same definition."""
    short = one("name: web, path: web, destination: here")
    long = one(
        "name: web, path: ./web/, destination: here, group: web, render: auto, helm: {},"
        " policy: {bake: 600s, prune: yes, self_heal: on, reason: optional, auto_rollback: no}"
    )
    assert short.definition == long.definition
    assert one("name: web, path: web, destination: there").definition != short.definition


def test_the_root_leaves_lastgoods_own_files_out():
    """An application at the root is not made of lastgood.yaml and .lastgood."""
    assert one("name: shop, path: ., destination: here").scope == DeclaredScope(
        path="", left_out=(".lastgood", "lastgood.yaml")
    )


def test_a_charts_inputs_are_the_chart_and_the_listed_values():
    """Which files are listed is kept for the look at the chart; those outside it are inputs whatever stands there."""
    text = b"name: web, path: charts/web, destination: x, helm: {values: [V, values-a.yaml]}"
    text = b"version: 1\napplications:\n  - {" + text + b"}"
    entry = parse_config(text.replace(b"V", b"../../envs/a.yaml")).entries[0]
    app = application_at(entry, {}, repo="config", branch="main")
    assert app.scope == DeclaredScope(
        path="charts/web", others=("envs/a.yaml",), values=("envs/a.yaml", "charts/web/values-a.yaml")
    )


def test_what_is_no_drift_is_part_of_the_definition_where_it_is_said():
    """The rules have the words of the path; without any, the definition is as it was before there were rules."""
    rule = "{kind: Deployment, group: apps, name: '{s}', pointers: [/spec/replicas], managers: [m]}"
    text = f"version: 1\napplications:\n  - {{name: '{{s}}', path: 'a/{{s}}', destination: x, ignore_drift: [{rule}]}}"
    app = application_at(parse_config(text.encode()).entries[0], {"s": "web"}, repo="config", branch="main")
    (ignored,) = app.ignore_drift
    assert (ignored.name, ignored.pointers, ignored.managers) == ("web", ("/spec/replicas",), ("m",))
    assert app.definition["ignore_drift"][0]["name"] == "web"
    # Records give it back from JSON, and one that is another then is deployed anew, for ever.
    assert json.loads(json.dumps(app.definition)) == app.definition
    asked = (
        ("apps", "Deployment", "web"),
        ("", "Deployment", "web"),
        ("apps", "Deployment", "b"),
        ("apps", "Job", "web"),
    )
    assert [ignored.covers(*one) for one in asked] == [True, False, False, False]
    assert "ignore_drift" not in one("name: web, path: web, destination: here").definition


WRONG = {
    "": (1, "it is empty", "`lastgood init` writes one"),
    "version: 2": (1, "`version` must be 1", "a newer lastgood"),
    "version: true": (1, "`version` must be 1", ""),
    "applications: []": (1, "`version` is missing", ""),
    "[]": (1, "the file must be a mapping", ""),
    "version: 1\naplications: []": (2, "there is no key 'aplications' here", "did you mean applications?"),
    "version: 1\napplications: {}": (2, "`applications` must be a list", ""),
    "version: 1\napplications:\n  - 1": (3, "each of `applications` must be a mapping", ""),
    "version: 1\ndelivery: pr": (2, "`delivery` must be one of: push, pull-request, pull-request-if-refused", ""),
    "version: 1\nreset: refuse": (2, "`reset` must be one of: allowed, refused", "did you mean refused?"),
}

WRONG_ENTRIES = {
    "name: web, path: web": ("`destination` is missing", ""),
    "name: Web, path: web, destination: x": ("`name` 'Web' must be made of small letters", ""),
    "name: null, path: web, destination: x": ("`name` must be text", ""),
    "name: [web], path: web, destination: x": ("`name` must be text", ""),
    "name: web, path: /etc, destination: x": ("`path` '/etc' must be a folder inside the repo", ""),
    "name: web, path: a/../../b, destination: x": ("must be a folder inside the repo", ""),
    "name: web, path: a//b, destination: x": ("must be a folder inside the repo", ""),
    "name: web, path: .lastgood/x, destination: x": ("`path` cannot be in .lastgood", ""),
    "name: web, path: 'apps/{s', destination: x": ("has a brace in '{s'", ""),
    "name: web, path: 'apps/web-{env}', destination: x": ("stands for a whole folder name", "one entry for each"),
    "name: '{servic}', path: 'apps/{service}', destination: x": ("uses {servic}, which is not in `path`", "service?"),
    "name: web, path: web, destination: x, polcy: {}": ("there is no key 'polcy' here", "did you mean policy?"),
    "name: web, path: web, destination: x, render: kustomise": ("`render` must be one of", "did you mean kustomize?"),
    "name: web, path: web, destination: x, policy: {bake: soon}": ("`bake` 'soon' must be a duration", ""),
    "name: web, path: web, destination: x, policy: {bake: 31d}": ("must be a duration", ""),
    "name: web, path: web, destination: x, policy: {prune: maybe}": ("`prune` must be true or false", ""),
    "name: web, path: web, destination: x, policy: {purne: on}": ("there is no key 'purne' here", "prune"),
    "name: web, path: web, destination: x, ignore_drift: [{kind: Job}]": ("must name `pointers` or `managers`", ""),
    "name: web, path: web, destination: x, ignore_drift: [{pointers: [/a]}]": ("`kind` is missing", ""),
    "name: web, path: web, destination: x, ignore_drift: [{kind: Job, pointers: [spec]}]": (
        "'spec' is no JSON pointer",
        "a pointer is written `/spec/replicas`; `~1` stands for `/` in a name, `~0` for `~`",
    ),
    "name: web, path: web, destination: x, ignore_drift: [{kind: Job, pointers: [/a~2]}]": ("is no JSON pointer", ""),
    "name: web, path: web, destination: x, helm: {values: [../../x]}": ("must be a file inside the repo", ""),
    "name: web, path: web, destination: x, helm: {values: [/etc/passwd]}": ("must be a file inside the repo", ""),
    f"name: web, path: {'a' * 501}, destination: x": ("has 501 characters; the limit is 500", ""),
    'name: web, path: "a\\u0007b", destination: x': ("cannot be printed", ""),
}

WRONG_SOURCES = {
    "image: x": ("`repo` is missing", ""),
    "image: x, repo: 'https://bob:hunter2@example.com/x'": ("without a password", ""),
    "image: x, repo: '--upload-pack=evil'": ("without options", ""),
    "image: x, repo: 'ext::sh -c evil'": ("without options", ""),
    "image: '{a}{b}{c}{d}', repo: y": ("more than 3 words", ""),
    "image: '{a}', repo: '{b}'": ("uses {b}, which is not in `image`", ""),
    "image: x, repo: y, issues: {jira: 'javascript:alert(1)'}": ("`jira` must be a web address", ""),
}


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_refused_with_line_and_hint(text):
    """File, line, reason, and what may have been meant."""
    check(text, *WRONG[text])


@pytest.mark.parametrize("text", WRONG_ENTRIES)
def test_a_wrong_entry_is_refused(text):
    """The line is the entry's."""
    check(f"version: 1\napplications:\n  - {{{text}}}", 3, *WRONG_ENTRIES[text])


@pytest.mark.parametrize("text", WRONG_SOURCES)
def test_a_wrong_source_is_refused(text):
    """Secrets, options and helper programs have no place in an address."""
    check(f"version: 1\nsources:\n  - {{{text}}}", 3, *WRONG_SOURCES[text])


def check(text: str, line: int, reason: str, hint: str) -> None:
    with pytest.raises(ConfigWrong) as wrong:
        parse_config(text.encode())
    assert wrong.value.message.startswith(f"lastgood.yaml:{line}: ")
    assert (wrong.value.facts["file"], wrong.value.facts["line"]) == ("lastgood.yaml", line)
    assert reason in wrong.value.facts["reason"]
    assert hint in wrong.value.hint
    assert "hunter2" not in wrong.value.message


def test_too_many_entries_are_refused():
    """The number of entries is bounded."""
    text = "version: 1\napplications:\n" + "  - {name: a, path: a, destination: a}\n" * 2001
    check(text, 2, "`applications` has 2001 items; the limit is 2000", "")


def test_a_folder_name_made_of_digits_is_text():
    """Names that look like numbers need no quotes."""
    assert one("name: 2024, path: 0755, destination: 1").path == "0755"


def test_words_that_make_no_valid_name_are_refused():
    """A folder with capitals cannot name an application by itself."""
    with pytest.raises(NotAnApplication, match="the name 'Web' must be made of"):
        one("name: '{s}', path: '{s}', destination: x", s="Web")


@pytest.mark.parametrize(
    ("name", "environment", "group"),
    [
        ("web-production", "production", "web"),
        ("production-web", "production", "web"),
        ("shop.web.qa", "qa", "shop.web"),
        ("a-qa-b", "qa", "a-b"),
        ("reproduction", "production", "reproduction"),
        ("production", "production", "production"),
        ("web", None, "web"),
    ],
)
def test_the_group_is_the_name_without_the_environment(name, environment, group):
    """Only a whole part of the name is taken out."""
    assert without_environment(name, environment) == group


def test_the_first_source_that_fits_names_repo_and_revision():
    """Words of the image go into the address, the tag into the revision."""
    sources = parse_config(DESIGN).sources
    assert source_of(sources, "registry.example.com/shop/web", "1f2e") == SourceOf(
        repo="https://git.example.com/shop/web.git",
        revision="1f2e",
        selection=Selection(trackers=(("jira", "https://example.atlassian.net"),)),
    )
    assert source_of(sources, "registry.example.com/shop/web/extra", "1f2e") is None
    assert source_of(sources, "x" * 10_000, "1f2e") is None


@given(st.text(max_size=40), st.sampled_from(["name", "path", "destination", "group", "environment", "namespace"]))
def test_any_text_in_a_field_is_taken_or_refused(text, field):
    """Nothing but ConfigWrong comes out, whatever a field holds."""
    fields = {"name": "a", "path": "a", "destination": "a", field: text}
    body = "".join(f"    {key}: {value!a}\n" for key, value in fields.items()).replace("    ", "  - ", 1)
    try:
        config = parse_config(f"version: 1\napplications:\n{body}".encode())
    except ConfigWrong:
        return
    assert ".." not in config.entries[0].path


def source(text: str):
    """Read a file with one source."""
    return parse_config(
        f"version: 1\nsources:\n  - {{image: 'r/{{s}}', repo: 'https://g/all', {text}}}\n".encode()
    ).sources


def test_a_service_has_its_own_part_of_a_source_repo():
    """Its folders have the words of its image; the shared ones are beside them; keys are those of its projects."""
    read = source("paths: ['services/{s}/', go.mod], shared: [libs], issues: {linear: 'https://l/x', projects: [PLAT]}")
    found = source_of(read, "r/web", "1").selection
    assert found == Selection(
        paths=("services/web", "go.mod", "libs"), projects=("PLAT",), trackers=(("linear", "https://l/x"),)
    )
    assert found.is_key("PLAT-7")
    assert not found.is_key("UTF-8")
    assert found.tracker_page("PLAT-7") == "https://l/x/issue/PLAT-7"


def test_a_hostile_name_leads_out_of_no_folder():
    """A word that is `..` widens nothing: no file of a commit is at such a path."""
    assert source_of(source("paths: ['a/{s}']"), "r/..", "1").selection.paths == ("a/..",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("paths: [../x]", "'../x' must be a file or folder inside the source repo, relative to its root"),
        ("paths: [.]", "'.' must be a file or folder inside the source repo, relative to its root"),
        ("paths: ['{tag}']", "each of `paths` uses {tag}, which is not in `image`"),
        ("shared: [libs]", "`shared` needs `paths`: without them the whole repo counts"),
        ("issues: {projects: [shop]}", "'shop' is no project of issues"),
        ("issues: {linear: 'ssh://l'}", "`linear` must be a web address without a password"),
        ("issues: {jira: 'https://j', linear: 'https://l'}", "`issues` has both `jira` and `linear`"),
    ],
)
def test_a_wrong_part_of_a_source_is_named(text, said):
    """Each refusal says what is wrong with which key."""
    with pytest.raises(ConfigWrong, match=re.escape(said)):
        source(text)


@pytest.mark.parametrize(
    ("revision", "tag", "names"),
    [
        ("{tag}", "1.4.2", ["1.4.2"]),
        ("v{tag}", "1.4.2", ["v1.4.2"]),
        ("sha-{sha}", "sha-1b08f1f", ["1b08f1f"]),
        ("sha-{sha}", "1b08f1f", []),
        ("sha-{sha}", "sha-1b08f1f-dirty", []),
        ("{branch}-{sha}-{n}", "feat-a-1-1b08f1f-13", ["1b08f1f"]),
        ("{branch}-{sha}-{n}", "main-1b08f1f", []),
        ("{s}-{sha}", "web-1b08f1f", ["1b08f1f"]),
        ("{s}-{sha}", "cart-1b08f1f", []),
        ("v{semver}", "v1.4.2", ["v1.4.2", "1.4.2"]),
        ("v{semver}", "1.4.2", ["v1.4.2", "1.4.2"]),
        ("{semver}", "v1.4.2", ["1.4.2", "v1.4.2"]),
        ("web-{semver}", "web-1.4.2-rc.1", ["web-1.4.2-rc.1", "1.4.2-rc.1"]),
        ("v{semver}", "1.4.2_b1", ["v1.4.2_b1", "v1.4.2+b1", "1.4.2_b1", "1.4.2+b1"]),
        ("v{semver}", "latest", []),
        ("v{semver}", "1." * 400, []),
    ],
)
def test_what_a_tag_names_by_its_form(revision, tag, names):
    """The whole tag, or the parts that say which commit it is; a tag of another form names none."""
    said = f"{{image: 'r/{{s}}', repo: 'https://e/x', revision: '{revision}'}}"
    read = parse_config(f"version: 1\napplications: []\nsources:\n  - {said}\n".encode()).sources
    assert list(source_of(read, "r/web", tag).revisions) == names


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("{branch}-{n}", "nothing in it names a commit"),
        ("{tag}-{sha}", "has either {tag}"),
        ("{shaa}", "which is not in `image`"),
    ],
)
def test_forms_that_name_no_commit_are_wrong(revision, said):
    """Said with the file, before any tag is looked at."""
    text = f"version: 1\napplications: []\nsources:\n  - {{image: r/a, repo: 'https://e/x', revision: '{revision}'}}\n"
    with pytest.raises(ConfigWrong, match=re.escape(said)):
        parse_config(text.encode())
