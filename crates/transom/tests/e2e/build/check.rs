//! `--check`, and what a build says at its end of how its Dockerfile is written.

use super::{Context, build, spoke};
use crate::support::host;
use crate::support::registry::Registry;

const DOCKERFILE: &str = "FROM transom/base as Base\nARG NAME=one\nENV WHO $NAME$NOBODY\n\
    FROM Base\nRUN echo [%NAME%]\nCMD echo %WHO%\n";

#[test]
fn a_check_names_rules_and_lines_and_a_build_tells_them_at_its_end() {
    let host = host::shared();
    let context = Context::new(DOCKERFILE);
    let checked = build(&host, &context, &["--check"]).end_with(1);
    let (text, errors) = (checked.text(), checked.errors());
    assert!(text.starts_with("Check complete, 5 warnings have been found!"), "{text}");
    assert!(!errors.contains("RUN"), "nothing is built: {errors}");
    for line in [
        "WARNING: FromAsCasing - https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
        "'as' and 'FROM' keywords' casing do not match",
        "Stage name 'Base' should be lowercase",
        "Usage of undefined variable '$NOBODY'",
        "   3 | >>> ENV WHO $NAME$NOBODY",
        "   6 | >>> CMD echo %WHO%",
    ] {
        assert!(text.lines().any(|told| told.trim_end() == line), "{line}: {text}");
    }
    let said = build(&host, &context, &["-t", "test/check:1"]).succeed().errors();
    assert!(said.contains("[one]"), "arguments are those of the stage before: {said}");
    assert!(said.contains(" 5 warnings found"), "{said}");
    assert!(said.contains(" - StageNameCasing: Stage name 'Base' should be lowercase (line 1)"));
}

#[test]
fn a_check_may_forbid_a_build_and_rules_may_be_skipped() {
    let host = host::shared();
    let context = Context::new(&format!("# check=error=true\n{DOCKERFILE}"));
    let said = build(&host, &context, &[]).fail().errors();
    assert!(said.contains("lint violation found for rules: FromAsCasing, JSONArgs"), "{said}");
    assert!(!said.contains("RUN echo"), "{said}");
    let skip = "BUILDKIT_DOCKERFILE_CHECK=skip=all";
    let checked = build(&host, &context, &["--call", "check", "--build-arg", skip]).succeed();
    assert_eq!(checked.text(), "Check complete, no warnings found.");
    let refused = build(&host, &context, &["--call", "outline"]).fail().errors();
    assert!(refused.contains("--call outline is not supported"), "{refused}");
}

#[test]
fn of_stages_of_one_name_the_last_before_counts() {
    let host = host::shared();
    let context = Context::new(
        "FROM transom/base AS a\nENV V=1\nFROM a AS a\nENV V=2$V\nFROM a\nRUN echo [%V%]\n",
    );
    let said = build(&host, &context, &[]).succeed().errors();
    assert!(said.contains("[21]") && said.contains(" - DuplicateStageName: "), "{said}");
}

#[test]
fn what_only_a_base_tells_forbids_the_first_build_as_it_does_the_second() {
    let (host, registry) = (host::shared(), Registry::start());
    let base = registry.name("test/base:1");
    let context = Context::new("FROM transom/base\nENV SET=set\n");
    build(&host, &context, &["-t", &base, "--push"]).succeed();
    host.transom(&["rmi", &base]).succeed();
    let text = |name: &str| {
        format!("# check=error=true\nFROM {base}\nENV V=$SET$NOBODY\nRUN echo [{name}]\n")
    };
    let context = Context::new(&text("%V%"));
    for _ in 0..2 {
        let said = build(&host, &context, &[]).fail().errors();
        assert!(said.contains("lint violation found for rules: UndefinedVar"), "{said}");
        assert!(!said.contains("RUN echo"), "{said}");
    }
    host.transom(&["rmi", &base]).succeed();
    let context = Context::new(&text("%V%").replace("$NOBODY", ""));
    let said = build(&host, &context, &[]).succeed().errors();
    assert!(spoke(&said, "[set]"), "{said}");
    let told = said.lines().filter(|line| line.ends_with(&format!(" FROM {base}"))).count();
    assert_eq!(told, 1, "what was fetched for the check is told of once: {said}");
    host.transom(&["rmi", &base]).succeed();
}
