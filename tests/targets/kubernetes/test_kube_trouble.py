"""Whose fault a refusal is, as a table."""

import pytest

from lastgood.targets.kubernetes.send import conflict, is_unchangeable, unchangeable
from lastgood.targets.kubernetes.trouble import Answered, ClusterTrouble, Impossible, InTheWay, Unreachable, answered

TAKEN = (("data.a", 'conflict with "kubectl-edit" using v1', "FieldManagerConflict"),)
ODD = "failed to create typed patch object (web/a; /v1, Kind=ConfigMap): .data.a: expected string, got &value"


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        (answered(400, {"message": "strict decoding error"}), "version"),
        (answered(413, {}), "version"),
        (answered(422, {"reason": "Invalid", "message": "spec.selector: field is immutable"}), "version"),
        (answered(500, {"message": ODD}), "version"),
        (Impossible("a name that no cluster takes"), "version"),
        (answered(403, {"reason": "Forbidden", "message": "exceeded quota"}), "way"),
        (answered(404, {"reason": "NotFound", "message": 'namespaces "web" not found'}), "way"),
        (conflict(Answered(409, "Conflict", "Apply failed", TAKEN)), "way"),
        (InTheWay("it belongs to the application shop", owner="shop"), "way"),
        (answered(409, {"reason": "Conflict", "message": "the object has been modified"}), "target"),
        (answered(429, {}), "target"),
        (answered(500, {"message": "failed calling webhook"}), "target"),
        (answered(503, None), "target"),
        (answered(504, {"reason": "Timeout"}), "target"),
        (Unreachable("the API server cannot be reached"), "target"),
        (ClusterTrouble("the API server answered with another object"), "target"),
    ],
)
def test_whose_fault_a_refusal_is(trouble, fault):
    """Only what no cluster would take is the version's; only what may pass by itself is tried again in any case."""
    assert trouble.fault == fault


def test_an_object_that_its_kind_does_not_allow_is_not_sent_again():
    """The API server says 500 for it, and is well."""
    assert not answered(500, {"message": ODD}).is_passing


def test_what_was_refused_is_not_dumped_before_the_words_that_say_why():
    """An API server puts the whole template of a Job before `field is immutable`: so the way out would be cut off."""
    dump = '{"Spec":{"Containers":[{"Name":"main","Env":[' + ",".join(['{"Name":"A","Value":null}'] * 300) + "]}]}}"
    why = f"Invalid value: {dump}: field is immutable"
    cause = {"reason": "FieldValueInvalid", "message": why, "field": "spec.template"}
    message = f'Job.batch "web" is invalid: spec.template: {why}'
    no = answered(422, {"reason": "Invalid", "message": message, "details": {"causes": [cause]}})
    assert str(no) == 'Job.batch "web" is invalid: spec.template: Invalid value: {...}: field is immutable'
    assert is_unchangeable(no)
    assert "Force=true" in str(unchangeable(no, "Job", forced=False))


def test_a_role_that_a_binding_cannot_change_is_a_field_that_cannot_change():
    """The API server has words of its own for it; what is made anew by force is so here, too."""
    why = 'Invalid value: {"APIGroup":"rbac.authorization.k8s.io","Kind":"Role","Name":"b"}: cannot change roleRef'
    cause = {"reason": "FieldValueInvalid", "message": why, "field": "roleRef"}
    no = answered(
        422, {"reason": "Invalid", "message": f"rb is invalid: roleRef: {why}", "details": {"causes": [cause]}}
    )
    assert is_unchangeable(no)


@pytest.mark.parametrize(
    "words",
    [
        'spec.selector: Invalid value: {"matchLabels":{"app":"web"}}: field is immutable',
        'spec.a: Invalid value: "x": must be a number',
        "Invalid value: {" * 50,
    ],
)
def test_a_short_value_that_was_refused_is_shown(words):
    """It says what was wrong with it; and nonsense stays as it is."""
    assert str(answered(422, {"message": words})) == words
