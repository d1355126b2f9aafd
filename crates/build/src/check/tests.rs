//! Each rule, broken and kept.

use super::*;

fn asked(text: &str, args: &[(&str, &str)], bases: &[(&str, &[&str])]) -> Vec<String> {
    let own = |text: &&str| (*text).to_owned();
    let args = args.iter().map(|(name, value)| (own(name), own(value))).collect();
    let bases =
        bases.iter().map(|(name, env)| (own(name), env.iter().map(own).collect())).collect();
    let ignore = Ignore::parse("tmp\n").unwrap();
    let predefined = &predefined();
    let asked = Asked { text, args: &args, predefined, ignore: &ignore, bases: &bases };
    let found = check(&asked).unwrap().warnings.into_iter();
    found.map(|found| format!("{} {}: {}", found.line, found.rule.name(), found.detail)).collect()
}

fn predefined() -> Vec<(String, String)> {
    let some = [
        ("BUILDPLATFORM", "windows/amd64"),
        ("TARGETPLATFORM", "windows/amd64"),
        ("TARGETOSVERSION", "10.0.20348.1"),
        ("TARGETVARIANT", ""),
    ];
    some.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

#[test]
fn what_is_predefined_has_its_own_value() {
    let text = "ARG A=x:$TARGETOSVERSION\nFROM $A\nRUN echo\nFROM x:$TARGETOSVERSION\nRUN echo\n";
    assert_eq!(told(text), [""; 0]);
    let (args, none, ignore) = (BTreeMap::new(), BTreeMap::new(), Ignore::default());
    let predefined = &predefined();
    let asked = Asked { text, args: &args, predefined, ignore: &ignore, bases: &none };
    assert_eq!(bases(&asked).unwrap(), ["x:10.0.20348.1", "x:10.0.20348.1"]);
}

#[test]
fn an_argument_sees_those_before_it_in_its_line() {
    assert_eq!(told("FROM x\nARG A=1 B=$A\n"), [""; 0]);
    let late = "2 UndefinedVar: Usage of undefined variable '$B'";
    assert_eq!(told("FROM x\nARG A=$B B=1\n"), [late]);
}

/// What is told of a Dockerfile on a base that sets `BASE`.
fn told(text: &str) -> Vec<String> {
    asked(text, &[], &[("x", &["BASE=1"])])
}

#[test]
fn a_good_dockerfile_breaks_no_rule() {
    let text = "# a comment\nARG V=1\nFROM x AS base\nARG V\nENV A=$V B=${BASE} PUBLIC_KEY=1\n\
        WORKDIR C:\\\\app\nWORKDIR sub\nCOPY a$A ${NONE:-b}/\nEXPOSE 80/tcp\n\
        FROM base AS windows-tools\nLABEL l=$A$V\nSHELL [\"powershell\"]\nCMD echo x\n\
        FROM --platform=$BUILDPLATFORM x:$V\nENTRYPOINT [\"a\"]\n";
    assert_eq!(told(text), [""; 0]);
}

#[test]
fn every_rule_names_what_breaks_it() {
    let table = [
        (
            "FROM x\nrun a",
            "2 ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase)",
        ),
        (
            "from x\nrun a\nEnv a=1",
            "3 ConsistentInstructionCasing: Command 'Env' should match the case of the command majority (lowercase)",
        ),
        (
            "FROM x AS a\nFROM x AS a",
            "2 DuplicateStageName: Duplicate stage name \"a\", stage names should be unique",
        ),
        (
            "FROM x\nEXPOSE 1.2.3.4:80:80",
            "2 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '1.2.3.4:80:80'",
        ),
        (
            "FROM x\nEXPOSE 80/TCP",
            "2 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
        ),
        ("FROM x as a", "1 FromAsCasing: 'as' and 'FROM' keywords' casing do not match"),
        (
            "FROM --platform=windows/amd64 x",
            "1 FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"windows/amd64\"",
        ),
        (
            "ARG T\nFROM x:$T",
            "2 InvalidDefaultArgInFrom: Default value for ARG x:$T results in empty or invalid base image name",
        ),
        (
            "FROM x\nCMD a",
            "2 JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
        ),
        (
            "FROM x\nENV a b",
            "2 LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format",
        ),
        (
            "FROM x\nMAINTAINER me",
            "2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
        ),
        (
            "FROM x\nCMD [\"a\"]\nCMD [\"b\"]",
            "2 MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
        ),
        ("FROM x\nRUN a \\\n\n b", "3 NoEmptyContinuation: Empty continuation line"),
        (
            "FROM --platform=$TARGETPLATFORM x",
            "1 RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
        ),
        (
            "FROM x AS scratch",
            "1 ReservedStageName: Stage name should not use the same name as reserved stage \"scratch\"",
        ),
        (
            "FROM x\nARG MY_TOKEN",
            "2 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG \"MY_TOKEN\")",
        ),
        ("FROM x AS Build", "1 StageNameCasing: Stage name 'Build' should be lowercase"),
        (
            "ARG VERSION=1\nFROM x:${VERSIN}1",
            "2 UndefinedArgInFrom: FROM argument 'VERSIN' is not declared (did you mean VERSION?)",
        ),
        (
            "FROM x\nENV PATHS=1\nLABEL a=$PATH",
            "3 UndefinedVar: Usage of undefined variable '$PATH' (did you mean $PATHS?)",
        ),
        (
            "FROM x\nWORKDIR app",
            "2 WorkdirRelativePath: Relative workdir \"app\" can have unexpected results if the base image changes",
        ),
    ];
    for (text, wanted) in table {
        assert_eq!(told(text), [wanted], "{text}");
    }
}

#[test]
fn what_an_unknown_base_may_have_set_is_not_told() {
    assert_eq!(told("FROM y\nLABEL a=$B"), [""; 0]);
    assert_eq!(asked("ARG i\nFROM $i\n", &[("i", "x")], &[]).len(), 1, "the default is empty");
}

#[test]
fn rules_are_skipped_and_asked_for() {
    let text = "FROM x as A\nCOPY ./tmp/a b/\n";
    assert_eq!(told(text).len(), 2);
    assert_eq!(told(&format!("# check=skip=FromAsCasing\n{text}")).len(), 1);
    assert_eq!(told(&format!("# check=skip=all\n{text}")), [""; 0]);
    let all = told(&format!("# check=experimental=all\n{text}"));
    assert!(
        all[2].starts_with("3 CopyIgnoredFile: Attempting to Copy file \"./tmp/a\""),
        "{all:?}"
    );
    let (none, ignore) = (BTreeMap::new(), Ignore::default());
    let refusal = |text: &str| {
        let asked =
            Asked { text, args: &none, predefined: &[], ignore: &ignore, bases: &BTreeMap::new() };
        check(&asked).map(|checked| checked.refusal())
    };
    assert_eq!(refusal(text), Ok(None));
    let words = refusal(&format!("# check=error=true;skip=StageNameCasing\n{text}"));
    assert_eq!(words, Ok(Some("lint violation found for rules: FromAsCasing".to_owned())));
    let fault = refusal("# check=skip\nFROM x").unwrap_err();
    assert_eq!(fault.rule, "invalid check option \"skip\"");
}

#[test]
fn pages_are_named_as_the_rules() {
    let page = "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/";
    assert_eq!(Rule::JsonArgsRecommended.url(), page);
}
