"""What manifests become: objects in the order of the files, lists taken apart, images; and what is refused."""

import re

import pytest

from lastgood.core.errors import RenderFailed
from lastgood.core.image_facts import ImageClaim
from lastgood.core.resource import Resource
from lastgood.render import kube_images
from lastgood.render.kube_images import split_image
from lastgood.render.manifests import EMPTY, render_manifests

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"


def rendered(*texts, namespace=None):
    files = [(f"apps/web/{n}.yaml", text.encode()) for n, text in enumerate(texts)]
    return render_manifests(files, app="web", namespace=namespace)


def names(*texts, **words):
    return [(r.group, r.kind, r.namespace, r.name) for r in rendered(*texts, **words).resources]


def refusal(*texts, **words):
    with pytest.raises(RenderFailed) as refused:
        rendered(*texts, **words)
    facts = refused.value.facts
    assert refused.value.message == f"web does not render: {facts['file']}:{facts['line']}: {facts['reason']}"
    return facts["file"], facts["line"], facts["reason"]


def test_objects_keep_the_order_of_files_and_documents():
    """Nothing is sorted here: what the writer put first is first."""
    found = names(CONFIG % "b" + "---\n" + CONFIG % "a", "", "# none\n", '{"apiVersion":"apps/v1","kind":"Deployment",'
                  '"metadata":{"name":"web","namespace":"shop"}}')  # fmt: skip
    assert found == [("", "ConfigMap", None, "b"), ("", "ConfigMap", None, "a"), ("apps", "Deployment", "shop", "web")]


def test_a_manifest_stays_as_written():
    """The application's namespace is said beside the object, not written into it."""
    resource = rendered(CONFIG % "a" + "data: {on: 'yes'}\n", namespace="shop").resources[0]
    assert resource.namespace == "shop"
    assert resource.manifest == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a"},
        "data": {"true": "yes"},
    }


def test_lists_are_taken_apart():
    """Items without kind and apiVersion are what their list is a list of; an empty list is nothing."""
    found = names(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Service, metadata: {name: a}}\n",
        "apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: b}}, {metadata: {name: c}}]\n",
        "apiVersion: v1\nkind: List\nitems: []\n---\nkind: PodList\nitems:\n",
    )
    assert [(kind, name) for _, kind, _, name in found] == [("Service", "a"), ("ConfigMap", "b"), ("ConfigMap", "c")]


def test_a_namespace_is_settled_where_the_kind_is_known():
    """Kinds without a namespace have none; a kind nobody described keeps what it says."""
    crd = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %s.example.com}\n"
        "spec: {group: example.com, scope: %s, names: {kind: %s}}\n"
    )
    found = names(
        crd % ("as", "Cluster", "A") + "---\n" + crd % ("bs", "Namespaced", "B"),
        *(f"apiVersion: example.com/v1\nkind: {kind}\nmetadata: {{name: x}}\n" for kind in "ABC"),
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r, namespace: other}\n",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: own}\n",
        namespace="shop",
    )
    assert [(kind, namespace) for _, kind, namespace, _ in found][2:] == [
        ("A", None), ("B", "shop"), ("C", None), ("ClusterRole", None), ("Namespace", None), ("Secret", "own"),
    ]  # fmt: skip


def test_nothing_at_all_is_said():
    """An empty render is no error here, and the warning says that it deletes nothing."""
    empty = rendered("# nothing\n---\n")
    assert (empty.resources, empty.images, empty.warnings) == ((), {}, (EMPTY,))


def test_warnings_name_file_and_line():
    """What kubectl passes over in silence is said with its place."""
    assert rendered(CONFIG % "a" + "kind: ConfigMap\n").warnings == (
        "apps/web/0.yaml:4: the key 'kind' is here twice, first in line 2; the last one counts",
    )


WRONG = [
    ("replicas: 3\nimage: web\n", 1, "it has no `apiVersion` and no `kind`: it is no Kubernetes object"),
    (CONFIG % "a" + "---\nkind: ConfigMap\n", 5, "document 2: it has no `apiVersion`: it is no Kubernetes object"),
    ("- 1\n", 1, "it is a list, and no Kubernetes object"),
    ("text\n", 1, "it is the text 'text', and no Kubernetes object"),
    ("apiVersion: v1\nkind: ConfigMap\n", 1, "this ConfigMap has no `metadata.name`"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ''}\n", 1, "this ConfigMap has no `metadata.name`"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: [{name: a}]\n", 1,
     "the metadata of this ConfigMap is a list, and no mapping"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: a\n", 1,
     "the metadata of this ConfigMap is the text 'a', and no mapping"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 1e3}\n", 1,
     "the name of this ConfigMap is the number 1000, and no text; quote it"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: on}\n", 1,
     "the name of this ConfigMap is true, and no text; quote it"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 0}\n", 1,
     "the name of this ConfigMap is the number 0, and no text; quote it"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: 0777}\n", 1,
     "the namespace of this ConfigMap is the number 511, and no text; quote it"),
    ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, labels: {commit: 1e3}}", 1,
     "the label commit of this ConfigMap is the number 1000, and no text; quote it"),
    ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, labels: [a]}", 1,
     "the labels of this ConfigMap are a list, and no mapping"),
    ("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a, annotations: {scrape: on, none: }}", 1,
     "the annotation scrape of this ConfigMap is true, and no text; quote it"),
    ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ../../secrets/x}\n", 1,
     "the name of this ConfigMap, '../../secrets/x', is none that a cluster takes"),
    ("apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: x-}\n", 1,
     ("this Job has a `generateName` and no `name`: it would be another object every time, which nobody can follow or"
      " go back from; give it a name")),
    ("apiVersion: 1\nkind: ConfigMap\nmetadata: {name: a}\n", 1,
     "the apiVersion of this ConfigMap is the number 1, which is none"),
    ("apiVersion: a/b/c\nkind: ConfigMap\nmetadata: {name: a}\n", 1,
     "the apiVersion of this ConfigMap is the text 'a/b/c', which is none"),
    ("apiVersion: v1\nkind: n\nmetadata: {name: a}\n", 1, "its kind is false, which is no kind"),
    ("apiVersion: v1\nkind: List\n", 1, "this List has no `items`"),
    ("apiVersion: v1\nkind: List\nitems: [1]\n", 1, "item 1 of this List is the number 1, and no Kubernetes object"),
    ("kind: List\nitems: [{kind: List, items: [{a: 1}]}]\n", 1,
     "item 1 of this List is a list itself, which kubectl does not take"),
    ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n", 1,
     "this Kustomization has no `metadata.name`"),
]  # fmt: skip


