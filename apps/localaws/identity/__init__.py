"""A cluster's identity: its OIDC issuer, the issuer's key and the service accounts' tokens."""

from localaws.identity.issuer import Issuer
from localaws.identity.tokens import TokenKeeper

__all__ = ["Issuer", "TokenKeeper"]
