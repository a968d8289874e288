# Copyright: The deepobs.eks maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Amazon Resource Names: the account and partition one tells, and other names of that account."""

from __future__ import annotations

from typing import NamedTuple


class Account(NamedTuple):
    """An AWS account: its partition (aws, aws-cn, aws-us-gov) and its 12 digits."""

    partition: str
    number: str

    def iam(self, resource: str) -> str:
        """The ARN of something of IAM's, for example `role/shop` or `oidc-provider/…`."""
        return f"arn:{self.partition}:iam::{self.number}:{resource}"

    def cluster(self, region: str, name: str) -> str:
        """The ARN of an EKS cluster."""
        return f"arn:{self.partition}:eks:{region}:{self.number}:cluster/{name}"


def account_of(arn: str) -> Account:
    """The account that an ARN names.

    Source: AWS General Reference, arn:partition:service:region:account-id:resource.
    """
    _arn, partition, _service, _region, number, _resource = arn.split(":", 5)
    return Account(partition, number)


def resource_name(arn: str) -> str:
    """The name at an ARN's end, without the path before it; a bare name is one already."""
    return arn.rpartition("/")[2]
