/* Each POSIX call on its own, where it must succeed. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "check.h"

static char bytes[64];

/* Both may stop early, as Wasmtime's do after the first buffer: go on there. */
static void all(ssize_t (*call)(int, const struct iovec *, int), int file, struct iovec *parts)
{
    for (int i = 0; i < 2; i++) {
        while (parts[i].iov_len > 0) {
            ssize_t done = call(file, parts + i, 2 - i);
            CHECK(done > 0);
            for (int j = i; j < 2 && done > 0; j++) {
                size_t part = (size_t)done < parts[j].iov_len ? (size_t)done : parts[j].iov_len;
                parts[j].iov_base = (char *)parts[j].iov_base + part;
                parts[j].iov_len -= part;
                done -= (ssize_t)part;
            }
        }
    }
}

static void positions(int file)
{
    check_name = "positions";
    CHECK(pwrite(file, "0123456789", 10, 0) == 10);
    CHECK(lseek(file, 0, SEEK_CUR) == 0); /* pwrite moved nothing */
    CHECK(pread(file, bytes, 4, 3) == 4 && memcmp(bytes, "3456", 4) == 0);
    CHECK(pread(file, bytes, 4, 8) == 2);
    CHECK(pread(file, bytes, 4, 10) == 0);
    CHECK(lseek(file, -3, SEEK_END) == 7);
    CHECK(write(file, "abc!", 4) == 4);
    CHECK(lseek(file, 0, SEEK_CUR) == 11);
    CHECK(lseek(file, 100, SEEK_SET) == 100);
    CHECK(read(file, bytes, 1) == 0); /* behind the end */
    CHECK(pwrite(file, "z", 1, 50) == 1);
    CHECK(pread(file, bytes, 64, 0) == 51);
    CHECK(memcmp(bytes, "0123456abc!", 11) == 0 && bytes[49] == 0 && bytes[50] == 'z');
    struct iovec out[2] = {{"one", 3}, {"two", 3}};
    CHECK(lseek(file, 0, SEEK_SET) == 0);
    all(writev, file, out);
    char left[2], right[4];
    struct iovec in[2] = {{left, 2}, {right, 4}};
    CHECK(lseek(file, 0, SEEK_SET) == 0);
    all(readv, file, in);
    CHECK(memcmp(left, "on", 2) == 0 && memcmp(right, "etwo", 4) == 0);
}

static void sizes(int file)
{
    struct stat status;
    check_name = "sizes";
    CHECK(ftruncate(file, 3) == 0);
    CHECK(fstat(file, &status) == 0 && status.st_size == 3);
    CHECK(ftruncate(file, 100000) == 0);
    CHECK(fstat(file, &status) == 0 && status.st_size == 100000);
    CHECK(pread(file, bytes, 8, 2) == 8 && memcmp(bytes, "e\0\0\0\0\0\0\0", 8) == 0);
    /* WASI 0.2 has no allocation, so that its adapter may refuse. */
    int allocated = posix_fallocate(file, 0, 200000);
    CHECK(allocated == 0 || allocated == ENOTSUP);
    CHECK(fstat(file, &status) == 0 && status.st_size == (allocated == 0 ? 200000 : 100000));
    CHECK(fsync(file) == 0 && fdatasync(file) == 0);
}

static void appending(const char *path, int root)
{
    check_name = "append";
    int first = openat(root, "log", O_WRONLY | O_CREAT | O_APPEND, 0666);
    int second = open(below(path, "log"), O_WRONLY | O_APPEND);
    CHECK(first >= 0 && second >= 0);
    for (int i = 0; i < 100; i++)
        CHECK(write(i % 2 ? first : second, "0123456789abcdef", 16) == 16);
    CHECK(lseek(first, 0, SEEK_SET) == 0 && write(first, "!", 1) == 1);
    struct stat status;
    CHECK(fstat(first, &status) == 0 && status.st_size == 1601);
    CHECK(close(first) == 0 && close(second) == 0);
    CHECK(unlinkat(root, "log", 0) == 0);
}

