//! `RUN --mount`, heredocs, secrets, agents.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use super::{Context, build, spoke};
use crate::support::host;
use crate::support::layers;
use crate::support::probe;

/// `MountContext`, `MountArg`, `RelativeMountpoint`, `SecretEnv` and `ContainerMounts`.
#[test]
fn binds_caches_memory_and_secrets_are_there_for_one_step_and_in_no_layer() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base AS one
WORKDIR C:\app
RUN echo made> C:\app\made.txt
FROM one
ARG DIR=sub
ARG KIND=cache
RUN --mount=target=C:\ctx --mount=type=${KIND},id=pk,target=C:\cache --mount=type=tmpfs,target=C:\mem,size=1m `
    type C:\ctx\sub\a.txt && echo kept> C:\cache\kept && echo y> C:\mem\m && if exist C:\ctx\hidden exit 7
RUN --mount=target=C:\ctx echo no> C:\ctx\no & if exist C:\ctx\no exit 8
RUN --mount=type=cache,id=pk,target=C:\elsewhere,ro type C:\elsewhere\kept && if exist C:\mem exit 9
RUN --mount=type=secret,id=tok,env=TOKEN --mount=type=secret,id=tok,target=C:\run\tok.txt `
    if defined TOKEN for /f %i in (C:\run\tok.txt) do @if %i==%TOKEN% echo seen
RUN --mount=source=${DIR}\a.txt,target=f.txt --mount=from=one,source=app,target=one type f.txt && type one\made.txt
RUN --mount=source=sub,target=C:\rw,rw echo new> C:\rw\n && type C:\rw\n
RUN dir /s /b C:\ > C:\all.txt
",
    );
    context.file("sub/a.txt", "from the context\n").file("hidden", "x");
    context.file(".dockerignore", "hidden\n").file("secret.txt", "hush");
    let secret = format!("id=tok,src={}", context.path("secret.txt"));
    let built = build(&host, &context, &["-t", "test/mounts:1", "--secret", &secret]).succeed();
    let said = &built.errors();
    for wanted in ["from the context", "kept", "made", "new", "seen"] {
        assert!(spoke(said, wanted), "{wanted}: {said}");
    }
    let line = ["run", "--rm", "test/mounts:1", "cmd", "/c", r"type C:\all.txt"];
    let all = host.transom(&line).succeed().text().to_lowercase();
    for gone in ["ctx", "cache", "elsewhere", "mem", "run", r"rw", r"app\f.txt", r"app\one"] {
        let path = format!("c:\\{gone}");
        assert!(!all.lines().any(|line| line.trim_end() == path), "{gone} is in the image: {all}");
    }
    // The value is nowhere: neither in a layer nor in the configuration.
    for (at, layer) in layers::of(&host, "test/mounts:1").iter().enumerate() {
        assert_eq!(layer.holding("hush"), Vec::<&str>::new(), "in layer {at}");
    }
    let about = host.transom(&["image", "inspect", "test/mounts:1"]).succeed().text();
    assert!(!said.contains("hush") && !about.contains("hush"), "{said}{about}");
    let history = host.transom(&["history", "--no-trunc", "test/mounts:1"]).succeed().text();
    assert!(!history.contains("hush"), "{history}");
}

/// `LLBMountPerformance`: many views of a large folder cost nothing worth telling.
#[test]
fn steps_with_several_mounts_of_windows_itself_take_their_time_and_not_minutes() {
    let host = host::shared();
    let mount = |at| format!("--mount=from=base,source=Windows,target=C:\\m{at} ");
    let step = |step| {
        let mounts: String = (1..=step).map(mount).collect();
        format!("RUN {mounts} if not exist C:\\m{step}\\system32\\ntdll.dll exit 1")
    };
    let steps: Vec<String> = (1..=5).map(step).collect();
    let head = "# escape=`\nFROM transom/base AS base\nFROM base";
    let dockerfile = format!("{head}\n{}\n", steps.join("\n"));
    let context = Context::new(&dockerfile);
    let since = std::time::Instant::now();
    build(&host, &context, &["--no-cache"]).succeed();
    // The original's limit.
    assert!(since.elapsed() < std::time::Duration::from_mins(10), "{:?}", since.elapsed());
}

#[test]
fn a_mount_point_goes_although_its_folder_was_renamed() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
RUN mkdir C:\app && echo own> C:\app\own.txt
RUN --mount=type=cache,target=C:\app\cache\deep --mount=type=secret,id=tok,target=C:\app\tok.txt ren C:\app moved
RUN dir /s /b C:\moved && if exist C:\app exit 3
",
    );
    context.file("secret.txt", "hush");
    let secret = format!("id=tok,src={}", context.path("secret.txt"));
    let said = build(&host, &context, &["--secret", &secret]).succeed().errors();
    assert!(spoke(&said, r"C:\moved\own.txt"), "{said}");
    for gone in ["cache", "deep", "tok.txt"] {
        assert!(!said.contains(&format!(r"C:\moved\{gone}")), "{gone}: {said}");
    }
}

