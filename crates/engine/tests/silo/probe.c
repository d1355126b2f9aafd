/* A Windows program that looks at its container, also through raw Linux system calls.
 * Each command prints `name=value` lines and ends with 0. */
#define _GNU_SOURCE
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long long sys(long long n, long long a, long long b, long long c, long long d, long long e,
                     long long f) {
    long long r;
    register long long r10 __asm__("r10") = d;
    register long long r8 __asm__("r8") = e;
    register long long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return r;
}
#define P(x) ((long long)(x))

static void result(const char *name, long long value) {
    printf("%s=%lld\n", name, value);
    fflush(stdout);
}

/* Prints a Linux file as it is. */
static int file(const char *path) {
    char buffer[4096];
    long long fd = sys(2, P(path), 0, 0, 0, 0, 0), n;
    if (fd < 0) {
        result("open", fd);
        return 1;
    }
    while ((n = sys(0, fd, P(buffer), sizeof buffer, 0, 0, 0)) > 0) fwrite(buffer, 1, n, stdout);
    return n < 0;
}

/* Tells the processors that Windows and Linux let this process use. */
static int processors(void) {
    DWORD_PTR mine = 0, all = 0;
    unsigned long long now[16] = {0};
    GetProcessAffinityMask(GetCurrentProcess(), &mine, &all);
    sys(204, 0, sizeof now, P(now), 0, 0, 0);
    result("windows", mine);
    result("linux", now[0]);
    return 0;
}

/* Prints the names in a Linux directory. */
static int list(const char *path) {
    char buffer[8192];
    long long fd = sys(2, P(path), 0200000, 0, 0, 0, 0), n;
    if (fd < 0) {
        result("open", fd);
        return 1;
    }
    while ((n = sys(217, fd, P(buffer), sizeof buffer, 0, 0, 0)) > 0)
        for (char *entry = buffer; entry < buffer + n; entry += *(unsigned short *)(entry + 16))
            printf("%s\n", entry + 19);
    return n < 0;
}

/* Tries what a container must not be able to do. Each line is the system call's answer. */
static int attack(void) {
    char text[64];
    result("mount", sys(165, P("none"), P("/tmp"), P("tmpfs"), 0, 0, 0));
    result("umount2", sys(166, P("/proc"), 2, 0, 0, 0, 0));
    result("unshare_user", sys(272, 0x10000000, 0, 0, 0, 0, 0));
    result("clone_user", sys(56, 0x10000000 | 17, 0, 0, 0, 0, 0));
    result("clone3", sys(435, 0, 0, 0, 0, 0, 0));
    result("setns", sys(308, 0, 0, 0, 0, 0, 0));
    result("setuid_other", sys(105, 1000, 0, 0, 0, 0, 0));
    result("chroot", sys(161, P("/tmp"), 0, 0, 0, 0, 0));
    result("pivot_root", sys(155, P("/"), P("/tmp"), 0, 0, 0, 0));
    result("mknod", sys(133, P("/tmp/disk"), 060000, 0xfe00, 0, 0, 0));
    result("mknodat", sys(259, -100, P("/tmp/disk"), 060000, 0xfe00, 0, 0));
    result("bpf", sys(321, 0, 0, 0, 0, 0, 0));
    result("keyctl", sys(250, 0, -3, 0, 0, 0, 0));
    result("perf_event_open", sys(298, 0, 0, -1, -1, 0, 0));
    result("userfaultfd", sys(323, 0, 0, 0, 0, 0, 0));
    result("io_uring_setup", sys(425, 1, 0, 0, 0, 0, 0));
    result("open_by_handle_at", sys(304, -100, 0, 0, 0, 0, 0));
    result("pidfd_getfd", sys(438, 0, 0, 0, 0, 0, 0));
    result("reboot", sys(169, 0xfee1dead, 672274793, 0, 0, 0, 0));
    result("init_module", sys(175, 0, 0, P(""), 0, 0, 0));
    result("kexec_load", sys(246, 0, 0, 0, 0, 0, 0));
    result("swapon", sys(167, P("/tmp"), 0, 0, 0, 0, 0));
    result("sethostname", sys(170, P("x"), 1, 0, 0, 0, 0));
    result("settimeofday", sys(164, P(text), 0, 0, 0, 0, 0));
    result("personality", sys(135, 0x40000, 0, 0, 0, 0, 0));
    result("tiocsti", sys(16, 0, 0x5412, P(text), 0, 0, 0));
    result("socket_packet", sys(41, 17, 3, 0, 0, 0, 0));
    result("socket_vsock", sys(41, 40, 1, 0, 0, 0, 0));
    result("socket_raw", sys(41, 2, 3, 1, 0, 0, 0));
    result("ptrace_init", sys(101, 16, 1, 0, 0, 0, 0));
    result("kill_init", sys(62, 1, 9, 0, 0, 0, 0));
    result("write_sysctl", sys(2, P("/proc/sys/kernel/core_pattern"), 1, 0, 0, 0, 0));
    result("write_sysrq", sys(2, P("/proc/sysrq-trigger"), 1, 0, 0, 0, 0));
    result("init_fds", sys(2, P("/proc/1/fd"), 0200000, 0, 0, 0, 0));
    result("init_memory", sys(2, P("/proc/1/mem"), 2, 0, 0, 0, 0));
    result("init_root", sys(2, P("/proc/1/root/"), 0200000, 0, 0, 0, 0));
    result("init_environment", sys(2, P("/proc/1/environ"), 0, 0, 0, 0, 0));
    result("write_root", sys(2, P("/planted"), 0101, 0644, 0, 0, 0));
    result("write_runtime", sys(2, P("/usr/planted"), 0101, 0644, 0, 0, 0));
    result("write_hosts", sys(2, P("/etc/hosts"), 1, 0, 0, 0, 0));
    long long fd = sys(2, P("/wine/mine"), 0101, 0644, 0, 0, 0);
    result("own_file_fails", fd < 0 ? fd : 0);
    result("setuid_bit", sys(91, fd, 04755, 0, 0, 0, 0));
    result("setgid_bit", sys(90, P("/wine/mine"), 02755, 0, 0, 0, 0));
    result("setuid_create", sys(257, -100, P("/wine/other"), 0101, 04755, 0, 0));
    return 0;
}

