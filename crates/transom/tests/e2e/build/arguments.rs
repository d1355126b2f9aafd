//! `ARG` and `ENV` as `BuildKit`'s tests of its frontend ask for them.

use super::{Context, build, spoke};
use crate::support::host;

/// `MultiArgs`, `QuotedMetaArgs`, `ArgDefaultExpansion`, `DefaultEnvWithArgs`, `GlobalArg`,
/// `UnmatchedVars`, `TargetStageNameArg` and `PlatformArgsExplicit`; and the `PATH` of an image,
/// which wins over the registry's.
#[test]
fn arguments_have_their_defaults_each_others_values_and_those_that_are_given() {
    let host = host::shared();
    let context = Context::new(
        r#"# escape=`
ARG A1="foo bar" A2=box
ARG A3="$A2-foo"
ARG A4="dev-${A2:+tool}$A2"
FROM transom/base AS other-windows
FROM transom/base AS on-plan9
ENV BOTH=env
FROM --platform=$BUILDPLATFORM on-${TARGETOS} AS last
ARG A1 A3
ARG A4
ARG NONE
ARG FALLBACK=${NONE:-hello}
ARG GIVEN=wrong
ARG BOTH=arg
ENV KEPT="kept=${GIVEN:-nobody}" UNSET=${NONE-unset}
ARG TARGETSTAGE
ARG TARGETOS
ARG TARGETARCH
RUN echo [%A1%] [%A2%] [%A3%] [%A4%] [%NONE%] [%FALLBACK%] [%GIVEN%] [%BOTH%] [%KEPT%] [%UNSET%]
RUN echo [%TARGETSTAGE%] [%TARGETOS%] [%TARGETARCH%]
ENV PATH=C:\own;C:\windows\system32
RUN path
"#,
    );
    let given = ["--build-arg", "GIVEN=right", "--build-arg", "TARGETOS=plan9"];
    let said = build(&host, &context, &given).succeed().errors();
    let all = "[foo bar] [%A2%] [box-foo] [dev-toolbox] [%NONE%] [hello] [right] [env] \
               [kept=right] [unset]";
    assert!(spoke(&said, all), "{said}");
    assert!(spoke(&said, "[default] [plan9] [amd64]"), "{said}");
    assert!(spoke(&said, r"PATH=C:\own;C:\windows\system32"), "{said}");
    let target = [&given[..], &["--target", "last"]].concat();
    let said = build(&host, &context, &target).succeed().errors();
    assert!(spoke(&said, "[last] [plan9] [amd64]"), "{said}");
}

/// `GlobalArgErrors` and `UndeclaredArg`.
#[test]
fn an_argument_that_is_needed_and_not_there_is_named() {
    let host = host::shared();
    for (text, wanted) in [
        ("ARG A=\"${NONE:?is needed}\"\nFROM transom/base\n", "NONE: is needed"),
        ("ARG NONE\nFROM $NONE\n", "base name ($NONE) should not be blank"),
        ("FROM transom/base\nARG A\nENV B=${A?}\n", "A: is not allowed to be unset"),
        ("FROM transom/base\nENV B=${A\n", "missing '}'"),
    ] {
        let said = build(&host, &Context::new(text), &[]).fail().errors();
        assert!(said.contains(wanted), "{text}: {said}");
    }
    let flags = ["--build-arg", "OTHER=1"];
    let said = build(&host, &Context::new("FROM transom/base\n"), &flags).succeed().errors();
    assert!(said.contains("--build-arg OTHER: no ARG declares it"), "{said}");
}
