package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// rooted uses os.Root, which resolves every path itself, step by step, with
// openat and readlink, and must not let anything out of its directory.
func rooted(parent string) {
	directory := filepath.Join(parent, "rooted")
	must(os.Mkdir(directory, 0o777))
	must(os.WriteFile(filepath.Join(parent, "secret"), []byte("secret"), 0o666))
	root, err := os.OpenRoot(directory)
	must(err)
	must(root.Mkdir("inside", 0o777))
	file, err := root.Create("inside/file")
	must(err)
	_, err = io.WriteString(file, "rooted")
	must(err)
	must(file.Close())
	must(root.Symlink("inside", "way"))
	must(root.Link("inside/file", "hard"))
	must(root.Rename("hard", "inside/renamed"))
	got, err := root.ReadFile("way/renamed")
	must(err)
	check(string(got) == "rooted", "through root: %q", got)

	must(root.Symlink("../secret", "escape"))
	for _, path := range []string{"../secret", "inside/../../secret", "escape"} {
		_, err := root.Open(path)
		check(err != nil, "%s was opened out of the root", path)
		_, err = root.Stat(path)
		check(err != nil, "%s was seen out of the root", path)
	}
	names, err := fs.Glob(root.FS(), "inside/*")
	must(err)
	check(len(names) == 2, "%d names below the root", len(names))
	must(root.RemoveAll("inside"))
	must(root.Close())
	must(os.RemoveAll(directory))
	must(os.Remove(filepath.Join(parent, "secret")))
	fmt.Println("go-files: os.Root verified")
}