/* Listens on port 80, and opens the socket that pings. */
static int listens(void) {
    unsigned char address[16] = {2, 0, 0, 80};
    long long fd = sys(41, 2, 1, 0, 0, 0, 0);
    result("port_80", sys(49, fd, P(address), sizeof address, 0, 0, 0));
    fd = sys(41, 2, 2, 1, 0, 0, 0);
    result("ping", fd < 0 ? fd : 0);
    return 0;
}

static int echo(void) {
    char line[65536];
    DWORD n, written;
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE), out = GetStdHandle(STD_OUTPUT_HANDLE);
    while (ReadFile(in, line, sizeof line, &n, NULL) && n > 0) WriteFile(out, line, n, &written, NULL);
    return 0;
}

/* Takes memory until it gets no more. */
static int hog(void) {
    for (int mib = 0;; mib++) {
        char *block = VirtualAlloc(NULL, 1 << 20, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
        if (!block) return 3;
        memset(block, 1, 1 << 20);
    }
}

/* Starts itself until that is refused. */
static int bomb(const char *self) {
    int started = 0;
    for (;; started++) {
        char line[MAX_PATH + 16];
        STARTUPINFOA start = {.cb = sizeof start};
        PROCESS_INFORMATION made;
        snprintf(line, sizeof line, "\"%s\" last", self);
        if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, CREATE_NO_WINDOW, NULL, NULL, &start, &made)) break;
    }
    result("started", started);
    return 0;
}

/* Forks by a raw system call until that is refused. */
static int fork_bomb(void) {
    int made = 0;
    for (;; made++) {
        long long pid = sys(57, 0, 0, 0, 0, 0, 0);
        if (pid == 0) {
            /* Nobody shall wait for the end of our streams. */
            sys(436, 0, 0xffffffff, 0, 0, 0, 0);
            for (;;) sys(34, 0, 0, 0, 0, 0, 0);
        }
        if (pid < 0) break;
    }
    result("forked", made);
    return 0;
}

/* Writes a file, so many MiB or until the disk is full. */
static int fill(const char *path, long long most) {
    static char block[1 << 20];
    HANDLE out = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    long long written = 0;
    DWORD n;
    if (out == INVALID_HANDLE_VALUE) return 3;
    for (unsigned i = 0; i < sizeof block; i++) block[i] = (char)(i * 31);
    while (written < most && WriteFile(out, block, sizeof block, &n, NULL) && n == sizeof block)
        written += n;
    result("error", GetLastError());
    result("written", written);
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "file")) return file(argv[2]);
    if (!strcmp(what, "list")) return list(argv[2]);
    if (!strcmp(what, "processors")) return processors();
    if (!strcmp(what, "attack")) return attack();
    if (!strcmp(what, "listen")) return listens();
    if (!strcmp(what, "echo")) return echo();
    if (!strcmp(what, "last")) for (;;) Sleep(INFINITE);
    if (!strcmp(what, "exit")) ExitProcess(strtoul(argv[2], NULL, 0));
    if (!strcmp(what, "complain")) return fprintf(stderr, "%s\n", argv[2]) < 0;
    if (!strcmp(what, "hog")) return hog();
    if (!strcmp(what, "bomb")) return bomb(argv[0]);
    if (!strcmp(what, "fork")) return fork_bomb();
    if (!strcmp(what, "fill")) return fill(argv[2], argc > 3 ? atoll(argv[3]) << 20 : 1LL << 62);
    return 2;
}
