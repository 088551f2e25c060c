/* What must be refused, and the errno which says why. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static void touch(int root, const char *name)
{
    int file = openat(root, name, O_WRONLY | O_CREAT, 0666);
    CHECK(file >= 0 && close(file) == 0);
}

static void prepare(int root)
{
    touch(root, "file");
    CHECK(mkdirat(root, "empty", 0777) == 0 && mkdirat(root, "full", 0777) == 0);
    CHECK(mkdirat(root, "full/child", 0777) == 0);
    CHECK(symlinkat("loop", root, "loop") == 0);
    CHECK(symlinkat("pong", root, "ping") == 0 && symlinkat("ping", root, "pong") == 0);
    CHECK(symlinkat("nothing", root, "dangling") == 0);
}

static void clean(int root)
{
    static const char *files[] = {"file", "loop", "ping", "pong", "dangling"};
    static const char *directories[] = {"full/child", "full", "empty"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        CHECK(unlinkat(root, files[i], 0) == 0);
    for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
        CHECK(unlinkat(root, directories[i], AT_REMOVEDIR) == 0);
}

static void opening(const char *path, int root)
{
    check_name = "open errors";
    REFUSED(openat(root, "none", O_RDONLY), ENOENT);
    REFUSED(openat(root, "none/below", O_RDONLY | O_CREAT, 0666), ENOENT);
    REFUSED(openat(root, "file", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
    REFUSED(openat(root, "dangling", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST);
    REFUSED(open(below(path, "full"), O_WRONLY), EISDIR);
    REFUSED(open(below(path, "full"), O_RDWR | O_TRUNC), EISDIR);
    REFUSED(openat(root, "file", O_RDONLY | O_DIRECTORY), ENOTDIR);
    REFUSED(openat(root, "file/below", O_RDONLY), ENOTDIR);
    REFUSED(openat(root, "file/", O_RDONLY), ENOTDIR);
    REFUSED(openat(root, "dangling", O_RDONLY), ENOENT);
    REFUSED(openat(root, "loop", O_RDONLY), ELOOP);
    REFUSED(openat(root, "ping/x", O_RDONLY), ELOOP);
    REFUSED(openat(root, "loop", O_RDONLY | O_NOFOLLOW), ELOOP);
}

static void removing(int root)
{
    check_name = "remove errors";
    REFUSED(unlinkat(root, "full", AT_REMOVEDIR), ENOTEMPTY);
    REFUSED(unlinkat(root, "file", AT_REMOVEDIR), ENOTDIR);
    REFUSED(unlinkat(root, "none", AT_REMOVEDIR), ENOENT);
    REFUSED(unlinkat(root, "none", 0), ENOENT);
    REFUSED(unlinkat(root, "file/", 0), ENOTDIR);
    /* Linux says EISDIR, POSIX EPERM. */
    CHECK(unlinkat(root, "empty", 0) == -1 && (errno == EISDIR || errno == EPERM));
}

static void making(int root)
{
    char target[8];
    check_name = "create errors";
    REFUSED(mkdirat(root, "empty", 0777), EEXIST);
    REFUSED(mkdirat(root, "file", 0777), EEXIST);
    REFUSED(mkdirat(root, "dangling", 0777), EEXIST);
    REFUSED(mkdirat(root, "none/below", 0777), ENOENT);
    REFUSED(mkdirat(root, "file/below", 0777), ENOTDIR);
    REFUSED(symlinkat("x", root, "file"), EEXIST);
    REFUSED(linkat(root, "file", root, "empty", 0), EEXIST);
    REFUSED(linkat(root, "none", root, "other", 0), ENOENT);
    REFUSED(linkat(root, "empty", root, "other", 0), EPERM);
    REFUSED(readlinkat(root, "file", target, sizeof target), EINVAL);
    REFUSED(readlinkat(root, "none", target, sizeof target), ENOENT);
}

static void renaming(int root)
{
    check_name = "rename errors";
    REFUSED(renameat(root, "full", root, "full/child/in"), EINVAL);
    REFUSED(renameat(root, "full", root, "full/in"), EINVAL);
    REFUSED(renameat(root, "empty", root, "full"), ENOTEMPTY);
    REFUSED(renameat(root, "file", root, "empty"), EISDIR);
    REFUSED(renameat(root, "empty", root, "file"), ENOTDIR);
    REFUSED(renameat(root, "none", root, "file"), ENOENT);
    REFUSED(renameat(root, "file", root, "none/below"), ENOENT);
    REFUSED(renameat(root, "file", root, "file2/"), ENOTDIR);
}

static void names(int root)
{
    static char name[4097];
    check_name = "name errors";
    memset(name, 'n', sizeof name - 1);
    name[256] = 0;
    REFUSED(openat(root, name, O_WRONLY | O_CREAT, 0666), ENAMETOOLONG);
    REFUSED(mkdirat(root, name, 0777), ENAMETOOLONG);
    REFUSED(renameat(root, "file", root, name), ENAMETOOLONG);
    name[255] = 0; /* the longest name that is allowed */
    touch(root, name);
    CHECK(unlinkat(root, name, 0) == 0);
    REFUSED(openat(root, "", O_RDONLY), ENOENT);
}

static void descriptors(const char *path, int root)
{
    char byte;
    check_name = "descriptor errors";
    int file = openat(root, "file", O_RDONLY);
    CHECK(file >= 0);
    REFUSED(write(file, "x", 1), EBADF);
    REFUSED(lseek(file, -1, SEEK_SET), EINVAL);
    CHECK(close(file) == 0);
    REFUSED(read(file, &byte, 1), EBADF);
    REFUSED(close(file), EBADF);
    file = open(below(path, "file"), O_WRONLY);
    CHECK(file >= 0);
    REFUSED(read(file, &byte, 1), EBADF);
    CHECK(close(file) == 0);
    CHECK(read(root, &byte, 1) == -1); /* EISDIR or EBADF */
    /* A file is no directory to start from; hosts differ in how they say so. */
    file = openat(root, "file", O_RDONLY);
    CHECK(file >= 0);
    CHECK(openat(file, "below", O_RDONLY) == -1 && (errno == ENOTDIR || errno == EBADF));
    CHECK(close(file) == 0);
}

void errors(const char *path)
{
    check_name = "errors";
    int root = open(path, O_RDONLY | O_DIRECTORY);
    CHECK(root >= 0);
    prepare(root);
    opening(path, root);
    removing(root);
    making(root);
    renaming(root);
    names(root);
    descriptors(path, root);
    clean(root);
    CHECK(close(root) == 0);
    printf("c-files: errors verified\n");
}
