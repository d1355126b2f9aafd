/* Takes more than it should get. Each verb says how far it came. */
#include "probe.h"

/* Starts programs that do nothing, until that is refused. */
static int breed(int argc, char **argv) {
    char self[MAX_PATH], line[MAX_PATH + 16];
    int born = 0, most = argc == 1 ? atoi(argv[0]) : 10000;
    GetModuleFileNameA(NULL, self, sizeof self);
    snprintf(line, sizeof line, "\"%s\" nap", self);
    for (; born < most; born++) {
        STARTUPINFOA how = {.cb = sizeof how};
        PROCESS_INFORMATION what;
        char copy[sizeof line];
        strcpy(copy, line);
        if (!CreateProcessA(NULL, copy, NULL, NULL, FALSE, 0, NULL, NULL, &how, &what)) break;
        CloseHandle(what.hProcess), CloseHandle(what.hThread);
    }
    printf("born %d\n", born);
    return 0;
}

/* Forks in the Linux way, until that is refused. */
static int fork_bomb(int argc, char **argv) {
    int most = argc == 1 ? atoi(argv[0]) : 100000;
    for (int born = 0; born < most; born++) {
        long long child;
        __asm__ volatile("syscall" : "=a"(child) : "a"(57LL) : "rcx", "r11", "memory");
        if (child == 0)
            for (;;) {
                long long answer;
                __asm__ volatile("syscall" : "=a"(answer) : "a"(34LL) : "rcx", "r11", "memory");
            }
        if (child < 0) {
            printf("born %d errno %lld\n", born, -child);
            return 0;
        }
    }
    printf("born %d\n", most);
    return 1;
}

/* Takes memory and writes to it, a MiB at a time. */
static int eat(int argc, char **argv) {
    long most = argc == 1 ? atol(argv[0]) : 1 << 20;
    for (long eaten = 0; eaten < most; eaten++) {
        char *piece = VirtualAlloc(NULL, 1 << 20, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
        if (!piece) {
            printf("refused after %ld MiB\n", eaten);
            return 1;
        }
        memset(piece, 0x5a, 1 << 20);
    }
    printf("ate %ld MiB\n", most);
    fflush(stdout);
    if (argc == 2) Sleep(INFINITE);
    return 0;
}

/* Writes a file until that is refused. */
static int fill(int argc, char **argv) {
    static char block[1 << 20];
    DWORD put = 0;
    long written = 0, most = argc == 2 ? atol(argv[1]) : 1 << 20;
    memset(block, 0x5a, sizeof block);
    HANDLE file = CreateFileA(argv[0], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 250;
    while (written < most && WriteFile(file, block, sizeof block, &put, NULL) && put == sizeof block)
        written++;
    printf("wrote %ld MiB, error %lu\n", written, written < most ? GetLastError() : 0);
    return written < most;
}

static volatile LONG turning;

static DWORD WINAPI turn(void *argument) {
    volatile unsigned long long count = 0;
    (void)argument;
    InterlockedIncrement(&turning);
    while (count + 1) count++;
    return 0;
}

static unsigned long long ticks(FILETIME time) {
    return ((unsigned long long)time.dwHighDateTime << 32) + time.dwLowDateTime;
}

/* Two busy threads for so many milliseconds: how many thousandths of a processor they got. */
static int spin(int argc, char **argv) {
    FILETIME born, died, kernel, user;
    DWORD wall = argc == 1 ? (DWORD)atol(argv[0]) : 1000, start = GetTickCount();
    for (int i = 0; i < 2; i++) CreateThread(NULL, 0, turn, NULL, 0, NULL);
    Sleep(wall);
    wall = GetTickCount() - start;
    if (!GetProcessTimes(GetCurrentProcess(), &born, &died, &kernel, &user)) return 1;
    printf("%llu\n", (ticks(kernel) + ticks(user)) / 10 / (wall ? wall : 1));
    fflush(stdout);
    ExitProcess(0);
}

/* Two busy threads until it is killed. */
static int burn(int argc, char **argv) {
    if (argc == 1 && !SetProcessAffinityMask(GetCurrentProcess(), 1ull << atol(argv[0]))) return 250;
    for (int i = 0; i < 2; i++) CreateThread(NULL, 0, turn, NULL, 0, NULL);
    /* Wine chooses a thread's processors while it begins, and would undo what was chosen from outside. */
    while (turning < 2) Sleep(1);
    printf("burning\n");
    fflush(stdout);
    Sleep(INFINITE);
    return 0;
}

/* Writes so many MiB through to the disk: how many milliseconds that took. */
static int store(int argc, char **argv) {
    static char block[1 << 20];
    DWORD put = 0, start = GetTickCount();
    if (argc != 2) return 250;
    HANDLE file = CreateFileA(argv[0], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) return 250;
    memset(block, 0x5a, sizeof block);
    for (long i = 0; i < atol(argv[1]); i++)
        if (!WriteFile(file, block, sizeof block, &put, NULL) || !FlushFileBuffers(file)) return 1;
    printf("%lu\n", GetTickCount() - start);
    return 0;
}

const struct verb load_verbs[] = {
    {"breed", breed}, {"fork", fork_bomb}, {"eat", eat}, {"fill", fill}, {"spin", spin},
    {"burn", burn}, {"store", store}, {NULL, NULL},
};
