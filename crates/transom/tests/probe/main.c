/* Finds the verb. */
#include "probe.h"

#include <fcntl.h>
#include <io.h>

static const struct verb *find(const struct verb *verbs, const char *name) {
    for (; verbs->name; verbs++)
        if (!strcmp(verbs->name, name)) return verbs;
    return NULL;
}

int main(int argc, char **argv) {
    const struct verb *tables[] = {plain_verbs, linux_verbs, load_verbs, pipe_verbs};
    const struct verb *verb = NULL;
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    for (size_t i = 0; argc > 1 && !verb && i < 4; i++) verb = find(tables[i], argv[1]);
    if (!verb) {
        fprintf(stderr, "probe: no such verb\n");
        return 250;
    }
    int code = verb->run(argc - 2, argv + 2);
    fflush(stdout);
    return code;
}
