/* Thousands of files: made, linked, listed, read back, removed. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

#define DIRECTORIES 40

static unsigned char wanted[CONTENT_MAX], got[CONTENT_MAX + 1];

static void create(int root, unsigned count)
{
    char name[64], final[64], target[64];
    for (unsigned i = 0; i < DIRECTORIES; i++) {
        snprintf(name, sizeof name, "d%u", i);
        CHECK(mkdirat(root, name, 0777) == 0);
    }
    for (unsigned i = 0; i < count; i++) {
        size_t length = content(i, wanted);
        snprintf(name, sizeof name, "new-%u", i);
        snprintf(final, sizeof final, "d%u/file-%u", i % DIRECTORIES, i);
        int file = openat(root, name, O_WRONLY | O_CREAT | O_EXCL, 0666);
        CHECK(file >= 0);
        CHECK(write(file, wanted, length) == (ssize_t)length);
        CHECK(close(file) == 0);
        CHECK(renameat(root, name, root, final) == 0);
        if (i % 8 == 0) {
            snprintf(name, sizeof name, "d%u/hard-%u", i % DIRECTORIES, i);
            CHECK(linkat(root, final, root, name, 0) == 0);
        } else if (i % 8 == 1) {
            snprintf(name, sizeof name, "d%u/soft-%u", i % DIRECTORIES, i);
            snprintf(target, sizeof target, "file-%u", i);
            CHECK(symlinkat(target, root, name) == 0);
        }
    }
}

static void verify_content(int root, const char *name, unsigned index)
{
    size_t length = content(index, wanted);
    int file = openat(root, name, O_RDONLY);
    CHECK(file >= 0);
    CHECK(read(file, got, sizeof got) == (ssize_t)length);
    CHECK(memcmp(got, wanted, length) == 0);
    struct stat status;
    CHECK(fstat(file, &status) == 0);
    CHECK(S_ISREG(status.st_mode) && status.st_size == (off_t)length);
    CHECK(status.st_nlink == (index % 8 == 0 ? 2 : 1));
    CHECK(close(file) == 0);
}

static void verify(int root, unsigned count)
{
    char name[64], target[64];
    struct stat one, other;
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "d%u/file-%u", i % DIRECTORIES, i);
        verify_content(root, name, i);
        if (i % 8 == 0) {
            CHECK(fstatat(root, name, &one, 0) == 0);
            snprintf(name, sizeof name, "d%u/hard-%u", i % DIRECTORIES, i);
            verify_content(root, name, i);
            CHECK(fstatat(root, name, &other, 0) == 0);
            CHECK(one.st_ino == other.st_ino && one.st_dev == other.st_dev);
        } else if (i % 8 == 1) {
            snprintf(name, sizeof name, "d%u/soft-%u", i % DIRECTORIES, i);
            verify_content(root, name, i);
            ssize_t length = readlinkat(root, name, target, sizeof target);
            CHECK(length > 0);
            CHECK(atoi(target + strlen("file-")) == (int)i);
            CHECK(fstatat(root, name, &one, AT_SYMLINK_NOFOLLOW) == 0);
            CHECK(S_ISLNK(one.st_mode) && one.st_size == length);
        }
    }
}

/* Every name is seen exactly once; the sums of the indices tell. */
static void list(const char *root, unsigned count)
{
    char path[512];
    unsigned long long files = 0, links = 0, sum = 0, expected = 0;
    for (unsigned i = 0; i < DIRECTORIES; i++) {
        snprintf(path, sizeof path, "%s/d%u", root, i);
        DIR *directory = opendir(path);
        CHECK(directory != NULL);
        struct dirent *entry;
        while ((entry = readdir(directory)) != NULL) {
            if (strncmp(entry->d_name, "file-", 5) == 0) {
                CHECK(entry->d_type == DT_REG);
                sum += strtoul(entry->d_name + 5, NULL, 10);
                files++;
            } else if (strncmp(entry->d_name, "hard-", 5) == 0) {
                CHECK(entry->d_type == DT_REG);
                links++;
            } else if (strncmp(entry->d_name, "soft-", 5) == 0) {
                CHECK(entry->d_type == DT_LNK);
                links++;
            } else {
                CHECK(strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
            }
        }
        rewinddir(directory);
        CHECK(readdir(directory) != NULL || count < DIRECTORIES);
        CHECK(closedir(directory) == 0);
    }
    for (unsigned i = 0; i < count; i++)
        expected += i;
    CHECK(files == count && sum == expected);
    CHECK(links == (count + 7) / 8 + (count + 6) / 8);
}

static void destroy(int root, unsigned count)
{
    char name[64];
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "d%u/file-%u", i % DIRECTORIES, i);
        CHECK(unlinkat(root, name, 0) == 0);
        REFUSED(openat(root, name, O_RDONLY), ENOENT);
        if (i % 8 > 1)
            continue;
        snprintf(name, sizeof name, "d%u/%s-%u", i % DIRECTORIES,
                 i % 8 == 0 ? "hard" : "soft", i);
        if (i % 8 == 0)
            CHECK(faccessat(root, name, R_OK, 0) == 0);
        else
            REFUSED(faccessat(root, name, R_OK, 0), ENOENT);
        CHECK(unlinkat(root, name, 0) == 0);
    }
    for (unsigned i = 0; i < DIRECTORIES; i++) {
        snprintf(name, sizeof name, "d%u", i);
        CHECK(unlinkat(root, name, AT_REMOVEDIR) == 0);
    }
}

void thousands(const char *root, unsigned count)
{
    check_name = "thousands";
    int directory = open(root, O_RDONLY | O_DIRECTORY);
    CHECK(directory >= 0);
    create(directory, count);
    verify(directory, count);
    list(root, count);
    destroy(directory, count);
    CHECK(close(directory) == 0);
    printf("c-files: %u files verified\n", count);
}
