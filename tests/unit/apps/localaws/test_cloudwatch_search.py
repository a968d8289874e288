"""Search terms, by the examples of the CloudWatch user guide."""

from __future__ import annotations

import pytest
from localaws.cloudwatch.search import compile_search, tokens
from localaws.cloudwatch.series import Metric


def metric(name: str, namespace: str = "Own", **dimensions: str) -> Metric:
    return Metric(namespace, name, tuple(sorted(dimensions.items())))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CustomCount1", {"customcount1", "custom", "count", "1"}),
        ("SDBFailure", {"sdbfailure", "sdb", "failure"}),
        ("Project2-trial333", {"project2trial333", "project", "2", "trial", "333"}),
        ("couNT", {"count", "cou", "nt"}),
    ],
)
def test_tokens(text: str, found: set[str]) -> None:
    assert tokens(text) == found


@pytest.mark.parametrize(
    ("term", "name", "is_found"),
    [
        ("count", "CustomCount1", True),
        ("COUNT", "CustomCount1", True),
        ("couNT", "CustomCount1", False),
        ("CustomCount", "CustomCount1", True),
        ("Count1", "CustomCount1", True),
        ("customcount", "CustomCount1", False),
        ("count1", "CustomCount1", False),
        ('"CustomCount1"', "CustomCount1", True),
        ('"customcount1"', "CustomCount1", False),
        ('"Custom"', "CustomCount1", False),
        *(
            (term, name, True)
            for term in ("network/errors", "network+errors", "network-errors", "Network_Errors")
            for name in ("Network-Errors-2", "NetworkErrors2")
        ),
        ('"Network-Errors-2"', "Network-Errors-2", True),
        ('"Network_Errors_2"', "Network-Errors-2", False),
        (r'"Europe\\France Traffic\(Network\)"', r"Europe\France Traffic(Network)", True),
        ("i-1234567890123456", "i-1234567890123456", True),
    ],
)
def test_partial_and_exact_matches(term: str, name: str, is_found: bool) -> None:
    assert compile_search(term)(metric(name)) is is_found


EC2 = metric("CPUUtilization", "AWS/EC2", InstanceId="i-1")
TYPE = metric("CPUUtilization", "AWS/EC2", InstanceType="t2.micro")
READ = metric("DiskReadOps", "AWS/EBS", VolumeId="ProjectA")
ERRORS = metric("Errors", "AWS/Lambda", FunctionName="other")
CALLS = metric("Invocations", "AWS/Lambda", FunctionName="ProjectA-f")
OTHER_CALLS = metric("Invocations", "AWS/Lambda", FunctionName="other")
OWN = metric("x", "My Namespace", **{"Dimension@Name": "v"})
ALL = [EC2, TYPE, READ, ERRORS, CALLS, OTHER_CALLS, OWN]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{AWS/EC2,InstanceId} MetricName="CPUUtilization"', [EC2]),
        ('{AWS/EC2} "CPUUtilization"', [EC2, TYPE]),
        ("{AWS/EC2,InstanceId,InstanceType}", []),
        ('"AWS/EC2" MetricName="CPUUtilization"', [EC2, TYPE]),
        ("InstanceType=micro", [TYPE]),
        ('InstanceType="t2.micro" Namespace="AWS/EC2"', [TYPE]),
        ('"InstanceType"="t2.micro"', [TYPE]),
        ("NOT Namespace=AWS", [OWN]),
        ('{AWS/EC2,InstanceId} CPUUtilization NOT i-1 NOT "x"', []),
        ("(EC2 OR EBS) AND MetricName=ReadOps", [READ]),
        ("(EC2 OR EBS) MetricName=ReadOps", [READ]),
        ("(EC2 OR EBS) AND ReadOps AND ProjectA", [READ]),
        (
            '{AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB))',
            [ERRORS, CALLS],
        ),
        ('{"My Namespace", "Dimension@Name"}', [OWN]),
        ("EBS OR EC2 InstanceId", [EC2, READ]),
        ("and", []),
    ],
)
def test_schemas_properties_and_operators(text: str, found: list[Metric]) -> None:
    matches = compile_search(text)
    assert [one for one in ALL if matches(one)] == found
