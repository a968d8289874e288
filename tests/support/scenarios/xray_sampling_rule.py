"""What xray_sampling_rule does."""

from __future__ import annotations

from typing import Any

from support.clients import Clients
from support.scenarios import Scenario

_ANY = dict.fromkeys(("ResourceARN", "ServiceName", "ServiceType", "Host", "HTTPMethod", "URLPath"), "*")


def _rule(name: str, rate: float) -> dict[str, Any]:
    return {"RuleName": name, "Priority": 500, "FixedRate": rate, "ReservoirSize": 1, "Version": 1, **_ANY}


def _two_rules(clients: Clients) -> None:
    for name, rate in (("shop", 0.5), ("old", 1.0)):
        clients.xray.create_sampling_rule(SamplingRule=_rule(name, rate))


_SHOP = {
    "name": "shop",
    "priority": 1000,
    "fixed_rate": 0.05,
    "reservoir_size": 5,
    "service_name": "ecommerce-*",
    "attributes": {"tier": "backend"},
    "sampling_rate_boost": {"max_rate": 0.5, "cooldown_window_minutes": 10},
}
_ORDERS = {"name": "orders", "priority": 100, "fixed_rate": 1.0, "http_method": "POST", "url_path": "/api/orders"}

SCENARIOS = [
    Scenario("xray_sampling_rule", "creates two rules", {"rules": [_SHOP, _ORDERS]}),
    Scenario(
        "xray_sampling_rule",
        "updates one, creates one and gives the built-in rule another rate",
        {"rules": [_SHOP, _ORDERS, {"name": "Default", "fixed_rate": 0.01, "reservoir_size": 0}]},
        _two_rules,
    ),
    Scenario(
        "xray_sampling_rule",
        "deletes what is there",
        {"rules": [{"name": "old"}, {"name": "never"}], "state": "absent"},
        _two_rules,
    ),
    Scenario(
        "xray_sampling_rule", "deletes all that are not named", {"rules": [_ORDERS], "state": "exact"}, _two_rules
    ),
    Scenario(
        "xray_sampling_rule",
        "leaves alone what is right",
        {"rules": [{"name": "Default", "fixed_rate": 0.05}]},
        changes=False,
    ),
]
