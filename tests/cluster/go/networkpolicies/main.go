// Enforces networking.k8s.io/v1 NetworkPolicies in the network namespace it runs in. It is for tests: each change of a
// pod, namespace or policy rebuilds one nftables table in one transaction.
package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"os/exec"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const retryAfter = time.Second

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(config), 0)
	changed := watch(factory)
	var applied []byte
	for range changed {
		table := read(factory).table()
		if bytes.Equal(table, applied) {
			continue
		}
		if err := apply(table); err != nil {
			log.Print(err)
			time.AfterFunc(retryAfter, func() { signal(changed) })
			continue
		}
		applied = table
	}
}

// watch returns a channel that holds one element while something has changed that was not read yet.
func watch(factory informers.SharedInformerFactory) chan struct{} {
	changed := make(chan struct{}, 1)
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { signal(changed) },
		UpdateFunc: func(any, any) { signal(changed) },
		DeleteFunc: func(any) { signal(changed) },
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(),
		factory.Core().V1().Namespaces().Informer(),
		factory.Networking().V1().NetworkPolicies().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			log.Fatal(err)
		}
	}
	forever := context.Background().Done()
	factory.Start(forever)
	factory.WaitForCacheSync(forever)
	signal(changed)
	return changed
}

func signal(changed chan struct{}) {
	select {
	case changed <- struct{}{}:
	default:
	}
}

func read(factory informers.SharedInformerFactory) *state {
	pods, _ := factory.Core().V1().Pods().Lister().List(labels.Everything())
	namespaces, _ := factory.Core().V1().Namespaces().Lister().List(labels.Everything())
	policies, _ := factory.Networking().V1().NetworkPolicies().Lister().List(labels.Everything())
	return newState(pods, namespaces, policies)
}

func apply(table []byte) error {
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = bytes.NewReader(table)
	if output, err := nft.CombinedOutput(); err != nil {
		return &refused{err, output}
	}
	return nil
}

type refused struct {
	cause  error
	output []byte
}

func (r *refused) Error() string { return "nft: " + r.cause.Error() + "\n" + string(r.output) }
