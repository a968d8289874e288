"""The clusters of the seed, as DescribeCluster shows them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

from localaws.eks.state import Cluster
from localaws.identity import ExternalIssuer, Issuer
from localaws.regions import dns_suffix_of, partition_of
from localaws.seed import ACCOUNT, ClusterSeed

_PLATFORM_VERSION = "eks.7"


def create_cluster(seed: ClusterSeed, region: str, issuer: Issuer | ExternalIssuer, created_at: float) -> Cluster:
    """An ACTIVE cluster with the fields that clients of EKS read."""
    partition = partition_of(region)
    arn = f"arn:{partition}:eks:{region}:{ACCOUNT}:cluster/{seed.name}"
    number = issuer.number
    document = {
        "name": seed.name,
        "arn": arn,
        "createdAt": datetime.fromtimestamp(created_at, UTC),
        "version": seed.version,
        "endpoint": f"https://{number}.gr7.{region}.eks.{dns_suffix_of(region)}",
        "roleArn": f"arn:{partition}:iam::{ACCOUNT}:role/{seed.name}-cluster",
        "resourcesVpcConfig": _network(number),
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.100.0.0/16", "ipFamily": "ipv4"},
        "logging": {"clusterLogging": [{"types": ["api", "audit", "authenticator"], "enabled": False}]},
        "identity": {"oidc": {"issuer": issuer.url}},
        "status": "ACTIVE",
        "certificateAuthority": {"data": base64.b64encode(number.encode()).decode()},
        "platformVersion": _PLATFORM_VERSION,
        "health": {"issues": []},
        "accessConfig": {"bootstrapClusterCreatorAdminPermissions": True, "authenticationMode": "API_AND_CONFIG_MAP"},
        "upgradePolicy": {"supportType": "EXTENDED"},
        "deletionProtection": False,
    }
    return Cluster(seed.name, arn, seed.version, document)


def _network(number: str) -> dict[str, Any]:
    digits = number.lower()[:16]
    return {
        "subnetIds": [f"subnet-0{letter}{digits[:15]}" for letter in "ab"],
        "securityGroupIds": [],
        "clusterSecurityGroupId": f"sg-0{digits}",
        "vpcId": f"vpc-0{digits}",
        "endpointPublicAccess": True,
        "endpointPrivateAccess": True,
        "publicAccessCidrs": ["0.0.0.0/0"],
    }
