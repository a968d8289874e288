"""CloudWatch's metrics: takes data, and answers statistics over periods and which metrics there are."""

from localaws.cloudwatch.operations import create_service

__all__ = ["create_service"]
