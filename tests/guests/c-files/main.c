/* A guest in C on WASI 0.1: the POSIX calls of wasi-libc.
 *
 *     c-files [DIR [COUNT]]     default: /c-files 4000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

const char *check_name = "start";

void fail(const char *file, int line, const char *what)
{
    const char *slash = strrchr(file, '/');
    fprintf(stderr, "c-files: %s: %s:%d: %s: errno %d (%s)\n", check_name,
            slash ? slash + 1 : file, line, what, errno, strerror(errno));
    exit(1);
}

const char *below(const char *root, const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

size_t content(unsigned index, unsigned char *buffer)
{
    unsigned state = index * 2654435761u + 1;
    size_t length = index % 50 == 0 ? 0 : 1 + state % (CONTENT_MAX - 1);
    for (size_t i = 0; i < length; i++) {
        state = state * 1664525u + 1013904223u;
        buffer[i] = (unsigned char)(state >> 24);
    }
    return length;
}

int main(int argc, char **argv)
{
    const char *root = argc > 1 ? argv[1] : "/c-files";
    unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 4000;

    setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(mkdir(root, 0777) == 0 || errno == EEXIST);
    thousands(root, count);
    calls(root);
    errors(root);
    check_name = "end";
    CHECK(rmdir(root) == 0);
    printf("c-files: ok\n");
    return 0;
}
