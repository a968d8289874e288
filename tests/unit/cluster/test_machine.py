from __future__ import annotations

from pathlib import Path

import pytest
from cluster import machine
from cluster.layout import Layout


def test_cluster_wants_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert machine.lacks(Layout.of("trial")) == ["network namespaces, mounts and cgroups of a cluster want root"]


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda program, path=None: None if program == "containerd" else program)
    monkeypatch.setattr(machine, "CNI_PLUGINS", ())
    monkeypatch.setattr(machine, "_refused_by_kernel", list)
    assert machine.lacks(Layout(Path("/srv/trial"))) == ["not installed: containerd, the CNI plugins"]


def test_folder_that_nodes_do_not_see_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(machine, "_missing_programs", list)
    monkeypatch.setattr(machine, "_refused_by_kernel", list)
    (reason,) = machine.lacks(Layout(Path("/var/lib/trial")))
    assert "set XDG_CACHE_HOME" in reason


def test_too_long_a_path_for_sockets_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(machine, "_missing_programs", list)
    monkeypatch.setattr(machine, "_refused_by_kernel", list)
    (reason,) = machine.lacks(Layout(Path("/srv") / ("long" * 30)))
    assert "too long" in reason
