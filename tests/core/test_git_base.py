"""What a base in another repo is called, however a kustomization writes its address, and which ref it asks for."""

import pytest

from lastgood.core.git_base import git_base


@pytest.mark.parametrize(
    ("address", "name", "ref"),
    [
        ("https://github.com/org/app//deploy?ref=v1.4.2", "github.com/org/app//deploy", "v1.4.2"),
        ("https://github.com/org/app.git//deploy/web/?ref=v1.4.2", "github.com/org/app//deploy/web", "v1.4.2"),
        ("https://GitHub.com/org/app/deploy?version=v1", "github.com/org/app//deploy", "v1"),
        ("https://github.com/org/app?version=v1&ref=v2&timeout=90s", "github.com/org/app", "v2"),
        ("https://github.com/org/app.git/deploy?ref=refs/tags/v1", "github.com/org/app//deploy", "v1"),
        ("github.com/org/app/deploy?ref=v1.4.2", "github.com/org/app//deploy", "v1.4.2"),
        ("github.com:org/app?ref=v1", "github.com/org/app", "v1"),
        ("git@github.com:org/app.git//deploy?ref=v1", "github.com/org/app//deploy", "v1"),
        ("git@git.example.com:team/sub/app.git//deploy?ref=v1", "git.example.com/team/sub/app//deploy", "v1"),
        ("git::https://git.example.com/org/app//./deploy?ref=v1", "git.example.com/org/app//deploy", "v1"),
        ("ssh://git@git.example.com:2222/org/app//deploy?ref=v1", "git.example.com:2222/org/app//deploy", "v1"),
        ("https://user:secret@git.example.com/org/app//deploy?ref=v1", "git.example.com/org/app//deploy", "v1"),
        ("https://me@dev.azure.com/org/p/_git/app/deploy?ref=v1", "dev.azure.com/org/p/_git/app//deploy", "v1"),
        ("file:///srv/git/app.git//deploy?ref=v1", "/srv/git/app//deploy", "v1"),
        ("file:///srv/git/app?ref=v1", "/srv/git/app", "v1"),
        ("https://github.com/org/app//deploy", "github.com/org/app//deploy", ""),
        ("https://github.com/org/app//deploy?ref=", "github.com/org/app//deploy", ""),
        ("https://github.com/org/app//deploy?submodules=0", "github.com/org/app//deploy", ""),
        ("https://git.example.com/org/app/a.yaml?ref=v1", "git.example.com/org/app//a.yaml", "v1"),
    ],
)
def test_an_address_has_one_name_however_it_is_written(address, name, ref):
    """Without scheme, user, `.git` and query; `//` before the folder."""
    assert git_base(address) == (name, ref)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/releases/download/v1/install.yaml",
        "https://example.com/app",
        "../base?ref=v1",
        "base",
        "/srv/git/app?ref=v1",
        "gitlab.com/org/app//deploy?ref=v1",
        "https://github.com/org/app//../../etc?ref=v1",
        "https:///org/app?ref=v1",
        "https://github.com/?ref=v1",
        "oci://registry.example.com/org/app",
        "https://github.com/org/app\n?ref=v1",
        "https://github.com/org/app?ref=" + "v" * 5000,
        "",
    ],
)
def test_what_is_no_folder_of_a_repo_is_none(address):
    """A file on the web, a path, what Kustomize itself refuses, and what nobody would show."""
    assert git_base(address) is None
