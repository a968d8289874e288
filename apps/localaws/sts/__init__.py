"""STS, as far as trust decides: AssumeRoleWithWebIdentity and AssumeRole."""

from localaws.sts.operations import create_service

__all__ = ["create_service"]
