/* Questions to the Linux kernel, around Wine: a Windows program can make Linux system calls. */
#include "probe.h"

typedef long long word;

enum {
    SYS_read = 0, SYS_open = 2, SYS_close = 3, SYS_ioctl = 16, SYS_socket = 41, SYS_kill = 62,
    SYS_symlink = 88,
    SYS_ptrace = 101, SYS_syslog = 103, SYS_mknod = 133, SYS_pivot_root = 155, SYS_chroot = 161,
    SYS_acct = 163, SYS_mount = 165, SYS_umount2 = 166, SYS_swapon = 167, SYS_sethostname = 170,
    SYS_iopl = 172, SYS_init_module = 175, SYS_quotactl = 179, SYS_getdents64 = 217,
    SYS_clock_settime = 227, SYS_kexec_load = 246, SYS_add_key = 248, SYS_keyctl = 250,
    SYS_unshare = 272, SYS_perf_event_open = 298, SYS_name_to_handle_at = 303,
    SYS_open_by_handle_at = 304, SYS_setns = 308,
    SYS_finit_module = 313, SYS_bpf = 321, SYS_userfaultfd = 323, SYS_io_uring_setup = 425,
    SYS_open_tree = 428, SYS_fsopen = 430,
};

static word ask(word number, word a, word b, word c, word d, word e) {
    word answer;
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(answer)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return answer;
}

#define ASK(number, a, b, c, d, e) \
    ask(number, (word)(a), (word)(b), (word)(c), (word)(d), (word)(e))

/* A file's content by its Linux path, or `errno N`. */
static int cat(int argc, char **argv) {
    static char buffer[1 << 16];
    word got, file;
    if (argc != 1) return 250;
    file = ASK(SYS_open, argv[0], 0, 0, 0, 0);
    if (file < 0) {
        printf("errno %lld\n", -file);
        return 1;
    }
    while ((got = ASK(SYS_read, file, buffer, sizeof buffer, 0, 0)) > 0)
        fwrite(buffer, 1, (size_t)got, stdout);
    if (got < 0) printf("errno %lld\n", -got);
    return got < 0;
}

/* Makes a symbolic link of Linux, or says `errno N`. */
static int make_symlink(int argc, char **argv) {
    if (argc != 2) return 250;
    word made = ASK(SYS_symlink, argv[0], argv[1], 0, 0, 0);
    if (made < 0) printf("errno %lld\n", -made);
    return made < 0;
}

/* The names in a Linux directory, or `errno N`. */
static int ls(int argc, char **argv) {
    static char buffer[1 << 15];
    word got, folder;
    if (argc != 1) return 250;
    folder = ASK(SYS_open, argv[0], 0200000, 0, 0, 0);
    if (folder < 0) {
        printf("errno %lld\n", -folder);
        return 1;
    }
    while ((got = ASK(SYS_getdents64, folder, buffer, sizeof buffer, 0, 0)) > 0)
        for (word at = 0; at < got; at += *(unsigned short *)(buffer + at + 16))
            printf("%s\n", buffer + at + 19);
    return 0;
}

/* Creates a file by its Linux path: `ok` or `errno N`. */
static int create(int argc, char **argv) {
    if (argc != 1) return 250;
    word file = ASK(SYS_open, argv[0], 0101, 0644, 0, 0);
    if (file < 0) printf("errno %lld\n", -file);
    else printf("ok\n");
    return file < 0;
}

/* Every process that a signal could reach. */
static int pids(int argc, char **argv) {
    (void)argc, (void)argv;
    for (word pid = 1; pid < 1 << 16; pid++)
        if (ASK(SYS_kill, pid, 0, 0, 0, 0) != -3) printf("%lld\n", pid);
    return 0;
}

/* Every network interface, by index. */
static int interfaces(int argc, char **argv) {
    struct { char name[16]; int index; char rest[20]; } request;
    word socket = ASK(SYS_socket, 2, 2, 0, 0, 0);
    (void)argc, (void)argv;
    if (socket < 0) return 1;
    for (int index = 1; index < 4096; index++) {
        memset(&request, 0, sizeof request);
        request.index = index;
        if (ASK(SYS_ioctl, socket, 0x8910, &request, 0, 0) == 0) printf("%s\n", request.name);
    }
    return 0;
}

