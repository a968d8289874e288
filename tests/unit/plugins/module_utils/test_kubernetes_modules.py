"""How a module reaches a cluster."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.deepobs.eks.plugins.module_utils.aws import DeepobsError
from ansible_collections.deepobs.eks.plugins.module_utils.kubernetes_modules import connect


@pytest.mark.parametrize("content", [None, "", "clusters: []\n"], ids=["missing", "empty", "without a context"])
def test_kubeconfig_that_names_no_cluster_is_told_with_a_remedy(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "kubeconfig"
    if content is not None:
        file.write_text(content)
    module = SimpleNamespace(
        params={"kubeconfig": str(file)}, check_mode=False, server_side_dry_run=False, requires=lambda *_unused: None
    )
    with pytest.raises(DeepobsError, match=r"Failed to find a cluster: .*Give kubeconfig and context"):
        connect(module)
