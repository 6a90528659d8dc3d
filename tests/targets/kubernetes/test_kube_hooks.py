"""What of an earlier run of a hook is in the way of the next one."""

import pytest

from lastgood.targets.kubernetes.run_hooks import is_in_the_way

JOB, POD, MAP = ("batch", "Job"), ("", "Pod"), ("", "ConfigMap")


def conditions(*named):
    return {"conditions": [{"type": name, "status": "True"} for name in named]}


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (JOB, conditions("SuccessCriteriaMet", "Complete"), False),
        # It is going to end so; its pods may run still.
        (JOB, conditions("SuccessCriteriaMet"), True),
        (JOB, conditions("FailureTarget"), True),
        (JOB, conditions("FailureTarget", "Failed"), True),
        (JOB, {"active": 1}, True),
        (JOB, None, True),
        (POD, {"phase": "Succeeded"}, False),
        (POD, {"phase": "Failed"}, True),
        (MAP, None, False),
    ],
)
def test_what_did_not_end_well_is_in_the_way(kind, status, expected):
    """The hook that a deployment went on after is never run twice for one that did not change."""
    assert is_in_the_way((kind, "shop", "migrate"), {"status": status}) is expected
