"""How a cluster is reached and what limits there: plugins, rotated tokens, a pod's account, acting as others."""

import base64
import datetime as dt
import json
import shutil
import subprocess
import urllib.parse

import pytest
import yaml

from lastgood.core.errors import TargetFailed
from lastgood.targets.kubernetes import connection
from lastgood.targets.kubernetes.connection import ClusterAccess
from lastgood.targets.kubernetes.permissions import whoami
from lastgood.targets.kubernetes.trouble import Unreachable
from twins.clusters import config_map, deployment, manifests
from twins.processes import eventually, until_health

pytestmark = pytest.mark.cluster

EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
PLUGIN = """\
#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" >> {folder}/asked
cat {folder}/answer
cat {folder}/complaint >&2
exit $(cat {folder}/code)
"""


class Plugin:
    """A program as a kubeconfig names one, and what it answers."""

    def __init__(self, corner, version="v1"):
        self.folder = corner.root
        self.version = f"client.authentication.k8s.io/{version}"
        script = self.folder / "plugin"
        script.write_text(PLUGIN.format(folder=self.folder))
        script.chmod(0o755)
        self.answers("")
        user = {"exec": {"apiVersion": self.version, "command": "./plugin", "interactiveMode": "Never"}}
        self.access = ClusterAccess(kubeconfig=str(corner.kubeconfig(user)))

    def gives(self, token, **status):
        said = {"apiVersion": self.version, "kind": "ExecCredential", "status": {"token": token, **status}}
        self.answers(json.dumps(said))

    def gives_certificate(self, certificate, key, **status):
        parts = {"clientCertificateData": certificate, "clientKeyData": key}
        said = {"apiVersion": self.version, "kind": "ExecCredential", "status": {**parts, **status}}
        self.answers(json.dumps(said))

    def answers(self, text, *, code=0, complaint=""):
        (self.folder / "answer").write_text(text)
        (self.folder / "code").write_text(str(code))
        (self.folder / "complaint").write_text(complaint)

    def asked(self):
        file = self.folder / "asked"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
async def test_a_plugin_gives_the_token(corner, version):
    """It is told which form is spoken and that nobody can answer its questions; one token serves many requests."""
    _, token = corner.account("agent", EVERYTHING)
    plugin = Plugin(corner, version)
    plugin.gives(token)
    target = corner.target(access=plugin.access)
    assert (await target.apply(corner.application(), manifests(config_map("a"), config_map("b")))).complete
    assert (await target.observe("web")).sync == "Synced"
    (asked,) = plugin.asked()
    assert (asked["apiVersion"], asked["spec"]["interactive"]) == (plugin.version, False)


