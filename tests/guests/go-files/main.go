// Command go-files is a guest in Go on WASI 0.1 (GOOS=wasip1): thousands of
// files through os, io/fs, path/filepath and os.Root.
//
//	go-files [DIR [COUNT]]     default: /go-files 3000
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	root, count := "/go-files", 3000
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if len(os.Args) > 2 {
		number, err := strconv.Atoi(os.Args[2])
		must(err)
		count = number
	}
	must(os.MkdirAll(root, 0o777))
	create(root, count)
	verify(root, count)
	operations(root)
	rooted(root)
	remove(root, count)
	fmt.Println("go-files: ok")
}

// must ends the program with exit code 1 and says why.
func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func check(holds bool, format string, arguments ...any) {
	if !holds {
		fail(format, arguments...)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "go-files: "+format+"\n", arguments...)
	os.Exit(1)
}
