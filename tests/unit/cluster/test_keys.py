from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
import yaml
from cluster.keys import make_keys
from cluster.layout import CONTROL_PLANE_ADDRESS, Layout
from cryptography import x509


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "trial")
    make_keys(made)
    return made


def test_private_keys_are_their_owners_alone(layout: Layout) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in layout.keys.glob("*.key")}
    assert set(modes.values()) == {0o600}
    assert {"ca.key", "service-accounts.key", "kubelet-node1.key", "admin.key"} <= set(modes)


def test_kubelet_is_known_as_its_node(layout: Layout) -> None:
    certificate = x509.load_pem_x509_certificate((layout.keys / "kubelet-node2.crt").read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=system:node:node2,O=system:nodes"


def test_kubeconfig_holds_what_it_needs(layout: Layout) -> None:
    document = yaml.safe_load((layout.keys / "admin.kubeconfig").read_text())
    assert document["clusters"][0]["cluster"]["server"] == f"https://{CONTROL_PLANE_ADDRESS}:6443"
    held = base64.b64decode(document["users"][0]["user"]["client-certificate-data"])
    assert held == (layout.keys / "admin.crt").read_bytes()