async def test_a_token_that_has_ended_is_asked_for_anew(corner):
    """One that has ended by its own word is not even tried."""
    _, token = corner.account("agent", EVERYTHING)
    plugin = Plugin(corner)
    now = dt.datetime.now(dt.UTC)
    plugin.gives(token, expirationTimestamp=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    target = corner.target(access=plugin.access)
    assert (await target.apply(corner.application(), manifests(config_map("a")))).complete
    assert len(plugin.asked()) > 3


async def test_a_token_that_the_cluster_refuses_is_asked_for_anew(corner):
    """The plugin is asked again, and what it then gives is used."""
    _, token = corner.account("agent", EVERYTHING)
    plugin = Plugin(corner)
    plugin.gives("stale-token-of-yesterday")
    target = corner.target(access=plugin.access)
    with pytest.raises(TargetFailed) as refused:
        await target.apply(corner.application(), manifests(config_map("a")))
    assert "does not accept our credentials" in str(refused.value)
    assert "stale-token" not in str(refused.value)
    plugin.gives(token)
    assert (await target.apply(corner.application(), manifests(config_map("a")))).complete


def openssl(*args):
    program = shutil.which("openssl") or "openssl"
    subprocess.run([program, *args], check=True, capture_output=True)


def certificate(plane, folder, name, *, group="system:masters"):
    """Have a client certificate signed by whom the API server trusts; return it and its key, PEM."""
    key, asked, made = (folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
    subject = f"/O={group}/CN={name}"
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-subj", subject, "-out", str(asked))
    authority = plane.client_authority
    signed_by = ["-CA", str(authority), "-CAkey", str(authority.with_suffix(".key")), "-CAcreateserial"]
    openssl("x509", "-req", "-in", str(asked), *signed_by, "-days", "1", "-out", str(made))
    return made.read_text(), key.read_text()


async def test_a_plugin_gives_a_client_certificate(corner, own_cluster):
    """The cluster takes us for whom the certificate names; it is asked for once, and nothing of it stays on disk."""
    plugin = Plugin(corner)
    plugin.gives_certificate(*certificate(own_cluster, corner.root, "priya"))
    target = corner.target(access=plugin.access)
    assert (await target.apply(corner.application(), manifests(config_map("a"), config_map("b")))).complete
    assert (await target.observe("web")).sync == "Synced"
    assert await whoami(target.connection) == "priya"
    assert len(plugin.asked()) == 1


async def test_a_client_certificate_that_the_cluster_refuses_is_asked_for_anew(corner, own_cluster):
    """One of another authority is not accepted; what the plugin gives next is, on new connections."""
    plugin = Plugin(corner)
    key, made = corner.root / "own.key", corner.root / "own.crt"
    own = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-subj", "/O=system:masters/CN=nobody"]
    openssl("req", "-x509", *own, "-days", "1", "-out", str(made))
    plugin.gives_certificate(made.read_text(), key.read_text())
    target = corner.target(access=plugin.access)
    with pytest.raises(TargetFailed, match="does not accept our credentials"):
        await target.apply(corner.application(), manifests(config_map("a")))
    plugin.gives_certificate(*certificate(own_cluster, corner.root, "tomasz"))
    assert (await target.apply(corner.application(), manifests(config_map("a")))).complete
    assert await whoami(target.connection) == "tomasz"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"clientCertificateData": "hunter2-hunter2"}, "gave a client certificate or its key alone"),
        ({"clientKeyData": "hunter2-hunter2", "token": "x"}, "gave a client certificate or its key alone"),
        (
            {"clientCertificateData": "hunter2-hunter2", "clientKeyData": "hunter2-hunter2"},
            "gave a client certificate and key that do not serve",
        ),
    ],
)
async def test_a_client_certificate_that_does_not_serve_is_told_and_not_shown(corner, status, says):
    """Half of it, or what is none: the application is Unknown with the reason."""
    plugin = Plugin(corner)
    plugin.answers(json.dumps({"apiVersion": plugin.version, "kind": "ExecCredential", "status": status}))
    seen = await corner.target(access=plugin.access).observe("web")
    assert (seen.health, says in seen.message) == ("Unknown", True), seen.message
    assert "hunter2" not in seen.message


async def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(corner, own_cluster):
    """Nobody is there to type it."""
    plugin = Plugin(corner)
    made, _ = certificate(own_cluster, corner.root, "priya")
    locked = corner.root / "locked.key"
    openssl("rsa", "-aes256", "-passout", "pass:secret", "-in", str(corner.root / "priya.key"), "-out", str(locked))
    plugin.gives_certificate(made, locked.read_text())
    seen = await corner.target(access=plugin.access).observe("web")
    assert "gave a client certificate and key that do not serve" in seen.message


async def test_the_files_that_kubeconfig_lists_are_one(corner, monkeypatch):
    """The first that has a name wins whole, paths count from their own files, and what is missing is passed over."""
    _, token = corner.account("agent", EVERYTHING)
    whole = yaml.safe_load(corner.kubeconfig({"token": token}).read_text())
    first, second = corner.root / "first", corner.root / "second"
    for folder in (first, second):
        folder.mkdir()
    (first / "token").write_text(token)
    user = {"name": "me", "user": {"tokenFile": "token"}}
    (first / "config").write_text(yaml.safe_dump({"users": [user], "current-context": "it"}))
    stale = {"users": [{"name": "me", "user": {"token": "stale"}}], "current-context": "elsewhere"}
    (second / "config").write_text(yaml.safe_dump({**whole, **stale}))
    listed = [corner.root / "missing", first / "config", second / "config"]
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, ["", *listed])))
    target = corner.target(access=ClusterAccess())
    assert (await target.apply(corner.application(), manifests(config_map("a")))).complete
    monkeypatch.setenv("KUBECONFIG", f"{corner.root / 'missing'}:{corner.root / 'gone'}")
    other = corner.target("other", access=ClusterAccess())
    assert "any of the files that KUBECONFIG lists not found" in (await other.observe("web")).message


