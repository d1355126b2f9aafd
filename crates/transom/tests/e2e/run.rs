//! `transom run` of one command: output, exit codes, quotes, environment, user, folder.

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};

#[test]
fn ver_prints_the_version_of_windows() {
    let host = host::shared();
    let version = host.transom(&["run", "--rm", BASE, "cmd", "/c", "ver"]).succeed();
    assert!(version.text().contains("Microsoft Windows 10.0."), "{version:?}");
    assert_eq!(version.errors(), "");
}

#[test]
fn the_platform_is_windows_server_2022_or_later() {
    let host = host::shared();
    let version =
        host.transom(&["run", "--rm", &probe::mount(), BASE, PROBE, "version"]).succeed().text();
    let build: u32 = version.strip_prefix("10.0.").unwrap_or("0").parse().unwrap();
    assert!(build >= 20348, "{version}");
}

#[test]
fn all_32_bits_of_an_exit_code_are_in_inspect() {
    let host = host::shared();
    let container = Container::create(&host, &[], &[BASE, "cmd", "/c", "exit 305419896"]);
    // 0x78 is what is left of it for the shell.
    container.transom("start", &["--attach"]).end_with(0x78);
    assert_eq!(container.inspect()["State"]["ExitCode"], 305_419_896_u32);
    assert_eq!(container.wait(), 305_419_896);
}

#[test]
fn a_code_whose_low_bits_are_zero_is_not_taken_for_success() {
    let host = host::shared();
    let output = host.transom(&["run", "--rm", BASE, "cmd", "/c", "exit 256"]).end_with(255);
    assert!(output.errors().contains("256"), "{output:?}");
}

#[test]
fn a_crashs_code_comes_through() {
    let host = host::shared();
    let flags = ["run", "--rm", &probe::mount(), BASE];
    host.transom(&flags).args(&[PROBE, "exit", "0xC0000005"]).end_with(5);
}

#[test]
fn a_missing_program_gives_127_and_is_named() {
    let host = host::shared();
    let name = format!("missing{}", std::process::id());
    let line = ["run", "--rm", "--name", &name, BASE, "no-such-program.exe", "x"];
    let output = host.transom(&line).end_with(127);
    assert!(output.errors().contains("no-such-program.exe"), "{output:?}");
    host.transom(&["inspect", &name]).fail();
}

#[test]
fn an_unknown_flag_gives_125_and_a_missing_image_is_named() {
    let host = host::shared();
    host.transom(&["run", "--no-such-flag", BASE]).end_with(125);
    let output =
        host.transom(&["run", "--rm", "--pull", "never", "no/such:image", "cmd"]).end_with(125);
    assert!(output.errors().contains("no/such"), "{output:?}");
}

#[test]
fn quotes_reach_the_program_as_they_were_typed() {
    let host = host::shared();
    let output = host.transom(&["run", "--rm", BASE, "cmd", "/c", r#"echo a "b c" d"#]).succeed();
    assert_eq!(output.text(), r#"a "b c" d"#);
}

#[test]
fn arguments_are_escaped_by_the_rules_of_windows() {
    let host = host::shared();
    let arguments = ["a b", r#"say "hi""#, r"back\slash\", r#"\" x"#, "", "plain"];
    let flags = ["run", "--rm", &probe::mount(), BASE, PROBE, "args"];
    let line = host.transom(&flags).args(&arguments).succeed().text();
    let parsed = split(&line);
    assert_eq!(parsed[2..], arguments, "{line}");
}

#[test]
fn variables_come_from_flags_and_nothing_of_the_host_comes_along() {
    let host = host::shared();
    let file = host.scratch();
    let env_file = file.path().join("env");
    std::fs::write(&env_file, "# a comment\nFROM_FILE=two words\n").unwrap();
    let output = host
        .transom(&["run", "--rm", "--env", "GIVEN=x=y", "--env", "PASSED_ON", "--env-file"])
        .arg(&env_file)
        .args(&[&probe::mount(), BASE, PROBE, "env"])
        .env("PASSED_ON", "host's")
        .env("SECRET_OF_THE_HOST", "leaked")
        .succeed();
    let lines = output.lines();
    for wanted in ["GIVEN=x=y", "PASSED_ON=host's", "FROM_FILE=two words"] {
        assert!(lines.iter().any(|line| line == wanted), "no {wanted}: {lines:#?}");
    }
    let text = output.text().to_uppercase();
    let never =
        ["SECRET_OF_THE_HOST", "CARGO", "TRANSOM_ROOT", "WINEPREFIX", "WINEDLLOVERRIDES", "/ROOT"];
    for never in never {
        assert!(!text.contains(never), "{never} is visible: {text}");
    }
}

#[test]
fn the_working_folder_and_the_host_name_are_what_was_asked() {
    let host = host::shared();
    let flags = ["run", "--rm", &probe::mount(), "--workdir", r"C:\Windows\Temp"];
    let output = host.transom(&flags).args(&[BASE, PROBE, "cwd"]).succeed();
    assert_eq!(output.text().to_lowercase(), r"c:\windows\temp");

    let flags = ["run", "--rm", &probe::mount(), "--hostname", "harbour"];
    let output = host.transom(&flags).args(&[BASE, PROBE, "host"]).succeed();
    assert_eq!(output.text().to_lowercase(), "harbour");
}

#[test]
fn the_default_user_is_the_administrator_of_the_container() {
    let host = host::shared();
    let output = host.transom(&["run", "--rm", &probe::mount(), BASE, PROBE, "user"]).succeed();
    assert_eq!(output.text(), "ContainerAdministrator");
}

/// Also for a program that the first one starts, and beside one of another user.
#[test]
fn a_program_knows_which_user_it_was_started_as() {
    let host = host::shared();
    let mount = probe::mount();
    let flags = ["--user", "ContainerUser", &mount];
    let container = Container::run(&host, &flags, &[BASE, "cmd", "/c", PROBE, "nap"]);
    let ask = |flags: &[&str], line: &[&str]| container.exec_with(flags, line).succeed().text();
    assert_eq!(ask(&[], &[PROBE, "user"]), "ContainerUser");
    assert_eq!(ask(&[], &["cmd", "/c", PROBE, "user"]), "ContainerUser");
    let other = ["--user", "ContainerAdministrator"];
    assert_eq!(ask(&other, &[PROBE, "user"]), "ContainerAdministrator");
}

#[test]
fn an_entry_point_is_put_before_the_arguments() {
    let host = host::shared();
    let flags = ["run", "--rm", "--entrypoint", "cmd", BASE, "/c", "echo entered"];
    assert_eq!(host.transom(&flags).succeed().text(), "entered");
}

/// Splits a command line as Windows programs do, where quotes are never doubled.
fn split(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut quoted, mut slashes) = (false, 0);
    for letter in line.chars() {
        match letter {
            '\\' => slashes += 1,
            '"' => {
                let word = word.get_or_insert_default();
                word.push_str(&"\\".repeat(slashes / 2));
                if slashes % 2 == 1 {
                    word.push('"');
                } else {
                    quoted = !quoted;
                }
                slashes = 0;
            }
            _ => {
                if slashes > 0 {
                    word.get_or_insert_default().push_str(&"\\".repeat(slashes));
                    slashes = 0;
                }
                if letter.is_whitespace() && !quoted {
                    words.extend(word.take());
                } else {
                    word.get_or_insert_default().push(letter);
                }
            }
        }
    }
    if slashes > 0 {
        word.get_or_insert_default().push_str(&"\\".repeat(slashes));
    }
    words.extend(word);
    words
}
