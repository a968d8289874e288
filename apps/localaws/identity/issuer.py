"""A cluster's OIDC issuer: its address, its RSA key, and the tokens and key set made from it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from localaws.regions import dns_suffix_of

AUDIENCE = "sts.amazonaws.com"
TOKEN_LIFETIME_SECONDS = 24 * 3600


class IssuerKeyError(ValueError):
    """The key kept in the state folder cannot be used."""


class Issuer:
    """Signs service accounts' tokens as EKS does, with a key that outlives the process."""

    def __init__(self, cluster: str, region: str, key_file: Path) -> None:
        """Reads the key, or makes one (mode 0600). Raises IssuerKeyError and OSError."""
        self.number = cluster_number(cluster, region)
        self.url = f"https://oidc.eks.{region}.{dns_suffix_of(region)}/id/{self.number}"
        self._key = _read_key(key_file) if key_file.exists() else _make_key(key_file)
        self.public_key = self._key.public_key()
        der = self.public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.key_id = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")

    def key_of(self, key_id: str | None) -> RSAPublicKey:
        """The public key, whatever key is asked for: there is one."""
        return self.public_key

    def jwks(self) -> dict[str, Any]:
        """The issuer's public keys as RFC 7517 has them."""
        key = json.loads(RSAAlgorithm.to_jwk(self.public_key))
        return {
            "keys": [{"use": "sig", "alg": "RS256", "kid": self.key_id, "kty": "RSA", "n": key["n"], "e": key["e"]}]
        }

    def token(self, namespace: str, service_account: str, now_seconds: float) -> str:
        """A service account's token for STS, valid for TOKEN_LIFETIME_SECONDS from now."""
        issued = int(now_seconds)
        claims = {
            "iss": self.url,
            "sub": f"system:serviceaccount:{namespace}:{service_account}",
            "aud": [AUDIENCE],
            "iat": issued,
            "nbf": issued,
            "exp": issued + TOKEN_LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": service_account}},
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self.key_id})


def cluster_number(cluster: str, region: str) -> str:
    """The 32 hexadecimal digits in a cluster's addresses.

    EKS gives each cluster random ones; here the name decides, so that a restart changes no trust policy.
    """
    return hashlib.sha256(f"{region}/{cluster}".encode()).hexdigest()[:32].upper()


def _read_key(path: Path) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise IssuerKeyError(f"{path} is not a private key; delete it and a new one is made") from error
    if not isinstance(key, RSAPrivateKey):
        raise IssuerKeyError(f"{path} is not an RSA key; delete it and a new one is made")
    return key


def _make_key(path: Path) -> RSAPrivateKey:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_secret(path, pem)
    return key


def write_secret(path: Path, content: bytes) -> None:
    """Puts a file in place in one step, readable by its owner alone; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
