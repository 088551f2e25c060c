package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// operations checks the calls of package os one by one.
func operations(root string) {
	directory, err := os.MkdirTemp(root, "operations")
	must(err)
	reading(filepath.Join(directory, "file"))
	times(filepath.Join(directory, "times"))
	appending(filepath.Join(directory, "log"))
	refusals(directory)
	copied(directory)
	must(os.RemoveAll(directory))
	fmt.Println("go-files: operations verified")
}

func reading(path string) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	must(err)
	_, err = file.WriteString("0123456789")
	must(err)
	_, err = file.WriteAt([]byte("ab"), 4)
	must(err)
	section, err := io.ReadAll(io.NewSectionReader(file, 3, 5))
	must(err)
	check(string(section) == "3ab67", "section reads %q", section)
	_, err = file.Seek(-2, io.SeekEnd)
	must(err)
	rest, err := io.ReadAll(file)
	must(err)
	check(string(rest) == "89", "the end reads %q", rest)
	must(file.Truncate(1 << 20))
	_, err = file.WriteAt([]byte("end"), 10<<20)
	must(err)
	info, err := file.Stat()
	must(err)
	check(info.Size() == 10<<20+3, "size %d", info.Size())
	hole := make([]byte, 4096)
	_, err = file.ReadAt(hole, 5<<20)
	must(err)
	for _, b := range hole {
		check(b == 0, "a hole holds %d", b)
	}
	must(os.Remove(path))
	_, err = file.ReadAt(hole[:3], 10<<20)
	must(err)
	check(string(hole[:3]) == "end", "unlinked file reads %q", hole[:3])
	must(file.Sync())
	must(file.Close())
}

func times(path string) {
	must(os.WriteFile(path, nil, 0o666))
	accessed, modified := time.Unix(1_000_000_000, 5), time.Unix(2_000_000_000, 999_999_999)
	must(os.Chtimes(path, accessed, modified))
	info, err := os.Stat(path)
	must(err)
	check(info.ModTime().Equal(modified), "modified %v, not %v", info.ModTime(), modified)
}

func appending(path string) {
	first, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	must(err)
	second, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o666)
	must(err)
	wanted := ""
	for i := range 100 {
		line := fmt.Sprintf("line %d\n", i)
		wanted += line
		writer := first
		if i%2 == 1 {
			writer = second
		}
		_, err = writer.WriteString(line)
		must(err)
	}
	must(errors.Join(first.Close(), second.Close()))
	got, err := os.ReadFile(path)
	must(err)
	check(string(got) == wanted, "lines of two writers are mixed")
}

func refusals(directory string) {
	full, file := filepath.Join(directory, "full"), filepath.Join(directory, "plain")
	must(os.MkdirAll(filepath.Join(full, "child"), 0o777))
	must(os.WriteFile(file, []byte("x"), 0o666))
	refused(os.Remove(full), syscall.ENOTEMPTY)
	refused(os.Mkdir(full, 0o777), fs.ErrExist)
	refused(os.Rename(full, filepath.Join(full, "child", "in")), syscall.EINVAL)
	// os.Rename itself refuses a directory as the new name.
	refused(os.Rename(file, full), fs.ErrExist)
	refused(os.Link(file, full), fs.ErrExist)
	_, err := os.ReadFile(filepath.Join(file, "below"))
	refused(err, syscall.ENOTDIR)
	_, err = os.ReadDir(filepath.Join(directory, "none"))
	refused(err, fs.ErrNotExist)
	must(os.Symlink("loop", filepath.Join(directory, "loop")))
	_, err = os.ReadFile(filepath.Join(directory, "loop"))
	refused(err, syscall.ELOOP)
}

func refused(err, wanted error) {
	check(errors.Is(err, wanted), "got %v, wanted %v", err, wanted)
}

// copied takes a tree through os.DirFS and os.CopyFS.
func copied(directory string) {
	from, to := filepath.Join(directory, "from"), filepath.Join(directory, "to")
	must(os.MkdirAll(filepath.Join(from, "a", "b"), 0o777))
	must(os.WriteFile(filepath.Join(from, "a", "b", "c"), []byte("deep"), 0o666))
	must(os.CopyFS(to, os.DirFS(from)))
	got, err := fs.ReadFile(os.DirFS(to), "a/b/c")
	must(err)
	check(string(got) == "deep", "the copy reads %q", got)
}
