// Small is what the tests on a real node run in containers: a server whose probes can be told to fail, a job, and ranks that meet.
//
//	small serve            answers on :8080 until told to end, then finishes what it is at
//	small work CODE        runs until told to end, says so, and ends with CODE; or with CODE at once where a second word is given
//	small meet HEAD RANK N rank 0 waits for the other N-1 ranks at HEAD, which is its own name; all say the sum of their numbers
//	small look NAME        prints the addresses that the name has
//	small reach ADDRESS... says of each whether it answers, refuses a connection or is silent
//	small eat              takes memory until it is stopped
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const patience = 120 * time.Second

func main() {
	roles := map[string]func([]string) int{"serve": serve, "work": work, "meet": meet, "look": look, "reach": reach, "eat": eat}
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		os.Exit(roles[os.Args[1]](os.Args[2:]))
	}
	fmt.Fprintln(os.Stderr, "small: serve, work, meet, look, reach or eat")
	os.Exit(2)
}

func told() <-chan os.Signal {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	return signals
}

// A server is alive and ready until POST /break?what=alive or what=ready; it has started START_SECONDS after its begin.
func serve([]string) int {
	signals, begun := told(), time.Now()
	wait, _ := strconv.Atoi(os.Getenv("START_SECONDS"))
	var broken [2]atomic.Bool
	probe := func(bad func() bool) http.HandlerFunc {
		return func(answer http.ResponseWriter, _ *http.Request) {
			if bad() {
				answer.WriteHeader(http.StatusServiceUnavailable)
			}
		}
	}
	http.HandleFunc("/started", probe(func() bool { return time.Since(begun) < time.Duration(wait)*time.Second }))
	http.HandleFunc("/alive", probe(broken[0].Load))
	http.HandleFunc("/ready", probe(broken[1].Load))
	http.HandleFunc("/break", func(_ http.ResponseWriter, request *http.Request) {
		which := 0
		if request.FormValue("what") == "ready" {
			which = 1
		}
		broken[which].Store(true)
	})
	http.HandleFunc("/slow", func(answer http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * time.Second)
		fmt.Fprintln(answer, "finished")
	})
	http.HandleFunc("/burn", func(answer http.ResponseWriter, request *http.Request) {
		seconds, _ := strconv.Atoi(request.FormValue("seconds"))
		for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); {
		}
	})
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		name, _ := os.Hostname()
		fmt.Fprintln(answer, name, os.Getenv("VERSION"))
	})
	server := &http.Server{Addr: ":8080"}
	ended := make(chan int)
	go func() {
		<-signals
		fmt.Println("told to end")
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		server.Shutdown(ctx)
		ended <- 0
	}()
	if problem := server.ListenAndServe(); problem != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, problem)
		return 1
	}
	return <-ended
}

func work(words []string) int {
	code, _ := strconv.Atoi(words[0])
	if len(words) == 1 {
		signals := told()
		fmt.Println("at work")
		<-signals
		fmt.Println("saved")
	}
	return code
}

func meet(words []string) int {
	head, rank, size := words[0], words[1], words[2]
	sum, problem := 0, error(nil)
	if rank == "0" {
		sum, problem = gather(size)
	} else {
		sum, problem = join(head, rank)
	}
	if problem != nil {
		fmt.Fprintln(os.Stderr, problem)
		return 1
	}
	fmt.Println("rank", rank, "of", size, "sums", sum)
	return 0
}

func gather(size string) (int, error) {
	listener, problem := net.Listen("tcp", ":29500")
	if problem != nil {
		return 0, problem
	}
	wanted, _ := strconv.Atoi(size)
	sum, peers := 0, []net.Conn{}
	for len(peers) < wanted-1 {
		peer, problem := listener.Accept()
		if problem != nil {
			return 0, problem
		}
		var number int
		if _, problem := fmt.Fscanln(peer, &number); problem != nil {
			return 0, problem
		}
		sum, peers = sum+number, append(peers, peer)
	}
	for _, peer := range peers {
		fmt.Fprintln(peer, sum)
		peer.Close()
	}
	return sum, nil
}

func join(head, rank string) (int, error) {
	for end := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		peer, problem := net.DialTimeout("tcp", net.JoinHostPort(head, "29500"), time.Second)
		if problem != nil {
			if time.Now().After(end) {
				return 0, problem
			}
			continue
		}
		fmt.Fprintln(peer, rank)
		said, problem := io.ReadAll(peer)
		if problem != nil {
			return 0, problem
		}
		return strconv.Atoi(strings.TrimSpace(string(said)))
	}
}

func look(words []string) int {
	found, problem := net.LookupHost(words[0])
	if problem != nil {
		fmt.Fprintln(os.Stderr, problem)
		return 1
	}
	sort.Strings(found)
	fmt.Println(strings.Join(found, " "))
	return 0
}

func reach(addresses []string) int {
	for _, address := range addresses {
		said := "answers"
		peer, problem := net.DialTimeout("tcp", address, 3*time.Second)
		switch {
		case problem == nil:
			peer.Close()
		case errors.Is(problem, syscall.ECONNREFUSED):
			said = "refuses"
		case os.IsTimeout(problem):
			said = "is silent"
		default:
			said = problem.Error()
		}
		fmt.Println(address, said)
	}
	return 0
}

func eat([]string) int {
	for held := [][]byte{}; ; {
		piece := make([]byte, 1<<20)
		for place := 0; place < len(piece); place += os.Getpagesize() {
			piece[place] = 1
		}
		held = append(held, piece)
	}
}
