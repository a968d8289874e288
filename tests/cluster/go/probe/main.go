// What the pods of the cluster's tests run: it serves, and by `kubectl exec` it tries what its pod can reach.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"time"
)

const patience = time.Second

var commands = map[string]func(arguments []string) error{
	"serve":       serve,
	"sleep":       func([]string) error { time.Sleep(1<<63 - 1); return nil },
	"burn":        burn,
	"fill":        fill,
	"connect":     connect,
	"ask":         ask,
	"resolve":     resolve,
	"get":         get,
	"cat":         cat,
	"write":       func(a []string) error { return os.WriteFile(a[0], []byte(a[1]), 0o600) },
	"environment": func([]string) error { return tell(strings.Join(os.Environ(), "\n")) },
	"assume-role": func([]string) error { return assumeRole() },
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: probe COMMAND [ARGUMENT...], see main.go")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func burn([]string) error {
	for {
	}
}

// fill takes memory until it is ended.
func fill([]string) error {
	var taken [][]byte
	for {
		block := make([]byte, 1<<20)
		for n := range block {
			block[n] = 1
		}
		taken = append(taken, block)
		runtime.KeepAlive(taken)
	}
}

// serve tells its pod's name on each port: tcp/PORT by HTTP, udp/PORT by a datagram.
func serve(ports []string) error {
	name, _ := os.Hostname()
	failed := make(chan error)
	for _, port := range ports {
		protocol, number, _ := strings.Cut(port, "/")
		if protocol == "udp" {
			go func() { failed <- serveDatagrams(":"+number, name) }()
			continue
		}
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, name) })
		go func() { failed <- http.ListenAndServe(":"+number, handler) }()
	}
	return <-failed
}

func serveDatagrams(address, name string) error {
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	buffer := make([]byte, 1500)
	for {
		_, sender, err := socket.ReadFrom(buffer)
		if err != nil {
			return err
		}
		socket.WriteTo([]byte(name+"\n"), sender)
	}
}

// connect opens and closes TCP connections and says of each address whether that worked, all at once.
func connect(addresses []string) error {
	outcomes := make([]string, len(addresses))
	done := make(chan struct{})
	for n, address := range addresses {
		go func() {
			outcomes[n] = address + " open"
			if connection, err := net.DialTimeout("tcp", address, patience); err != nil {
				outcomes[n] = address + " closed"
			} else {
				connection.Close()
			}
			done <- struct{}{}
		}()
	}
	for range addresses {
		<-done
	}
	return tell(strings.Join(outcomes, "\n"))
}

// ask sends a datagram and tells what comes back.
func ask(arguments []string) error {
	connection, err := net.Dial("udp", arguments[0])
	if err != nil {
		return err
	}
	connection.SetDeadline(time.Now().Add(patience))
	connection.Write([]byte("who is there?"))
	reply := make([]byte, 1500)
	length, err := connection.Read(reply)
	fmt.Print(string(reply[:length]))
	return err
}

func resolve(names []string) error {
	found, err := net.LookupHost(names[0])
	if err != nil {
		return err
	}
	return tell(strings.Join(found, "\n"))
}

func get(urls []string) error {
	client := http.Client{Timeout: patience}
	response, err := client.Get(urls[0])
	return told(response, err)
}

func cat(files []string) error {
	content, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	return tell(string(content))
}

// assumeRole does what AWS' clients do with the variables that the webhook set.
func assumeRole() error {
	token, err := os.ReadFile(os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"))
	if err != nil {
		return err
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleSessionName": {"probe"},
		"RoleArn": {os.Getenv("AWS_ROLE_ARN")}, "WebIdentityToken": {string(token)},
	}
	return told(http.PostForm(os.Getenv("AWS_ENDPOINT_URL"), form))
}

func told(response *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(os.Stdout, response.Body); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s", response.Status)
	}
	return nil
}

func tell(text string) error {
	_, err := fmt.Println(text)
	return err
}
