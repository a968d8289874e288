"""NetworkPolicies are enforced as the API's reference of NetworkPolicySpec says, for every pair of pods."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.layout import NODES
from cluster.reachability import ADMIN, PLACES, WEB, Allowed, Field, Place, field
from cluster.running import RunningCluster, eventually

SHOP_FRONT, SHOP_BACK = Place("shop", "front"), Place("shop", "back")
TOOLS_FRONT, TOOLS_BACK = Place("tools", "front"), Place("tools", "back")
FRONT = {"matchLabels": {"app": "front"}}
BACK = {"matchLabels": {"app": "back"}}
TOOLS = {"matchLabels": {"team": "tools"}}
STAYS_READY_SECONDS = 4


@pytest.fixture(scope="module")
def pods(running: RunningCluster) -> Iterator[Field]:
    with field(running) as made:
        yield made


def in_shop(place: Place) -> bool:
    return place.namespace == "shop"


def ingress(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"policyTypes": ["Ingress"], "ingress": list(rules), **spec}


def egress(*rules: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"policyTypes": ["Egress"], "egress": list(rules), **spec}


def named_web(target: Place, port: int) -> bool:
    """Whether the target calls this port `web`."""
    return port == (WEB if target.pod == "front" else ADMIN)


def test_without_policies_everything_is_open(pods: Field) -> None:
    pods.becomes(lambda source, target, port: True)


# What a policy of the namespace `shop` says, and who then reaches a pod of it.
INGRESS: dict[str, tuple[dict[str, Any], Allowed]] = {
    "nobody": (ingress(), lambda source, target, port: False),
    "everybody": (ingress({}), lambda source, target, port: True),
    "pods of this namespace": (ingress({"from": [{"podSelector": {}}]}), lambda source, target, port: in_shop(source)),
    "some pods of this namespace": (
        ingress({"from": [{"podSelector": FRONT}]}),
        lambda source, target, port: source == SHOP_FRONT,
    ),
    "pods by an expression": (
        ingress(
            {
                "from": [
                    {"podSelector": {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["front"]}]}}
                ]
            }
        ),
        lambda source, target, port: source == SHOP_BACK,
    ),
    "pods of another namespace": (
        ingress({"from": [{"namespaceSelector": TOOLS}]}),
        lambda source, target, port: not in_shop(source),
    ),
    "some pods of another namespace": (
        ingress({"from": [{"namespaceSelector": TOOLS, "podSelector": FRONT}]}),
        lambda source, target, port: source == TOOLS_FRONT,
    ),
    "another namespace or some pods of this one": (
        ingress({"from": [{"namespaceSelector": TOOLS}, {"podSelector": FRONT}]}),
        lambda source, target, port: not in_shop(source) or source == SHOP_FRONT,
    ),
    "a port": (ingress({"ports": [{"port": WEB}]}), lambda source, target, port: port == WEB),
    "a port by its name": (ingress({"ports": [{"port": "web"}]}), lambda source, target, port: named_web(target, port)),
    "a range of ports": (
        ingress({"ports": [{"port": WEB - 10, "endPort": WEB}]}),
        lambda source, target, port: port == WEB,
    ),
    "a port of another protocol": (
        ingress({"ports": [{"port": WEB, "protocol": "UDP"}]}),
        lambda source, target, port: False,
    ),
    "some pods on a port": (
        ingress({"from": [{"namespaceSelector": TOOLS}], "ports": [{"port": ADMIN}]}),
        lambda source, target, port: not in_shop(source) and port == ADMIN,
    ),
    "either of two rules": (
        ingress({"from": [{"podSelector": FRONT}]}, {"ports": [{"port": ADMIN}]}),
        lambda source, target, port: source == SHOP_FRONT or port == ADMIN,
    ),
    "a block of addresses": (
        ingress({"from": [{"ipBlock": {"cidr": NODES[0].pod_network}}]}),
        lambda source, target, port: source.pod == "front",
    ),
    "a block of addresses but some": (
        ingress({"from": [{"ipBlock": {"cidr": "10.244.0.0/16", "except": [NODES[1].pod_network]}}]}),
        lambda source, target, port: source.pod == "front",
    ),
}


@pytest.mark.parametrize("name", INGRESS)
def test_ingress_lets_in(pods: Field, name: str) -> None:
    spec, allowed = INGRESS[name]
    with pods.under(pods.policy("shop", **spec)):
        pods.becomes(lambda source, target, port: not in_shop(target) or allowed(source, target, port))


# What a policy of the namespace `shop` says, and whom a pod of it then reaches.
EGRESS: dict[str, tuple[dict[str, Any], Allowed]] = {
    "nobody": (egress(), lambda source, target, port: False),
    "everybody": (egress({}), lambda source, target, port: True),
    "pods of this namespace": (egress({"to": [{"podSelector": {}}]}), lambda source, target, port: in_shop(target)),
    "some pods of another namespace": (
        egress({"to": [{"namespaceSelector": TOOLS, "podSelector": BACK}]}),
        lambda source, target, port: target == TOOLS_BACK,
    ),
    "a port": (egress({"ports": [{"port": ADMIN}]}), lambda source, target, port: port == ADMIN),
    "a port by the name that the other calls it": (
        egress({"ports": [{"port": "web"}]}),
        lambda source, target, port: named_web(target, port),
    ),
    "some pods on a port by its name": (
        egress({"to": [{"namespaceSelector": TOOLS}], "ports": [{"port": "web"}]}),
        lambda source, target, port: not in_shop(target) and named_web(target, port),
    ),
    "a name or a number": (
        egress({"to": [{"namespaceSelector": TOOLS}], "ports": [{"port": "web"}, {"port": WEB}]}),
        lambda source, target, port: not in_shop(target) and (named_web(target, port) or port == WEB),
    ),
    "a range of ports": (
        egress({"ports": [{"port": ADMIN, "endPort": ADMIN + 10}]}),
        lambda source, target, port: port == ADMIN,
    ),
    "a block of addresses": (
        egress({"to": [{"ipBlock": {"cidr": NODES[1].pod_network}}]}),
        lambda source, target, port: target.pod == "back",
    ),
    "a block of addresses but some": (
        egress({"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [NODES[1].pod_network]}}]}),
        lambda source, target, port: target.pod == "front",
    ),
}


@pytest.mark.parametrize("name", EGRESS)
def test_egress_lets_out_to(pods: Field, name: str) -> None:
    spec, allowed = EGRESS[name]
    with pods.under(pods.policy("shop", **spec)):
        pods.becomes(lambda source, target, port: not in_shop(source) or allowed(source, target, port))


def test_policy_is_about_the_pods_it_selects(pods: Field) -> None:
    with pods.under(pods.policy("shop", **ingress(podSelector=BACK))):
        pods.becomes(lambda source, target, port: target != SHOP_BACK)


def test_policies_add_up(pods: Field) -> None:
    closed = pods.policy("shop", "closed", **ingress())
    opened = pods.policy("shop", "opened", **ingress({"from": [{"podSelector": FRONT}]}))
    with pods.under(closed, opened):
        pods.becomes(lambda source, target, port: not in_shop(target) or source == SHOP_FRONT)


def test_both_sides_must_agree(pods: Field) -> None:
    out = pods.policy("tools", **egress({"to": [{"namespaceSelector": {}}], "ports": [{"port": WEB}]}))
    into = pods.policy("shop", **ingress({"from": [{"namespaceSelector": TOOLS, "podSelector": FRONT}]}))
    with pods.under(out, into):
        pods.becomes(
            lambda source, target, port: (
                (in_shop(source) or port == WEB) and (not in_shop(target) or source == TOOLS_FRONT)
            )
        )


def test_type_without_rules_is_ingress_alone(pods: Field) -> None:
    with pods.under(pods.policy("shop")):
        pods.becomes(lambda source, target, port: not in_shop(target))


def test_change_of_a_label_is_followed(pods: Field) -> None:
    namespace = pods.namespaces["shop"]
    label = ("label", "pod", "back", "--namespace", namespace.name)
    with pods.under(pods.policy("shop", **ingress({"from": [{"podSelector": {"matchLabels": {"guest": "yes"}}}]}))):
        pods.becomes(lambda source, target, port: not in_shop(target))
        namespace.cluster.kubectl(*label, "guest=yes")
        pods.becomes(lambda source, target, port: not in_shop(target) or source == SHOP_BACK)
        namespace.cluster.kubectl(*label, "guest-")
        pods.becomes(lambda source, target, port: not in_shop(target))


def test_service_is_judged_by_the_pod_behind_it(pods: Field) -> None:
    shop, tools = pods.namespaces["shop"], pods.namespaces["tools"]
    shop.cluster.apply(shop.service("back", WEB))
    address = shop.cluster.core.read_namespaced_service("back", shop.name).spec.cluster_ip
    reaches = {
        name: lambda space=space: space.probe("front", "connect", f"{address}:80") == f"{address}:80 open\n"
        for name, space in {"shop": shop, "tools": tools}.items()
    }
    eventually(reaches["tools"], "the Service without a policy")
    with pods.under(pods.policy("shop", **ingress({"from": [{"podSelector": {}}]}))):
        eventually(lambda: not reaches["tools"]() and reaches["shop"](), "the Service under a policy")


def test_datagrams_are_judged_by_their_own_protocol(pods: Field) -> None:
    tools, target = pods.namespaces["tools"], f"{pods.addresses[SHOP_BACK]}:{WEB}"

    def answered() -> bool:
        try:
            return tools.probe("front", "ask", target) == "back\n"
        except AssertionError:
            return False

    with pods.under(pods.policy("shop", **ingress({"ports": [{"port": WEB, "protocol": "UDP"}]}))):
        pods.becomes(lambda source, target, port: not in_shop(target))
        eventually(answered, "UDP under a policy for UDP")
    with pods.under(pods.policy("shop", **ingress({"ports": [{"port": WEB, "protocol": "TCP"}]}))):
        pods.becomes(lambda source, target, port: not in_shop(target) or port == WEB)
        eventually(lambda: not answered(), "UDP under a policy for TCP")


def test_nodes_own_probes_get_through(pods: Field) -> None:
    shop = pods.namespaces["shop"]
    with pods.under(pods.policy("shop", **ingress())):
        pods.becomes(lambda source, target, port: not in_shop(target))
        time.sleep(STAYS_READY_SECONDS)
        for place in filter(in_shop, PLACES):
            conditions = shop.cluster.core.read_namespaced_pod(place.pod, shop.name).status.conditions
            assert {condition.type: condition.status for condition in conditions}["Ready"] == "True"
