"""Thousands of files through CPython's os, pathlib, shutil and tempfile."""

import errno
import hashlib
import os
import pathlib
import shutil
import tempfile

DIRECTORIES = 25


def run(root: str, count: int) -> None:
    create(root, count)
    verify(root, count)
    operations(os.path.join(root, "operations"))
    verify(root, count)
    remove(root, count)


def content(index: int) -> bytes:
    return hashlib.sha256(str(index).encode()).digest() * (index % 200)


def path_of(root: str, index: int) -> str:
    return os.path.join(root, f"d{index % DIRECTORIES}", f"file-{index}")


def create(root: str, count: int) -> None:
    for number in range(DIRECTORIES):
        os.makedirs(os.path.join(root, f"d{number}"), exist_ok=True)
    for index in range(count):
        path = path_of(root, index)
        with open(path + ".new", "xb") as file:
            file.write(content(index))
        os.rename(path + ".new", path)
        if index % 9 == 0:
            os.link(path, path + ".hard")
        elif index % 9 == 1:
            os.symlink(os.path.basename(path), path + ".soft")
    print(f"python-files: {count} files created", flush=True)


def verify(root: str, count: int) -> None:
    digest = hashlib.sha256()
    for index in range(count):
        path = path_of(root, index)
        verify_content(path, index, digest)
        if index % 9 == 0:
            verify_content(path + ".hard", index, digest)
            assert os.path.samefile(path, path + ".hard"), f"{path}.hard is another file"
            assert os.stat(path).st_nlink == 2, f"{path} has not two names"
        elif index % 9 == 1:
            assert os.readlink(path + ".soft") == os.path.basename(path), f"{path}.soft"
            verify_content(path + ".soft", index, digest)
    for number in range(DIRECTORIES):
        verify_listing(root, number, count)
    print(f"python-files: {count} files verified, sha256 {digest.hexdigest()[:16]}", flush=True)


def verify_content(path: str, index: int, digest) -> None:
    data = pathlib.Path(path).read_bytes()
    assert data == content(index), f"{path}: wrong content"
    assert os.path.getsize(path) == len(data), f"{path}: wrong size"
    digest.update(data)


def verify_listing(root: str, number: int, count: int) -> None:
    directory = os.path.join(root, f"d{number}")
    wanted = set()
    for index in range(number, count, DIRECTORIES):
        wanted.add(f"file-{index}")
        if index % 9 == 0:
            wanted.add(f"file-{index}.hard")
        elif index % 9 == 1:
            wanted.add(f"file-{index}.soft")
    names = []
    with os.scandir(directory) as entries:
        for entry in entries:
            assert entry.is_symlink() == entry.name.endswith(".soft"), f"type of {entry.path}"
            names.append(entry.name)
    assert len(names) == len(set(names)), f"{directory}: a name was listed twice"
    assert set(names) == wanted, f"{directory}: wrong names {set(names) ^ wanted}"


def operations(root: str) -> None:
    os.mkdir(root)
    path = os.path.join(root, "file")
    with open(path, "w+b") as file:
        file.write(b"0123456789")
        file.seek(4)
        file.write(b"ab")
        file.seek(0)
        assert file.read() == b"0123ab6789"
        file.truncate(3)
        file.seek(1 << 20)
        file.write(b"end")
    assert os.path.getsize(path) == (1 << 20) + 3
    with open(path, "rb") as file:
        assert file.read(5) == b"012\0\0"
        os.remove(path)
        file.seek(-3, os.SEEK_END)
        assert file.read() == b"end", "an unlinked file lost its content"
    with open(path, "a") as first, open(path, "a") as second:
        for number in range(100):
            print(number, file=first if number % 2 else second, flush=True)
    assert pathlib.Path(path).read_text().split() == [str(number) for number in range(100)]
    os.utime(path, ns=(1_000_000_000_000_000_005, 2_000_000_000_999_999_999))
    assert os.stat(path).st_mtime_ns == 2_000_000_000_999_999_999
    assert os.stat(path).st_atime_ns == 1_000_000_000_000_000_005
    refusals(root, path)
    copies(root)
    shutil.rmtree(root)
    print("python-files: operations verified", flush=True)


def refusals(root: str, path: str) -> None:
    full = os.path.join(root, "full")
    os.makedirs(os.path.join(full, "child"))
    os.symlink("loop", os.path.join(root, "loop"))
    for wanted, call, *arguments in (
        (errno.ENOTEMPTY, os.rmdir, full),
        (errno.EEXIST, os.mkdir, full),
        (errno.EEXIST, os.link, path, full),
        (errno.EINVAL, os.rename, full, os.path.join(full, "child", "in")),
        (errno.EISDIR, os.rename, path, full),
        (errno.ENOTDIR, os.listdir, path),
        (errno.ENOENT, os.stat, os.path.join(root, "none")),
        (errno.ELOOP, open, os.path.join(root, "loop")),
        (errno.ENAMETOOLONG, os.mkdir, os.path.join(root, "n" * 256)),
    ):
        try:
            call(*arguments)
        except OSError as error:
            assert error.errno == wanted, f"{call.__name__}{arguments}: {error}, not {wanted}"
        else:
            raise AssertionError(f"{call.__name__}{arguments} succeeded")


def copies(root: str) -> None:
    with tempfile.TemporaryDirectory(dir=root) as temporary:
        source = pathlib.Path(temporary, "a", "b")
        source.mkdir(parents=True)
        (source / "c").write_text("deep")
        shutil.copytree(pathlib.Path(temporary, "a"), pathlib.Path(temporary, "copy"))
        assert pathlib.Path(temporary, "copy", "b", "c").read_text() == "deep"
        found = sorted(str(path.relative_to(temporary)) for path in pathlib.Path(temporary).rglob("c"))
        assert found == ["a/b/c", "copy/b/c"], found
        shutil.move(source / "c", pathlib.Path(temporary, "moved"))
    assert not os.path.exists(temporary)


def remove(root: str, count: int) -> None:
    for index in range(count):
        os.unlink(path_of(root, index))
    shutil.rmtree(root)
    assert not os.path.lexists(root)
    print(f"python-files: {count} files removed", flush=True)
