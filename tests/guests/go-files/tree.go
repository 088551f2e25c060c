package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const directories = 30

// content is what file number index holds: of the index alone.
func content(index int) []byte {
	block := sha256.Sum256(fmt.Appendf(nil, "file %d", index))
	return bytes.Repeat(block[:], index%150)
}

func name(index int) string {
	return filepath.Join(fmt.Sprintf("d%02d", index%directories), fmt.Sprintf("file-%d", index))
}

func create(root string, count int) {
	for i := range directories {
		must(os.MkdirAll(filepath.Join(root, fmt.Sprintf("d%02d", i), "empty"), 0o777))
	}
	for i := range count {
		path := filepath.Join(root, name(i))
		must(os.WriteFile(path+".new", content(i), 0o666))
		must(os.Rename(path+".new", path))
		if i%7 == 0 {
			must(os.Link(path, path+".hard"))
		}
		if i%7 == 1 {
			must(os.Symlink(filepath.Base(path), path+".soft"))
		}
	}
	fmt.Printf("go-files: %d files created\n", count)
}

func verify(root string, count int) {
	sum := sha256.New()
	for i := range count {
		path := filepath.Join(root, name(i))
		verifyContent(path, i)
		sum.Write(content(i))
		if i%7 == 0 {
			verifyContent(path+".hard", i)
			one, err := os.Stat(path)
			must(err)
			other, err := os.Stat(path + ".hard")
			must(err)
			check(os.SameFile(one, other), "%s.hard is another file", path)
		}
		if i%7 == 1 {
			verifyContent(path+".soft", i)
			target, err := os.Readlink(path + ".soft")
			must(err)
			check(target == filepath.Base(path), "%s.soft points to %s", path, target)
		}
	}
	walk(root, count)
	fmt.Printf("go-files: %d files verified, sha256 %x\n", count, sum.Sum(nil))
}

func verifyContent(path string, index int) {
	got, err := os.ReadFile(path)
	must(err)
	check(bytes.Equal(got, content(index)), "%s: wrong content", path)
}

// walk sees every name once, in order, of the right type.
func walk(root string, count int) {
	files, links, folders := 0, 0, 0
	previous := ""
	must(filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		must(err)
		check(path > previous || entry.IsDir(), "%s after %s", path, previous)
		info, err := entry.Info()
		must(err)
		check(info.Mode().Type() == entry.Type(), "%s: listed as %v, is %v", path, entry.Type(), info.Mode())
		switch {
		case entry.IsDir():
			folders++
		case entry.Type()&fs.ModeSymlink != 0:
			links++
		default:
			previous = path
			files++
		}
		return nil
	}))
	hard, soft := (count+6)/7, (count+5)/7
	check(files == count+hard, "%d files walked, not %d", files, count+hard)
	check(links == soft, "%d links walked, not %d", links, soft)
	check(folders == 1+2*directories, "%d directories walked", folders)

	matches, err := filepath.Glob(filepath.Join(root, "d0[0-4]", "*.soft"))
	must(err)
	wanted := 0
	for i := range count {
		if i%7 == 1 && i%directories < 5 {
			wanted++
		}
	}
	check(len(matches) == wanted, "%d names match, not %d", len(matches), wanted)
}

func remove(root string, count int) {
	for i := range count {
		must(os.Remove(filepath.Join(root, name(i))))
	}
	for i := 0; i < count; i += 7 {
		verifyContent(filepath.Join(root, name(i))+".hard", i)
	}
	must(os.RemoveAll(root))
	_, err := os.Stat(root)
	check(os.IsNotExist(err), "%s is still there: %v", root, err)
	fmt.Printf("go-files: %d files removed\n", count)
}
