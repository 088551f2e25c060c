/* What a failed check says, and the deterministic content of the files. */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stddef.h>

extern const char *check_name; /* the running check, printed on failure */

/* Ends the program with exit code 1. */
void fail(const char *file, int line, const char *what);

/* The expression holds. */
#define CHECK(expression)                                                      \
    do {                                                                       \
        errno = 0;                                                             \
        if (!(expression))                                                     \
            fail(__FILE__, __LINE__, #expression);                             \
    } while (0)

/* The call fails, with just this errno. */
#define REFUSED(expression, wanted)                                            \
    do {                                                                       \
        errno = 0;                                                             \
        if ((long long)(expression) != -1)                                     \
            fail(__FILE__, __LINE__, #expression " succeeded, not " #wanted);  \
        if (errno != (wanted))                                                 \
            fail(__FILE__, __LINE__, #expression ", not " #wanted);            \
    } while (0)

/* Content of file `index`: its length, and the bytes into `buffer`. */
#define CONTENT_MAX 6000
size_t content(unsigned index, unsigned char *buffer);

/* DIR/name, valid until the next call. Files which exist are opened for
 * writing by path and not by openat() from a directory's descriptor: under
 * Wasmtime 49 such a descriptor passes on no right to write (O_CREAT apart). */
const char *below(const char *root, const char *name);

/* thousands.c: a tree of `count` files below the working directory. */
void thousands(const char *root, unsigned count);
/* calls.c: each POSIX call on its own. */
void calls(const char *root);
/* errors.c: calls that must be refused, with their errno. */
void errors(const char *root);

#endif
