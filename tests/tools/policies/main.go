// Command policies holds the pods of one node to the NetworkPolicies of its cluster: it is asked about the first packet of each connection.
//
//	policies -kubeconfig FILE -node NAME -queue NUMBER
//
// Which packets it is asked about is said by whoever starts it, with rules of the packet filter that hand them to the queue. While nobody
// answers there, the kernel drops them.
package main

import (
	"context"
	"flag"
	"log"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/kube-network-policies/pkg/networkpolicy"
)

// The controller writes rules of its own too, by which a machine that is not a node could reach no pod that has a policy, and which a kernel
// without queues for nftables refuses. A table's name of more than 255 bytes is refused by every kernel.
var noTable = strings.Repeat("none", 70)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "file that says where the API is, and who asks")
	node := flag.String("node", "", "name of the node")
	queue := flag.Int("queue", 0, "number of the queue of packets")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if problem := run(ctx, *kubeconfig, networkpolicy.Config{NodeName: *node, QueueID: *queue, NFTableName: noTable}); problem != nil {
		log.Fatal(problem)
	}
}

func run(ctx context.Context, kubeconfig string, config networkpolicy.Config) error {
	asked, problem := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if problem != nil {
		return problem
	}
	client, problem := kubernetes.NewForConfig(asked)
	if problem != nil {
		return problem
	}
	known := informers.NewSharedInformerFactory(client, 0)
	core := known.Core().V1()
	policies := known.Networking().V1().NetworkPolicies()
	controller, problem := networkpolicy.NewController(client, policies, core.Namespaces(), core.Pods(), nil, nil, nil, nil, config)
	if problem != nil {
		return problem
	}
	known.Start(ctx.Done())
	return controller.Run(ctx)
}
