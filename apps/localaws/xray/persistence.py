"""What X-Ray holds as a JSON document, and back. Segments are kept as the documents that came."""

from __future__ import annotations

from typing import Any

from localaws.object_document import Reader, Writer, kept, restore
from localaws.xray.region import Region, Regions

_SETTINGS = {
    "rules": ("_records", "_modified"),
    "groups": ("_groups",),
    "destination": ("_wanted", "_before", "_active_at"),
    "indexing": ("_percentage", "_modified"),
}


def save(regions: Regions) -> Any:
    """Traces, sampling rules, groups and settings by region."""
    return {
        name: {
            "traces": region.traces.saved(),
            "settings": Writer({}).write(
                {holder: kept(getattr(region, holder), *members) for holder, members in _SETTINGS.items()}
            ),
        }
        for name, region in regions.all()
    }


def load(regions: Regions, account: str, document: Any) -> None:
    """Takes in what was saved. Raises DocumentError."""
    for name, saved in document.items():
        region = regions.named(name, account)
        settings = Reader({}).read(saved["settings"])
        for holder, members in settings.items():
            restore(getattr(region, holder), members)
        _load_traces(region, saved["traces"])


def _load_traces(region: Region, traces: list[Any]) -> None:
    for saved in traces:
        region.restore_trace(*saved)