/// `RunCacheWithMounts`.
#[test]
fn content_that_is_mounted_decides_whether_a_step_is_done_again() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base\nRUN --mount=source=in,target=C:\\\\in type C:\\in\\a && echo. && echo ran\n",
    );
    context.file("in/a", "one").file("other", "1");
    let again = || build(&host, &context, &[]).succeed().errors();
    let first = again();
    assert!(spoke(&first, "ran"), "{first}");
    context.file("other", "2");
    let same = again();
    assert!(same.contains("CACHED") && !spoke(&same, "ran"), "{same}");
    context.file("in/a", "two");
    let other = again();
    assert!(spoke(&other, "ran") && spoke(&other, "two"), "{other}");
}

/// `RunBasicHeredoc` and `HeredocVarSubstitution`.
#[test]
fn a_heredoc_is_a_script_and_files() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
ARG NAME=you
COPY <<a.txt <<'b.txt' C:\h\
hello $NAME
a.txt
hello $NAME
b.txt
RUN <<EOF
echo first> C:\out.txt
echo second>> C:\out.txt
EOF
RUN <<EOF
echo i am>C:\dest&echo done>>C:\dest
EOF
RUN for %f in (C:\dest) do @echo [%~zf]
RUN <<EOF
type C:\out.txt & type C:\h\a.txt & type C:\h\b.txt
EOF
",
    );
    let said = build(&host, &context, &[]).succeed().errors();
    // Lines end as those of Windows do.
    for wanted in ["first", "second", "hello you", "hello $NAME", "[12]"] {
        assert!(spoke(&said, wanted), "{wanted}: {said}");
    }
}

#[test]
fn an_agent_of_the_host_answers_on_openssh_s_pipe() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
COPY probe.exe C:\p\
RUN --mount=type=ssh C:\p\probe.exe pipe-talk %SSH_AUTH_SOCK% agent
",
    );
    std::fs::copy(probe::folder().join("probe.exe"), context.path("probe.exe")).expect("a copy");
    let socket = context.path("agent");
    let listener = UnixListener::bind(&socket).expect("a new path can be bound");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut text = [0; 5];
            if client.read_exact(&mut text).is_ok() {
                text.reverse();
                let _ = client.write_all(&text);
                // As an agent does, it waits for its client to go.
                let _ = client.read_to_end(&mut Vec::new());
            }
        }
    });
    let agent = format!("default={socket}");
    let said = build(&host, &context, &["--ssh", &agent]).succeed().errors();
    assert!(said.contains("tnega"), "{said}");
}

/// `MountInvalid`, `MountFromError`, `SecretRequiredWithoutValue`, `ContainerHost` and
/// `SecurityMode`.
#[test]
fn what_cannot_be_mounted_is_refused_with_its_line() {
    let host = host::shared();
    let required = r"RUN --mount=type=secret,id=nope,env=X,required echo %X%";
    for (instruction, wanted) in [
        ("RUN --mount=typ=tmpfs x", "unexpected key 'typ' in 'typ=tmpfs'"),
        ("RUN --mount=from=$x,target=/x x", "'from' doesn't support variable expansion"),
        ("RUN --mont=target=/x x", "unknown flag: --mont (did you mean mount?)"),
        ("RUN --mount=target=/ x", "invalid mount target \"/\""),
        ("RUN --mount=target=C:x x", "invalid mount target \"C:x\""),
        ("RUN --mount=source=nowhere,target=/x x", "\"/nowhere\": not found"),
        ("RUN --mount=type=cache,target=/x,mode=0755 x", "mode=0755 means nothing on Windows"),
        ("RUN --security=insecure x", "no support for running in insecure mode"),
        ("RUN --network=host x", "unknown network mode HOST"),
        ("COPY --chmod=755 Dockerfile /x", "--chmod=755 means nothing on Windows"),
        (required, "secret nope: not found"),
    ] {
        let context = Context::new(&format!("FROM transom/base\n\n{instruction}\n"));
        let said = build(&host, &context, &[]).fail().errors();
        assert!(said.contains(wanted), "{instruction}: {said}");
        assert!(said.contains("line 3") || said.contains(":3"), "{instruction}: {said}");
    }
}

/// A step can put a link into a cache, but not make the next one's mount follow it out.
///
/// `CacheMountSourceEscape`.
#[test]
fn a_link_planted_in_a_cache_leads_nowhere() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base
COPY probe.exe C:\p\
RUN --mount=type=cache,id=planted,target=C:\cache C:\p\probe.exe symlink /etc /wine/drive_c/cache/door && echo planted
RUN --mount=type=cache,id=planted,target=C:\x,source=door dir C:\x
",
    );
    std::fs::copy(probe::folder().join("probe.exe"), context.path("probe.exe")).expect("a copy");
    let said = build(&host, &context, &[]).fail().errors();
    assert!(spoke(&said, "planted"), "{said}");
    assert!(said.contains("escapes the mount root"), "{said}");
}