def test_a_hook_may_leave_its_name_to_be_made_up():
    """As in Argo CD's own examples: by its content, so that the same is the same and another one is not."""
    hook = (
        "apiVersion: batch/v1\nkind: Job\n"
        "metadata: {generateName: migrate-, annotations: {argocd.argoproj.io/hook: PreSync}}\nspec: {a: %s}\n"
    )
    made = []
    for content in (1, 1, 2):
        (job,) = rendered(hook % content).resources
        made.append(job.name)
        assert job.manifest["metadata"] == {"name": job.name, "annotations": {"argocd.argoproj.io/hook": "PreSync"}}
    assert made[0] == made[1] != made[2]
    assert all(re.fullmatch(r"migrate-[0-9a-f]{8}", name) for name in made)


@pytest.mark.parametrize(("text", "line", "reason"), WRONG)
def test_what_a_cluster_could_not_take_is_refused(text, line, reason):
    """The file, the line and, in a file of several, the document are named."""
    assert refusal(text) == ("apps/web/0.yaml", line, reason)


def test_an_object_may_not_be_there_twice():
    """Another version of its API, or the namespace written out, makes it no other object."""
    again = "apiVersion: v2\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"
    assert refusal(CONFIG % "a", "# c\n" + again, namespace="shop") == (
        "apps/web/1.yaml",
        2,
        "the ConfigMap a in the namespace shop is here a second time; the first is in apps/web/0.yaml:1",
    )
    assert len(names(CONFIG % "a", again, namespace="other")) == 2


def test_images_of_every_kind_of_container():
    """Templates, jobs of jobs and bare pods, with init and ephemeral containers; each image once."""
    containers = "containers: [{name: c, image: 'reg/web:1.2'}, {name: x}]"
    pod = f"{{initContainers: [{{name: i, image: 'reg:5000/init'}}], {containers}}}"
    found = rendered(
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec: {{template: {{spec: {pod}}}}}\n",
        "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: night}\n"
        f"spec: {{jobTemplate: {{spec: {{template: {{spec: {pod.replace(':1.2', ':1.3')}}}}}}}}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: one}\n"
        "spec: {ephemeralContainers: [{name: d, image: 'dbg@sha256:ab'}]}\n",
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\n"
        "spec: {template: {spec: {containers: [{name: c, image: 'roll:v1@sha256:cd'}]}}}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd}\nspec: {template: [1]}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: odd}\n"
        "spec: {containers: {a: 1}, initContainers: [x, {image: 5}]}\n",
    )
    assert found.images == {
        "reg:5000/init": "latest",
        "reg/web": "1.2",
        "reg/web (in night/c)": "1.3",
        "dbg": "sha256:ab",
        "roll": "v1@sha256:cd",
    }


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "latest")),
        ("host:5000/a/b", ("host:5000/a/b", "latest")),
        ("host:5000/a/b:1", ("host:5000/a/b", "1")),
        ("a@sha256:00", ("a", "sha256:00")),
    ],
)
def test_an_image_is_split_from_its_tag(image, parts):
    """A port is no tag."""
    assert split_image(image) == parts


def test_what_charts_say_is_bounded(monkeypatch):
    """Records keep it: of so many images, and so much of each; an image of two objects has the word of both."""
    monkeypatch.setattr(kube_images, "MAX_CLAIMED", 2)
    monkeypatch.setattr(kube_images, "MAX_CLAIMS", 2)
    pods = [
        Resource(
            group="",
            kind="Pod",
            namespace=None,
            name=f"p{n}",
            manifest={"spec": {"containers": [{"name": "a", "image": image}]}},
        )
        for n, image in enumerate(("web:1", "web:1", "web:1", "silent:1", "api:1", "more:1"))
    ]
    said = [(ImageClaim(place="chart", revision=str(n)),) for n in range(6)]
    said[3] = ()
    found = kube_images.claims_of(pods, said)
    assert {name: [one.revision for one in claims] for name, claims in found.items()} == {
        "web": ["0", "1"],
        "api": ["4"],
    }
