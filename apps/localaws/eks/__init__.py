"""EKS: clusters that are there, add-ons whose changes take their time, updates, tags."""

from localaws.eks.operations import create_service

__all__ = ["create_service"]
