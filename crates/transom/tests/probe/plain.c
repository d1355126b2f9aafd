/* Questions to Windows. */
#include "probe.h"

/* The raw command line. */
static int args(int argc, char **argv) {
    (void)argc, (void)argv;
    printf("%s\n", GetCommandLineA());
    return 0;
}

static int env(int argc, char **argv) {
    (void)argc, (void)argv;
    char *block = GetEnvironmentStringsA();
    for (char *entry = block; *entry; entry += strlen(entry) + 1) printf("%s\n", entry);
    return 0;
}

static int cwd(int argc, char **argv) {
    char path[MAX_PATH];
    (void)argc, (void)argv;
    GetCurrentDirectoryA(sizeof path, path);
    printf("%s\n", path);
    return 0;
}

static int user(int argc, char **argv) {
    char name[256];
    DWORD size = sizeof name;
    (void)argc, (void)argv;
    if (!GetUserNameA(name, &size)) return 1;
    printf("%s\n", name);
    return 0;
}

static int host(int argc, char **argv) {
    char name[256];
    DWORD size = sizeof name;
    (void)argc, (void)argv;
    if (!GetComputerNameExA(ComputerNamePhysicalDnsHostname, name, &size)) return 1;
    printf("%s\n", name);
    return 0;
}

static int version(int argc, char **argv) {
    LONG (WINAPI *ask)(void *) =
        (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "RtlGetVersion");
    OSVERSIONINFOEXW wide = {.dwOSVersionInfoSize = sizeof wide};
    (void)argc, (void)argv;
    if (!ask || ask(&wide)) return 1;
    printf("%lu.%lu.%lu\n", wide.dwMajorVersion, wide.dwMinorVersion, wide.dwBuildNumber);
    return 0;
}

/* Processors as programs count them. */
static int cpus(int argc, char **argv) {
    SYSTEM_INFO info;
    (void)argc, (void)argv;
    GetSystemInfo(&info);
    printf("%lu\n", info.dwNumberOfProcessors);
    return 0;
}

/* Opens a file or a directory by a Windows path: `ok` and its first bytes, or `error N`. */
static int look(int argc, char **argv) {
    char bytes[64];
    DWORD got = 0;
    if (argc != 1) return 250;
    HANDLE file = CreateFileA(argv[0], GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                              OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    ReadFile(file, bytes, sizeof bytes, &got, NULL);
    printf("ok %.*s\n", (int)got, bytes);
    return 0;
}

/* Writes a file by a Windows path. */
static int put(int argc, char **argv) {
    DWORD put = 0;
    if (argc != 2) return 250;
    HANDLE file = CreateFileA(argv[0], GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE
        || !WriteFile(file, argv[1], (DWORD)strlen(argv[1]), &put, NULL)) {
        printf("error %lu\n", GetLastError());
        return 1;
    }
    CloseHandle(file);
    printf("ok\n");
    return 0;
}

static int drives(int argc, char **argv) {
    (void)argc, (void)argv;
    for (char letter = 'A'; letter <= 'Z'; letter++)
        if (GetLogicalDrives() & (1u << (letter - 'A'))) printf("%c:\n", letter);
    return 0;
}

static int finish(int argc, char **argv) {
    ExitProcess(argc == 1 ? strtoul(argv[0], NULL, 0) : 250);
}

static int say(int argc, char **argv) {
    if (argc != 2) return 250;
    printf("%s", argv[0]);
    fflush(stdout);
    fprintf(stderr, "%s", argv[1]);
    return 0;
}

/* stdin to stdout as it comes, until its end. */
static int echo(int argc, char **argv) {
    static char buffer[1 << 16];
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
    DWORD got, put;
    (void)argc, (void)argv;
    while (ReadFile(in, buffer, sizeof buffer, &got, NULL) && got > 0)
        for (DWORD done = 0; done < got; done += put)
            if (!WriteFile(out, buffer + done, got - done, &put, NULL)) return 1;
    return 0;
}

/* So many lines, and a wait after each. */
static int count(int argc, char **argv) {
    if (argc != 2) return 250;
    for (int line = 1; line <= atoi(argv[0]); line++) {
        printf("line %d\n", line);
        fflush(stdout);
        Sleep((DWORD)atol(argv[1]));
    }
    return 0;
}

/* So many MiB that anyone can make again: each eight bytes are a step of one xorshift. */
static int spew(int argc, char **argv) {
    static uint64_t words[1 << 13];
    uint64_t state = 0x9e3779b97f4a7c15u;
    if (argc != 1) return 250;
    for (long blocks = atol(argv[0]) * 16; blocks > 0; blocks--) {
        for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            words[i] = state;
        }
        if (fwrite(words, sizeof words, 1, stdout) != 1) return 1;
    }
    return 0;
}

static int nap(int argc, char **argv) {
    printf("asleep\n");
    fflush(stdout);
    Sleep(argc == 1 ? (DWORD)atol(argv[0]) : INFINITE);
    return 0;
}

static BOOL WINAPI on_control(DWORD event) {
    printf("event %lu\n", event);
    fflush(stdout);
    ExitProcess(40 + event);
}

/* Ends with 40 + the first control event that comes. */
static int control(int argc, char **argv) {
    (void)argc, (void)argv;
    SetConsoleCtrlHandler(on_control, TRUE);
    printf("ready\n");
    fflush(stdout);
    Sleep(INFINITE);
    return 1;
}

static BOOL WINAPI refuse(DWORD event) {
    (void)event;
    printf("refused\n");
    fflush(stdout);
    Sleep(INFINITE);
    return TRUE;
}

/* Does not end, whatever is asked. */
static int stubborn(int argc, char **argv) {
    (void)argc, (void)argv;
    SetConsoleCtrlHandler(refuse, TRUE);
    printf("ready\n");
    fflush(stdout);
    Sleep(INFINITE);
    return 1;
}

/* Breaks. */
static int crash(int argc, char **argv) {
    (void)argc, (void)argv;
    *(volatile int *)16 = 1;
    return 1;
}

/* The size of its console, now and after each line of input. */
static int console(int argc, char **argv) {
    char line[16];
    (void)argc, (void)argv;
    do {
        CONSOLE_SCREEN_BUFFER_INFO info;
        HANDLE screen = GetStdHandle(STD_OUTPUT_HANDLE);
        if (!GetConsoleScreenBufferInfo(screen, &info)) return 1;
        printf("size %dx%d\r\n", info.srWindow.Right - info.srWindow.Left + 1,
               info.srWindow.Bottom - info.srWindow.Top + 1);
        fflush(stdout);
    } while (fgets(line, sizeof line, stdin));
    return 0;
}

const struct verb plain_verbs[] = {
    {"args", args},       {"env", env},         {"cwd", cwd},         {"user", user},
    {"host", host},       {"version", version}, {"cpus", cpus},       {"look", look},
    {"put", put},         {"drives", drives},   {"exit", finish},     {"say", say},
    {"echo", echo}, {"count", count},       {"spew", spew},       {"nap", nap},         {"control", control},
    {"stubborn", stubborn}, {"crash", crash}, {"console", console}, {NULL, NULL},
};
