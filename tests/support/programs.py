"""What is known of other processes on this machine."""

from __future__ import annotations

from pathlib import Path


def is_running(process_id: int) -> bool:
    """Whether a process is there and no zombie: in a container nobody may take those away."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
