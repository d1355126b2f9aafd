//! What `BuildKit`'s own tests of its frontend and of `RUN` ask for on Windows, many in one build.

use super::{Context, build, spoke, spoken};
use crate::support::host;
use crate::support::layers;

/// `StdinClosed`, `RelativeWorkDir`, `IgnoreEntrypoint`, `DefaultPathEnvOnWindows`,
/// `DuplicateCacheMount`, `CacheMountDefaultID`, `MoveParentDir` and `MountWithNoSource`.
#[test]
fn steps_see_what_they_should_and_their_layers_hold_what_became_of_it() {
    let host = host::shared();
    let context = Context::new(
        r#"# escape=`
FROM scratch AS nothing
FROM transom/base
RUN more& echo [stdin has ended]
WORKDIR test1
WORKDIR test2
ENTRYPOINT ["cmd", "/c", "exit 9"]
RUN echo [%CD%]& path
RUN --mount=type=cache,id=twice,sharing=locked,target=C:\one `
    --mount=type=cache,id=twice,sharing=locked,target=C:\two echo both> C:\one\x && type C:\two\x
RUN --mount=type=cache,target=C:\named echo by its place> C:\named\y
RUN --mount=type=cache,target=C:\named type C:\named\y
RUN --mount=type=cache,target=C:\another if exist C:\another\y exit 7
RUN --mount=from=nothing,target=C:\empty dir /b /a C:\empty && echo [listed]
RUN mkdir C:\before && echo moved> C:\before\z && ren C:\before after
"#,
    );
    let said = &build(&host, &context, &["-t", "test/promises:1"]).succeed().errors();
    for wanted in ["[stdin has ended]", r"[C:\test1\test2]", "both", "by its place", "[listed]"] {
        assert!(spoke(said, wanted), "{wanted}: {said}");
    }
    let path = spoken(said).into_iter().find(|line| line.starts_with("PATH="));
    assert!(path.is_some_and(|path| path.to_lowercase().contains(r"c:\windows")), "{said}");
    let layers = layers::of(&host, "test/promises:1");
    let last = layers.last().expect("it has layers");
    assert!(last.holds("Files/after/z") && !last.holds("Files/before"));
}

/// `BuiltinArgs`, `ProxyEnv`, `GlobalArg`, `PlatformArgsImplicit` and `MountRWCache`.
#[test]
fn proxies_are_seen_in_both_spellings_and_make_no_step_another_one() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
ARG WHERE=everywhere
FROM transom/base AS on-windows
FROM on-${TARGETOS}
ARG WHERE
ARG FOO
ARG BAZ=bazcontent
RUN echo %HTTP_PROXY%::%NO_PROXY%::%FOO%::%BAR%::%BAZ%::%WHERE%
RUN --mount=target=C:\ctx,source=in,rw type C:\ctx\a& echo x> C:\ctx\own
",
    );
    context.file("in/a", "the same");
    let args = |proxy: &'static str| {
        ["--build-arg", proxy, "--build-arg", "NO_PROXY=npvalue", "--build-arg", "FOO=foocontents"]
    };
    let said = build(&host, &context, &args("HTTP_PROXY=hpvalue")).succeed().errors();
    let wanted = "hpvalue::npvalue::foocontents::%BAR%::bazcontent::everywhere";
    assert!(spoke(&said, wanted) && spoke(&said, "the same"), "{said}");
    context.file("other", "changed");
    let said = build(&host, &context, &args("http_proxy=another")).succeed().errors();
    assert_eq!(said.matches("CACHED").count(), 2, "{said}");
    assert!(!context.0.path().join("in/own").exists(), "a mount is no way into the context");
}

/// `NoCache`, `MaintainBaseOSVersion`, `CopyFromEmptyImage` and the fault of `CopyWildcards`.
#[test]
fn a_child_has_its_bases_version_and_nothing_is_copied_from_nothing() {
    let host = host::shared();
    let context = Context::new(
        "FROM scratch AS nothing\nFROM transom/base AS base\nCOPY --from=nothing / C:/from/\n\
         COPY a* none* C:/some/\nFROM base\nLABEL a=b\n",
    );
    context.file("a.txt", "a");
    build(&host, &context, &["-t", "test/version:1"]).succeed();
    let version = |image: &str| {
        let inspect = host.transom(&["image", "inspect", image]).succeed().json();
        inspect[0]["OsVersion"].as_str().unwrap_or_default().to_owned()
    };
    assert!(version("test/version:1").starts_with("10.0."), "it has one");
    assert_eq!(version("test/version:1"), version("transom/base"));
    let again = || build(&host, &context, &["--no-cache"]).succeed().errors();
    assert_eq!(again().matches("CACHED").count(), 0);
    for (instruction, wanted) in [
        ("COPY --from=nothing /foo C:/x", "\"/foo\": not found"),
        ("RUN [\"echo\", \"hello\"]this is invalid", "this is invalid"),
    ] {
        let text = format!("FROM scratch AS nothing\nFROM transom/base\n{instruction}\n");
        let said = build(&host, &Context::new(&text), &[]).fail().errors();
        assert!(said.contains(wanted), "{instruction}: {said}");
    }
}

/// Wine's own `powershell` does nothing, and says that it went well.
#[test]
fn a_shell_that_is_not_there_fails_the_step() {
    let host = host::shared();
    let context = Context::new(
        "FROM mcr.microsoft.com/windows/servercore:ltsc2022\n\
         SHELL [\"powershell\", \"-Command\"]\nRUN Write-Host hello\n",
    );
    let said = build(&host, &context, &[]).end_with(1).errors();
    assert!(said.contains("there is no PowerShell here"), "{said}");
    let context = Context::new("FROM transom/base\nSHELL [\"pwsh\", \"-Command\"]\nRUN x\n");
    let said = build(&host, &context, &[]).end_with(1).errors();
    assert!(said.contains("pwsh"), "{said}");
}