@pytest.mark.parametrize(
    ("text", "code", "complaint", "says"),
    [
        ('{"token": "hunter2-hunter2"}', 3, "sso session ended, token=hunter2-hunter2", "failed with 3: sso session"),
        ("hunter2-hunter2", 0, "", "gave no ExecCredential"),
        ('{"kind": "ExecCredential", "status": {"hunter2-hunter2": 1}}', 0, "", "gave no token"),
        ('{"kind": "ExecCredential", "status": {"token": ["hunter2-hunter2"]}}', 0, "", "gave no ExecCredential"),
    ],
)
async def test_a_plugin_that_fails_is_named_and_its_secrets_are_not_shown(corner, text, code, complaint, says):
    """The application is Unknown with the reason; no token that the plugin printed is in it."""
    plugin = Plugin(corner)
    plugin.answers(text, code=code, complaint=complaint)
    target = corner.target(access=plugin.access)
    seen = await target.observe("web")
    assert (seen.health, says in seen.message) == ("Unknown", True), seen.message
    assert "the credential plugin plugin" in seen.message
    assert "hunter2" not in seen.message
    with pytest.raises(TargetFailed) as failed:
        await target.apply(corner.application(), manifests(config_map("a")))
    assert "hunter2" not in str(failed.value)


@pytest.mark.parametrize("way", ["kubeconfig", "tokenFile"])
async def test_credentials_that_are_rotated_are_read_anew(corner, way):
    """The old token dies while watches run; a new one lies in the file, and everything goes on by itself."""
    space = corner.namespace("accounts")
    _, old = corner.account("agent", EVERYTHING)
    file = corner.root / "token"
    file.write_text(old)
    said = {"tokenFile": "token"} if way == "tokenFile" else {"token": old}
    target = corner.target(access=ClusterAccess(kubeconfig=str(corner.kubeconfig(said))))
    app = corner.application()
    assert (await target.apply(app, manifests(config_map("a")))).complete

    corner.ask("DELETE", f"/api/v1/namespaces/{space}/serviceaccounts/agent")

    async def is_refused():
        try:
            await target.connection.request("GET", "/api/v1/namespaces/default")
        except Unreachable as no:
            return "does not accept our credentials" in str(no)
        return False

    # The API server remembers for a while whom it let in.
    await eventually(is_refused, within_s=60)
    corner.ask("POST", f"/api/v1/namespaces/{space}/serviceaccounts", {"metadata": {"name": "agent"}})
    new = corner.token("agent")
    file.write_text(new)
    if way == "kubeconfig":
        corner.kubeconfig({"token": new})
    assert (await target.apply(app, manifests(config_map("a", b="3")))).complete
    corner.ask("DELETE", f"/api/v1/namespaces/{corner.namespace()}/configmaps/a")

    async def is_missing():
        return (await target.observe("web")).health == "Missing"

    await eventually(is_missing, within_s=60)


async def test_the_account_of_a_pod_is_used(corner, monkeypatch):
    """Token and certificates come from the pod's folder, the address from its environment."""
    _, token = corner.account("agent", EVERYTHING)
    said = yaml.safe_load(corner.kubeconfig({}).read_text())["clusters"][0]["cluster"]
    address = urllib.parse.urlsplit(said["server"])
    folder = corner.root / "account"
    folder.mkdir()
    (folder / "token").write_text(token)
    (folder / "namespace").write_text("default")
    (folder / "ca.crt").write_bytes(base64.b64decode(said["certificate-authority-data"]))
    monkeypatch.setattr(connection, "ACCOUNT_FOLDER", str(folder))
    target = corner.target(access=ClusterAccess(in_cluster=True))
    assert "the account of the pod does not serve: KUBERNETES_SERVICE_HOST" in (await target.observe("web")).message
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", address.hostname)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(address.port))
    assert (await target.apply(corner.application(), manifests(config_map("a")))).complete
    # For up to a second it still counts as away.
    await until_health(target, "Healthy")
    assert (await target.observe("web")).sync == "Synced"


