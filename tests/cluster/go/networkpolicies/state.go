package main

import (
	"sort"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// state is what the API server says at one moment, in an order that does not change.
type state struct {
	pods       []*core.Pod
	namespaces map[string]labels.Set
	policies   []*networking.NetworkPolicy
}

func newState(pods []*core.Pod, namespaces []*core.Namespace, policies []*networking.NetworkPolicy) *state {
	s := &state{namespaces: map[string]labels.Set{}, policies: policies}
	for _, pod := range pods {
		if hasOwnAddress(pod) {
			s.pods = append(s.pods, pod)
		}
	}
	for _, namespace := range namespaces {
		s.namespaces[namespace.Name] = namespace.Labels
	}
	sort.Slice(s.pods, func(i, j int) bool { return s.pods[i].UID < s.pods[j].UID })
	sort.Slice(s.policies, func(i, j int) bool { return s.policies[i].UID < s.policies[j].UID })
	return s
}

// hasOwnAddress leaves out pods on the host's network, whose policies are undefined, and pods that gave theirs back.
func hasOwnAddress(pod *core.Pod) bool {
	over := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
	return pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !over
}

// of returns the policies that select a pod and are about a direction.
func (s *state) of(pod *core.Pod, direction networking.PolicyType) (found []*networking.NetworkPolicy) {
	for _, policy := range s.policies {
		if policy.Namespace == pod.Namespace && matches(&policy.Spec.PodSelector, pod.Labels) {
			for _, kind := range policy.Spec.PolicyTypes {
				if kind == direction {
					found = append(found, policy)
				}
			}
		}
	}
	return found
}

// selected returns the pods that a peer of a policy in this namespace means.
func (s *state) selected(peer networking.NetworkPolicyPeer, namespace string) (found []*core.Pod) {
	for _, pod := range s.pods {
		near := peer.NamespaceSelector == nil && pod.Namespace == namespace
		far := peer.NamespaceSelector != nil && matches(peer.NamespaceSelector, s.namespaces[pod.Namespace])
		if (near || far) && (peer.PodSelector == nil || matches(peer.PodSelector, pod.Labels)) {
			found = append(found, pod)
		}
	}
	return found
}

func matches(selector *meta.LabelSelector, set labels.Set) bool {
	parsed, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(set)
}
