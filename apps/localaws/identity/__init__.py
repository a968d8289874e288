"""A cluster's identity: its OIDC issuer, the issuer's key and the service accounts' tokens."""

from localaws.identity.external import ExternalIssuer, KeysUnavailableError
from localaws.identity.issuer import Issuer, cluster_number
from localaws.identity.tokens import TokenKeeper

__all__ = ["ExternalIssuer", "Issuer", "KeysUnavailableError", "TokenKeeper", "cluster_number"]
