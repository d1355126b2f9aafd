/* Questions to pipes. */
#include "probe.h"

static HANDLE open_pipe(const char *path, DWORD flags) {
    for (;;) {
        HANDLE pipe = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                                  flags, NULL);
        if (pipe != INVALID_HANDLE_VALUE || GetLastError() != ERROR_PIPE_BUSY) return pipe;
        if (!WaitNamedPipeA(path, 10000)) return INVALID_HANDLE_VALUE;
    }
}

static int write_all(HANDLE pipe, const char *bytes, size_t size) {
    DWORD put;
    for (; size > 0; bytes += put, size -= put)
        if (!WriteFile(pipe, bytes, (DWORD)size, &put, NULL)) return 0;
    return 1;
}

/* Prints what comes until the end; an empty message is one. */
static void drain(HANDLE pipe) {
    char buffer[256];
    DWORD got;
    while (ReadFile(pipe, buffer, sizeof buffer, &got, NULL) && got > 0)
        fwrite(buffer, 1, got, stdout);
}

/* Each text is written and its echo awaited; then an empty message says that this was all. */
static int pipe_talk(int argc, char **argv) {
    char buffer[256];
    DWORD got, none;
    if (argc < 1) return 250;
    HANDLE pipe = open_pipe(argv[0], 0);
    if (pipe == INVALID_HANDLE_VALUE) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        if (!write_all(pipe, argv[i], strlen(argv[i]))) return 2;
        for (size_t done = 0; done < strlen(argv[i]); done += got)
            if (!ReadFile(pipe, buffer + done, sizeof buffer - (DWORD)done, &got, NULL)) return 3;
        printf("%.*s\n", (int)strlen(argv[i]), buffer);
    }
    if (!WriteFile(pipe, "", 0, &none, NULL)) return 4;
    drain(pipe);
    return 0;
}

enum { BLOCK = 1 << 15, BLOCKS = 512 };

/* One operation of an overlapped handle, waited for; 0 at the end and when it fails. */
static DWORD moved(HANDLE pipe, OVERLAPPED *state, BOOL done) {
    DWORD count = 0;
    if (!done && GetLastError() != ERROR_IO_PENDING) return 0;
    return GetOverlappedResult(pipe, state, &count, TRUE) ? count : 0;
}

static DWORD WINAPI pour(void *pipe) {
    static char block[BLOCK];
    OVERLAPPED state = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    for (int i = 0; i < BLOCKS; i++)
        if (moved(pipe, &state, WriteFile(pipe, block, BLOCK, NULL, &state)) != BLOCK) return 1;
    moved(pipe, &state, WriteFile(pipe, block, 0, NULL, &state));
    return 0;
}

/* 16 MiB there and back, both at once; how much came back. */
static int pipe_flood(int argc, char **argv) {
    static char block[BLOCK];
    OVERLAPPED state = {.hEvent = CreateEventA(NULL, TRUE, FALSE, NULL)};
    size_t total = 0;
    DWORD got, failed = 1;
    if (argc != 1) return 250;
    HANDLE pipe = open_pipe(argv[0], FILE_FLAG_OVERLAPPED);
    HANDLE thread = CreateThread(NULL, 0, pour, pipe, 0, NULL);
    while ((got = moved(pipe, &state, ReadFile(pipe, block, BLOCK, NULL, &state))) > 0)
        total += got;
    printf("%zu\n", total);
    WaitForSingleObject(thread, INFINITE);
    GetExitCodeThread(thread, &failed);
    return (int)failed;
}

const struct verb pipe_verbs[] = {
    {"pipe-talk", pipe_talk}, {"pipe-flood", pipe_flood}, {NULL, NULL},
};
