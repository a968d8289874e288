"""What is told of daemons that AWS does not let in."""

from __future__ import annotations

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.xray_daemon_access import explain_refusals
from ansible_collections.deepobs.eks.plugins.module_utils.xray_daemon_manifests import DaemonOptions

ROLE = "arn:aws:iam::123456789012:role/path/shop-xray-daemon"


@pytest.mark.parametrize(
    ("refusal", "role_arn", "remedy"),
    [
        ("AccessDenied: sts", ROLE, "irsa_trust with role_name shop-xray-daemon and subjects [tracing:daemon]"),
        ("Not authorized to perform sts:AssumeRoleWithWebIdentity", ROLE, "irsa_trust"),
        ("NoCredentialProviders: no valid providers in chain", None, "eks_pod_identity_association"),
        ("dial tcp: i/o timeout", ROLE, "NetworkPolicies"),
    ],
)
def test_each_refusal_has_its_remedy(refusal: str, role_arn: str | None, remedy: str) -> None:
    options = DaemonOptions("tracing", "daemon", "image", role_arn=role_arn)
    told = explain_refusals({"node-2": refusal, "node-1": refusal}, options)
    assert f"on node node-1: {refusal}; on node node-2: {refusal}. " in told
    assert remedy in told
