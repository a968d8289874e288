"""The cluster's keys and certificates, and the kubeconfigs of its parts: made anew for each cluster."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cluster.layout import API_PORT, API_SERVICE_ADDRESS, CONTROL_PLANE_ADDRESS, NODES, Layout

_VALID: Final = timedelta(days=365)
_LOOPBACK: Final = ("localhost", "127.0.0.1")
_API_SERVER_NAMES: Final = (
    *("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"),
    *(*_LOOPBACK, API_SERVICE_ADDRESS, CONTROL_PLANE_ADDRESS),
)


@dataclass(frozen=True, slots=True)
class _Authority:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_keys(layout: Layout) -> None:
    """Writes every key, certificate and kubeconfig of a cluster."""
    layout.keys.mkdir(parents=True, mode=0o700)
    authority, front = _authority(layout.keys, "ca"), _authority(layout.keys, "front-proxy-ca")
    _issue(layout.keys, authority, "api-server", "kube-apiserver", names=_API_SERVER_NAMES)
    _issue(layout.keys, authority, "webhook", "pod-identity-webhook", names=_LOOPBACK)
    _issue(layout.keys, authority, "api-server-to-kubelet", "kube-apiserver-kubelet-client", "system:masters")
    _issue(layout.keys, front, "front-proxy", "front-proxy-client")
    _service_account_key(layout.keys)
    clients = {"admin": "system:masters", "system:kube-controller-manager": "", "system:kube-scheduler": ""}
    for name, group in {**clients, "system:kube-proxy": "", "deepobs:pod-identity-webhook": ""}.items():
        _client(layout, authority, name.rpartition(":")[2], name, group)
    for node in NODES:
        names = (node.name, node.address, "127.0.0.1")
        _client(layout, authority, f"kubelet-{node.name}", f"system:node:{node.name}", "system:nodes", names)


def kubeconfig(layout: Layout, name: str, server: str) -> str:
    """A kubeconfig that holds its certificates, so that it can be taken elsewhere."""
    folder = layout.keys
    cluster = {"server": server, "certificate-authority-data": _base64(folder / "ca.crt")}
    user = {
        "client-certificate-data": _base64(folder / f"{name}.crt"),
        "client-key-data": _base64(folder / f"{name}.key"),
    }
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": layout.name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": layout.name, "context": {"cluster": layout.name, "user": name}}],
        "current-context": layout.name,
    }
    return yaml.safe_dump(document)


def _client(
    layout: Layout, authority: _Authority, file: str, name: str, group: str, names: tuple[str, ...] = ()
) -> None:
    _issue(layout.keys, authority, file, name, group, names)
    document = kubeconfig(layout, file, f"https://{CONTROL_PLANE_ADDRESS}:{API_PORT}")
    (layout.keys / f"{file}.kubeconfig").write_text(document)


def _authority(folder: Path, name: str) -> _Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(f"deepobs-{name}")
    builder = _builder(subject, subject, key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    certificate = builder.sign(key, hashes.SHA256())
    _write(folder, name, certificate, key)
    return _Authority(certificate, key)


def _issue(
    folder: Path, authority: _Authority, file: str, name: str, group: str = "", names: tuple[str, ...] = ()
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_subject(name, group), authority.certificate.subject, key)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = builder.add_extension(x509.ExtendedKeyUsage(usages), False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), False)
    _write(folder, file, builder.sign(authority.key, hashes.SHA256()), key)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _VALID)
    )


def _subject(name: str, group: str = "") -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group)] if group else []
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _service_account_key(folder: Path) -> None:
    """RSA, for AWS' STS takes no other tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    _write_key(folder / "service-accounts.key", key)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(serialization.Encoding.PEM, form)
    (folder / "service-accounts.pub").write_bytes(public)


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(folder / f"{name}.key", key)


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
