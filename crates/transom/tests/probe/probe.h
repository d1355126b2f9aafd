/* A Windows program that looks at its container from inside.
 *
 * `probe VERB ARGUMENTS..`, one verb a question. It prints what it found, and exits with 0 unless
 * a verb says otherwise. Verbs are in the .c files: plain.c asks Windows, linux.c asks the Linux
 * kernel below it by raw system calls, load.c takes more than it should get. */
#ifndef PROBE_H
#define PROBE_H

#include <windows.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
};

extern const struct verb plain_verbs[];
extern const struct verb linux_verbs[];
extern const struct verb load_verbs[];
extern const struct verb pipe_verbs[];

#endif