static void report(const char *name, word answer) {
    printf("%s %lld\n", name, answer);
    fflush(stdout);
}

/* On a host's own user namespace the attempts would succeed, and wreck the host. */
static int is_contained(void) {
    char map[256] = "";
    word file = ASK(SYS_open, "/proc/self/uid_map", 0, 0, 0, 0);
    if (file < 0) return 0;
    ASK(SYS_read, file, map, sizeof map - 1, 0, 0);
    ASK(SYS_close, file, 0, 0, 0, 0);
    return *map && !strstr(map, "4294967295");
}

/* What no container may do: a line each, with what the kernel answered. */
static int attempts(int argc, char **argv) {
    static char zeros[256];
    if (!is_contained()) {
        printf("not in a user namespace\n");
        return 1;
    }
    word ns = ASK(SYS_open, "/proc/self/ns/net", 0, 0, 0, 0);
    (void)argc, (void)argv;
    report("mount", ASK(SYS_mount, "none", "/", "tmpfs", 0, 0));
    report("bind", ASK(SYS_mount, "/", "/", 0, 4096, 0));
    report("umount2", ASK(SYS_umount2, "/proc", 2, 0, 0, 0));
    report("open_tree", ASK(SYS_open_tree, -100, "/", 1, 0, 0));
    report("fsopen", ASK(SYS_fsopen, "tmpfs", 0, 0, 0, 0));
    report("pivot_root", ASK(SYS_pivot_root, "/", "/", 0, 0, 0));
    report("chroot", ASK(SYS_chroot, "/", 0, 0, 0, 0));
    report("unshare_user", ASK(SYS_unshare, 0x10000000, 0, 0, 0, 0));
    report("unshare_mount", ASK(SYS_unshare, 0x00020000, 0, 0, 0, 0));
    report("setns", ASK(SYS_setns, ns, 0, 0, 0, 0));
    report("ptrace_init", ASK(SYS_ptrace, 16, 1, 0, 0, 0));
    report("bpf", ASK(SYS_bpf, 0, zeros, sizeof zeros, 0, 0));
    report("keyctl", ASK(SYS_keyctl, 0, -3, 1, 0, 0));
    report("add_key", ASK(SYS_add_key, "user", "probe", "x", 1, -3));
    report("init_module", ASK(SYS_init_module, zeros, sizeof zeros, "", 0, 0));
    report("finit_module", ASK(SYS_finit_module, 0, "", 0, 0, 0));
    report("kexec_load", ASK(SYS_kexec_load, 0, 0, 0, 0, 0));
    report("swapon", ASK(SYS_swapon, "/nowhere", 0, 0, 0, 0));
    report("sethostname", ASK(SYS_sethostname, "probe", 5, 0, 0, 0));
    report("clock_settime", ASK(SYS_clock_settime, 0, zeros, 0, 0, 0));
    report("iopl", ASK(SYS_iopl, 3, 0, 0, 0, 0));
    report("acct", ASK(SYS_acct, 0, 0, 0, 0, 0));
    report("quotactl", ASK(SYS_quotactl, 0, 0, 0, 0, 0));
    report("syslog", ASK(SYS_syslog, 3, zeros, sizeof zeros, 0, 0));
    report("perf_event_open", ASK(SYS_perf_event_open, zeros, 0, -1, -1, 0));
    report("userfaultfd", ASK(SYS_userfaultfd, 0, 0, 0, 0, 0));
    report("open_by_handle_at", ASK(SYS_open_by_handle_at, -100, zeros, 0, 0, 0));
    report("mknod", ASK(SYS_mknod, "/wine/probe-memory", 020600, 0x0101, 0, 0));
    report("io_uring_setup", ASK(SYS_io_uring_setup, 8, zeros, 0, 0, 0));
    return 0;
}

const struct verb linux_verbs[] = {
    {"cat", cat},   {"ls", ls},
    {"create", create}, {"pids", pids},
    {"symlink", make_symlink}, {"interfaces", interfaces}, {"attempts", attempts},
    {NULL, NULL},
};
