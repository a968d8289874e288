package main

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Connections that began are not judged again, as with every known implementation; the hooks come after kube-proxy's
// address translation, so that a Service's address has become a pod's.
const frame = `table inet network_policies
delete table inet network_policies
table inet network_policies {
%s	chain forward {
		type filter hook forward priority -5; policy accept;
		ct state established,related accept
%s%s	}
	chain input {
		type filter hook input priority -5; policy accept;
		ct state established,related accept
%s	}
}
`

// table returns nftables' whole text. What comes from a pod's own node is not forwarded, thus let in: kubelet probes.
func (s *state) table() []byte {
	var chains, egress, ingress bytes.Buffer
	for number, pod := range s.pods {
		if policies := s.of(pod, networking.PolicyTypeIngress); len(policies) > 0 {
			chain(&chains, &ingress, fmt.Sprintf("ingress_%d", number), "daddr", pod, s.ingress(pod, policies))
		}
		if policies := s.of(pod, networking.PolicyTypeEgress); len(policies) > 0 {
			chain(&chains, &egress, fmt.Sprintf("egress_%d", number), "saddr", pod, s.egress(policies))
		}
	}
	return fmt.Appendf(nil, frame, chains.String(), egress.String(), ingress.String(), egress.String())
}

func chain(chains, hook *bytes.Buffer, name, side string, pod *core.Pod, allowed []string) {
	fmt.Fprintf(hook, "\t\tip %s %s jump %s\n", side, pod.Status.PodIP, name)
	fmt.Fprintf(chains, "\tchain %s {\n\t\tip saddr %s ip daddr %[2]s return\n", name, pod.Status.PodIP)
	for _, match := range allowed {
		fmt.Fprintf(chains, "\t\t%sreturn\n", match)
	}
	chains.WriteString("\t\tcounter drop\n\t}\n")
}

func (s *state) ingress(pod *core.Pod, policies []*networking.NetworkPolicy) (allowed []string) {
	for _, policy := range policies {
		for _, rule := range policy.Spec.Ingress {
			ports := portMatches(rule.Ports, []*core.Pod{pod})
			for _, peer := range s.addresses(rule.From, policy.Namespace, "saddr") {
				for _, port := range ports {
					allowed = append(allowed, peer+port)
				}
			}
		}
	}
	return allowed
}

func (s *state) egress(policies []*networking.NetworkPolicy) (allowed []string) {
	for _, policy := range policies {
		for _, rule := range policy.Spec.Egress {
			numbered, named := split(rule.Ports)
			if len(rule.Ports) == 0 || len(numbered) > 0 {
				for _, peer := range s.addresses(rule.To, policy.Namespace, "daddr") {
					for _, port := range portMatches(numbered, nil) {
						allowed = append(allowed, peer+port)
					}
				}
			}
			allowed = append(allowed, s.namedEgress(rule.To, named, policy.Namespace)...)
		}
	}
	return allowed
}

// namedEgress resolves ports' names on each pod that may be spoken to: the same name is another number elsewhere.
func (s *state) namedEgress(to []networking.NetworkPolicyPeer, named []networking.NetworkPolicyPort, namespace string) (allowed []string) {
	if len(named) == 0 {
		return nil
	}
	targets := s.pods
	if len(to) > 0 {
		targets = nil
		for _, peer := range to {
			if peer.IPBlock == nil {
				targets = append(targets, s.selected(peer, namespace)...)
			}
		}
	}
	for _, pod := range targets {
		for _, port := range portMatches(named, []*core.Pod{pod}) {
			allowed = append(allowed, fmt.Sprintf("ip daddr %s %s", pod.Status.PodIP, port))
		}
	}
	return allowed
}

// addresses returns a match for each peer that is somebody, or one that is always true where no peer is named.
func (s *state) addresses(peers []networking.NetworkPolicyPeer, namespace, side string) (found []string) {
	if len(peers) == 0 {
		return []string{""}
	}
	for _, peer := range peers {
		if peer.IPBlock != nil {
			found = append(found, block(peer.IPBlock, side))
			continue
		}
		var addresses []string
		for _, pod := range s.selected(peer, namespace) {
			addresses = append(addresses, pod.Status.PodIP)
		}
		if len(addresses) > 0 {
			sort.Strings(addresses)
			found = append(found, fmt.Sprintf("ip %s { %s } ", side, strings.Join(addresses, ", ")))
		}
	}
	return found
}

func block(b *networking.IPBlock, side string) string {
	match := fmt.Sprintf("ip %s %s ", side, b.CIDR)
	if len(b.Except) > 0 {
		match += fmt.Sprintf("ip %s != { %s } ", side, strings.Join(b.Except, ", "))
	}
	return match
}

func split(ports []networking.NetworkPolicyPort) (numbered, named []networking.NetworkPolicyPort) {
	for _, port := range ports {
		if port.Port != nil && port.Port.Type == intstr.String {
			named = append(named, port)
		} else {
			numbered = append(numbered, port)
		}
	}
	return numbered, named
}

// portMatches returns a match for each port, or one that is always true where none is named.
func portMatches(ports []networking.NetworkPolicyPort, targets []*core.Pod) (found []string) {
	if len(ports) == 0 {
		return []string{""}
	}
	for _, port := range ports {
		protocol := "tcp"
		if port.Protocol != nil {
			protocol = strings.ToLower(string(*port.Protocol))
		}
		switch {
		case port.Port == nil:
			found = append(found, "meta l4proto "+protocol+" ")
		case port.Port.Type == intstr.String:
			found = append(found, named(port.Port.StrVal, protocol, targets)...)
		case port.EndPort != nil:
			found = append(found, fmt.Sprintf("%s dport %d-%d ", protocol, port.Port.IntVal, *port.EndPort))
		default:
			found = append(found, fmt.Sprintf("%s dport %d ", protocol, port.Port.IntVal))
		}
	}
	return found
}

func named(name, protocol string, targets []*core.Pod) (found []string) {
	for _, pod := range targets {
		for _, container := range pod.Spec.Containers {
			for _, port := range container.Ports {
				if port.Name == name && strings.EqualFold(string(port.Protocol), protocol) {
					found = append(found, fmt.Sprintf("%s dport %d ", protocol, port.ContainerPort))
				}
			}
		}
	}
	return found
}
