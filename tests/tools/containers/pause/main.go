// Pause is the process that holds a pod's namespaces: it waits to be told to end, and buries what its pod leaves behind.
package main

import (
	"os"
	"os/signal"
	"syscall"
)

func main() {
	told := make(chan os.Signal, 8)
	signal.Notify(told, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for signalled := range told {
		if signalled != syscall.SIGCHLD {
			return
		}
		for child := 1; child > 0; {
			child, _ = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		}
	}
}