static void times(int root)
{
    struct stat status;
    struct timespec set[2] = {{1000000000, 5}, {2000000000, 999999999}};
    check_name = "times";
    int file = openat(root, "times", O_RDWR | O_CREAT, 0666);
    CHECK(file >= 0 && futimens(file, set) == 0);
    CHECK(fstat(file, &status) == 0);
    CHECK(status.st_atim.tv_sec == 1000000000 && status.st_atim.tv_nsec == 5);
    CHECK(status.st_mtim.tv_sec == 2000000000 && status.st_mtim.tv_nsec == 999999999);
    set[0].tv_nsec = UTIME_OMIT;
    set[1].tv_sec = 1234567890;
    CHECK(utimensat(root, "times", set, 0) == 0);
    CHECK(fstatat(root, "times", &status, 0) == 0);
    CHECK(status.st_atim.tv_sec == 1000000000 && status.st_mtim.tv_sec == 1234567890);
    set[1].tv_nsec = UTIME_NOW;
    CHECK(utimensat(root, "times", set, 0) == 0);
    CHECK(fstatat(root, "times", &status, 0) == 0 && status.st_mtim.tv_sec > 1234567890);
    /* A link's own times, not its target's. */
    set[0] = set[1] = (struct timespec){77, 0};
    CHECK(symlinkat("times", root, "link") == 0);
    CHECK(utimensat(root, "link", set, AT_SYMLINK_NOFOLLOW) == 0);
    CHECK(fstatat(root, "link", &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mtim.tv_sec == 77);
    CHECK(fstatat(root, "link", &status, 0) == 0 && status.st_mtim.tv_sec != 77);
    CHECK(close(file) == 0);
    CHECK(unlinkat(root, "link", 0) == 0 && unlinkat(root, "times", 0) == 0);
}

static void unlinked(int root)
{
    struct stat status;
    check_name = "unlinked";
    int file = openat(root, "gone", O_RDWR | O_CREAT | O_EXCL, 0666);
    CHECK(file >= 0 && write(file, "kept", 4) == 4);
    CHECK(unlinkat(root, "gone", 0) == 0);
    CHECK(fstat(file, &status) == 0 && status.st_nlink == 0 && status.st_size == 4);
    CHECK(pread(file, bytes, 8, 0) == 4 && memcmp(bytes, "kept", 4) == 0);
    CHECK(pwrite(file, "more", 4, 4) == 4 && pread(file, bytes, 8, 0) == 8);
    CHECK(close(file) == 0);
}

static void renaming(int root)
{
    struct stat before, after;
    check_name = "rename";
    int file = openat(root, "a", O_RDWR | O_CREAT, 0666);
    CHECK(file >= 0 && write(file, "a", 1) == 1);
    int old = openat(root, "b", O_RDWR | O_CREAT, 0666);
    CHECK(old >= 0 && write(old, "bb", 2) == 2);
    CHECK(fstat(file, &before) == 0);
    CHECK(renameat(root, "a", root, "b") == 0);
    CHECK(fstatat(root, "b", &after, 0) == 0);
    CHECK(after.st_ino == before.st_ino && after.st_size == 1);
    CHECK(pread(old, bytes, 2, 0) == 2 && memcmp(bytes, "bb", 2) == 0);
    /* Two names of one file: rename does nothing and keeps both. */
    CHECK(linkat(root, "b", root, "c", 0) == 0 && renameat(root, "b", root, "c") == 0);
    CHECK(fstatat(root, "b", &after, 0) == 0 && after.st_nlink == 2);
    CHECK(close(file) == 0 && close(old) == 0);
    CHECK(unlinkat(root, "b", 0) == 0 && unlinkat(root, "c", 0) == 0);
    /* Directories move with what is in them. */
    CHECK(mkdirat(root, "from", 0777) == 0 && mkdirat(root, "from/sub", 0777) == 0);
    CHECK(mkdirat(root, "to", 0777) == 0);
    CHECK(renameat(root, "from", root, "to") == 0);
    CHECK(fstatat(root, "to/sub/../sub/.", &after, 0) == 0 && S_ISDIR(after.st_mode));
    CHECK(unlinkat(root, "to/sub", AT_REMOVEDIR) == 0 && unlinkat(root, "to", AT_REMOVEDIR) == 0);
}

void calls(const char *root)
{
    check_name = "calls";
    int directory = open(root, O_RDONLY | O_DIRECTORY);
    CHECK(directory >= 0);
    int file = openat(directory, "file", O_RDWR | O_CREAT | O_TRUNC, 0666);
    CHECK(file >= 0);
    positions(file);
    sizes(file);
    CHECK(close(file) == 0 && unlinkat(directory, "file", 0) == 0);
    appending(root, directory);
    times(directory);
    unlinked(directory);
    renaming(directory);
    CHECK(close(directory) == 0);
    printf("c-files: calls verified\n");
}