# acting as others


async def test_the_cluster_limits_what_an_application_may_do(corner):
    """An account that may not touch Secrets: the Secret is named in the error, the rest is applied, so: partial."""
    space = corner.namespace()
    may = {"apiGroups": ["", "apps"], "resources": ["configmaps", "deployments"], "verbs": ["*"]}
    corner.account("deployer", may, namespace=space)
    target = corner.target(account="system:serviceaccount:{namespace}:deployer")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"key": "x"}}
    result = await target.apply(corner.application(), manifests(config_map("a"), secret, deployment("web")))
    done = {f"{one.kind} {one.name}": one.outcome for one in result.resources}
    assert not result.complete
    assert done == {"ConfigMap a": "applied", "Secret key": "failed", "Deployment web": "applied"}
    assert f'Secret key (secrets "key" is forbidden: User "system:serviceaccount:{space}:deployer"' in result.message
    assert corner.ask("GET", f"/api/v1/namespaces/{space}/secrets/key") is None


async def test_an_application_without_rights_cannot_use_another_s(corner):
    """Each application acts as the account of its own namespace, whatever its neighbour may do."""
    corner.account("deployer", EVERYTHING, namespace=corner.namespace("strong"))
    corner.account("deployer", namespace=corner.namespace("weak"))
    target = corner.target(account="system:serviceaccount:{namespace}:deployer")
    strong = corner.application("strong")
    assert (await target.apply(strong, manifests(config_map("a"), app="strong"))).complete
    weak = await target.apply(corner.application("weak"), manifests(config_map("a"), app="weak"))
    assert not weak.complete
    assert "is forbidden" in weak.message


async def test_without_the_right_to_act_as_others_nothing_is_applied(corner):
    """The rights of lastgood do not stand in for those of the account."""
    look = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch", "create", "patch"]}
    _, token = corner.account("agent", look)
    access = ClusterAccess(kubeconfig=str(corner.kubeconfig({"token": token})))
    target = corner.target(access=access, account="system:serviceaccount:{namespace}:deployer")
    result = await target.apply(corner.application(), manifests(config_map("a")))
    assert not result.complete
    assert "cannot impersonate" in result.message
    assert corner.ask("GET", f"/api/v1/namespaces/{corner.namespace()}/configmaps/a") is None


async def test_a_kind_that_may_not_be_looked_at_is_told_at_once(corner):
    """An account that may not list Secrets is not waited for; once it may, everything goes on by itself."""
    groups = ["", "apps", "batch", "discovery.k8s.io", "autoscaling", "apiextensions.k8s.io"]
    may = {"apiGroups": groups, "resources": ["*"], "verbs": ["*"]}
    _, token = corner.account("agent", may)
    target = corner.target(access=ClusterAccess(kubeconfig=str(corner.kubeconfig({"token": token}))))
    app = corner.application()
    with pytest.raises(TargetFailed) as failed:
        await target.apply(app, manifests(config_map("a")))
    assert "is forbidden" in str(failed.value)
    assert "`lastgood doctor` says which rules are missing" in str(failed.value)
    corner.grant(f"more-{corner.mark}", [EVERYTHING], name="agent", namespace=corner.namespace("accounts"))

    async def goes_on():
        try:
            return (await target.apply(app, manifests(config_map("a")))).complete
        except TargetFailed:
            return False

    await eventually(goes_on, within_s=60)


# several clusters


@pytest.mark.usefixtures("stages")
async def test_a_cluster_that_is_away_leaves_the_others_alone(corner):
    """One destination leads nowhere: its applications are Unknown with the reason, those of the other go on."""
    gone = corner.kubeconfig({"token": "x"}, "gone", server="https://127.0.0.1:1")
    away = corner.target("away", access=ClusterAccess(kubeconfig=str(gone)))
    here = corner.target("here")
    with pytest.raises(TargetFailed):
        await away.apply(corner.application(), manifests(deployment("web")))
    seen = await away.observe("web")
    assert (seen.health, "cannot be reached" in seen.message) == ("Unknown", True)
    assert (await here.apply(corner.application(), manifests(deployment("web")))).complete
    await until_health(here, "Healthy")
