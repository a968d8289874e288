// The admission webhook by which EKS gives pods the role of their service account. AWS runs it beside the API server;
// so is this one. It only answers: the API server takes pods as they are where it does not.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"time"

	admission "k8s.io/api/admission/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const lookUpSeconds = 5

type server struct {
	client kubernetes.Interface
	region string
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	listen := flag.String("listen", "127.0.0.1:23443", "address to serve on")
	certificate := flag.String("certificate", "", "file of the server's certificate")
	key := flag.String("key", "", "file of the certificate's key")
	region := flag.String("region", "", "AWS region that pods are told")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("POST /mutate", &server{kubernetes.NewForConfigOrDie(config), *region})
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, nil))
}

func (s *server) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	var review admission.AdmissionReview
	if err := json.NewDecoder(request.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(response, "not an AdmissionReview", http.StatusBadRequest)
		return
	}
	answer, err := s.review(request.Context(), review.Request)
	if err != nil {
		log.Printf("%s: %v", review.Request.UID, err)
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	review.Request, review.Response = nil, answer
	response.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(response).Encode(review); err != nil {
		log.Print(err)
	}
}

func (s *server) review(ctx context.Context, request *admission.AdmissionRequest) (*admission.AdmissionResponse, error) {
	var pod core.Pod
	if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
		return nil, err
	}
	answer := &admission.AdmissionResponse{UID: request.UID, Allowed: true}
	account, err := s.accountOf(ctx, request.Namespace, pod.Spec.ServiceAccountName)
	if err != nil {
		return nil, err
	}
	identity, given := identityOf(account, s.region)
	if !given {
		return answer, nil
	}
	identity.giveTo(&pod)
	// The parts that change are replaced whole: simpler than a patch of each element, and the same pod.
	patch := []map[string]any{
		{"op": "add", "path": "/spec/volumes", "value": pod.Spec.Volumes},
		{"op": "add", "path": "/spec/containers", "value": pod.Spec.Containers},
	}
	if len(pod.Spec.InitContainers) > 0 {
		patch = append(patch, map[string]any{"op": "add", "path": "/spec/initContainers", "value": pod.Spec.InitContainers})
	}
	kind := admission.PatchTypeJSONPatch
	answer.PatchType = &kind
	answer.Patch, err = json.Marshal(patch)
	return answer, err
}

func (s *server) accountOf(ctx context.Context, namespace, name string) (*core.ServiceAccount, error) {
	ctx, cancel := context.WithTimeout(ctx, lookUpSeconds*time.Second)
	defer cancel()
	if name == "" {
		name = "default"
	}
	return s.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, meta.GetOptions{})
}
