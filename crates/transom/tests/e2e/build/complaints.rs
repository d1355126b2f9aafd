//! What people complain of about other builders of Windows images (`docs/building.md`), where no
//! other test is about it.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::{Context, build, spoke, spoken};
use crate::support::archive::{self, Layer};
use crate::support::{host, layers, probe};

#[test]
fn users_write_where_they_work_and_paths_may_be_long() {
    let host = host::shared();
    let long = [r"a folder with a name of some fifty characters here"; 6].join("\\");
    assert!(long.len() > 300);
    let context = Context::new(&format!(
        r#"# syntax=docker/dockerfile:1
# escape=`
FROM transom/base AS one
USER ContainerUser
WORKDIR C:\mine\not there yet
RUN echo of %USERNAME%>own.txt&& mkdir sub&& echo deeper>sub\own.txt&& echo x>C:\top.txt
COPY ["a.txt", "C:\\{}\\"]
FROM transom/base
COPY --from=one ["C:\\{}\\a.txt", "C:\\copied\\from\\far\\"]
COPY --from=one ["C:\\mine", "C:\\mine"]
ENV Mixed_Case=1 MIXED_CASE=2
RUN type C:\copied\from\far\a.txt && type "C:\mine\not there yet\own.txt" && echo [%mixed_case%]
"#,
        long.replace('\\', "\\\\"),
        long.replace('\\', "\\\\"),
    ));
    context.file("a.txt", "from afar");
    let said = build(&host, &context, &["-t", "test/complaints:1"]).succeed().errors();
    for wanted in ["from afar", "of ContainerUser", "[2]"] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let inspect = host.transom(&["image", "inspect", "test/complaints:1"]).succeed().json();
    let env = inspect[0]["Config"]["Env"].to_string();
    assert!(env.to_uppercase().matches("MIXED_CASE").count() == 1, "{env}");
    assert!(!env.to_uppercase().contains("\"PATH="), "the registry has it: {env}");
    assert!(inspect[0]["OsVersion"].as_str().is_some_and(|text| text.starts_with("10.0.")));
    host.transom(&["rmi", "test/complaints:1"]).succeed();
}

/// Nobody finds an empty folder where a link was, and none leads to where layers are kept.
#[test]
fn links_are_followed_where_people_work_and_stay_as_they_are_in_layers() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base AS one
COPY tree C:\app\
WORKDIR C:\app\Door
RUN type a.txt && echo made>made.txt
COPY late.txt .
COPY late.txt door.txt C:\app\door\new\
FROM one
RUN cd C:\app\real && type made.txt & type late.txt & type new\door.txt
WORKDIR sub
",
    );
    context.file("tree/real/a.txt", "by another name\n").file("late.txt", "came later\n");
    symlink("real", context.path("tree/door")).expect("a link can be made");
    symlink("tree/door/a.txt", context.path("door.txt")).expect("a link can be made");
    // The context itself is one.
    let folder = host.scratch();
    let root = folder.path().join("context");
    symlink(context.path(""), &root).expect("a link can be made");
    let line = ["build", "--progress", "plain", "--network", "none", "-t", "test/links:1"];
    let said = host.transom(&line).arg(&root).succeed().errors();
    for (wanted, times) in [("by another name", 2), ("made", 1), ("came later", 1)] {
        let spoken = spoken(&said).into_iter().filter(|line| *line == wanted).count();
        assert_eq!(spoken, times, "{wanted}: {said}");
    }
    let layers = layers::of(&host, "test/links:1");
    assert_eq!(layers[1].target("Files/app/door"), "real");
    let last = layers.last().expect("it has layers");
    assert!(last.holds("Files/app/real/sub") && !last.holds("Files/app/door"));
    host.transom(&["rmi", "test/links:1"]).succeed();
}

/// Empty files where Windows keeps its registry, as the base of host processes has, a utility VM's
/// files, and links that are spelled in another way than what they lead to.
#[test]
fn what_bases_of_windows_hosts_hold_is_no_hindrance_and_their_version_stays() {
    let host = host::shared();
    let mut layer = Layer::new();
    let config = "Files/Windows/System32/config";
    layer.folder("Files/Windows").folder("Files/Windows/System32").folder(config);
    for hive in ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"] {
        layer.file(&format!("{config}/{hive}"), b"");
    }
    layer.folder("Files/App").file("Files/App/real.txt", b"of the base\n");
    layer.link("Files/App/hard.txt", "Files/APP/Real.txt");
    layer.symlink("Files/App/soft.txt", r"C:\app\REAL.txt");
    layer.folder("Hives").file("UtilityVM/Files/EFI/Microsoft/Boot/BCD", b"boot");
    let folder = host.scratch();
    let file = folder.path().join("base.tar");
    archive::write(&file, "test/host-process:1", &json!({}), &mut [layer]);
    host.transom(&["load", "--input"]).arg(&file).succeed();
    let context = Context::new(
        r"# escape=`
FROM test/host-process:1
RUN reg add HKLM\Software\Acme /v Flag /d 1 /f && type C:\App\hard.txt
COPY --from=test/host-process:1 App\ copy\
RUN type C:\copy\soft.txt
",
    );
    let said = build(&host, &context, &["-t", "test/on-host-process:1"]).succeed().errors();
    let told = spoken(&said).into_iter().filter(|line| *line == "of the base").count();
    assert_eq!(told, 2, "{said}");
    let inspect = host.transom(&["image", "inspect", "test/on-host-process:1"]).succeed().json();
    assert_eq!(inspect[0]["OsVersion"], "10.0.20348.2700");
    host.transom(&["rmi", "test/on-host-process:1", "test/host-process:1"]).succeed();
}

#[test]
fn what_is_copied_from_a_stage_keeps_its_owner_and_what_comes_from_a_context_is_as_any_new_file() {
    let host = host::shared();
    let context = Context::new(
        r"# escape=`
FROM transom/base AS one
COPY --chown=ContainerUser a.txt C:\owned\sub\
FROM transom/base
COPY --from=one C:\OWNED C:\kept\
COPY --from=one --chown=SYSTEM C:\owned\sub\a.txt C:\given\
COPY a.txt C:\new\
",
    );
    context.file("a.txt", "a");
    build(&host, &context, &["-t", "test/kept:1"]).succeed();
    build(&host, &context, &["-t", "test/kept:one", "--target", "one"]).succeed();
    let (all, one) = (layers::of(&host, "test/kept:1"), layers::of(&host, "test/kept:one"));
    let descriptor = |layer: &layers::Layer, name: &str| {
        let text = layer.record(name, "MSWINDOWS.rawsd").to_owned();
        assert!(!text.is_empty(), "{name}");
        text
    };
    let owned = descriptor(&one[1], "Files/owned/sub/a.txt");
    assert_eq!(descriptor(&all[1], "Files/kept/sub/a.txt"), owned);
    let folder = descriptor(&one[1], "Files/owned/sub");
    assert_eq!(descriptor(&all[1], "Files/kept/sub"), folder);
    let (given, new) =
        (descriptor(&all[2], "Files/given/a.txt"), descriptor(&all[3], "Files/new/a.txt"));
    assert!(given != owned && new != owned && given != new);
    host.transom(&["rmi", "test/kept:1", "test/kept:one"]).succeed();
}

#[test]
fn command_lines_heredocs_and_exit_codes_come_through_whole() {
    let host = host::shared();
    let text = r#"# escape=`
FROM transom/base AS said
COPY ["probe.exe", "C:\\a tool\\probe.exe"]
COPY <<lines.txt C:\
one
lines.txt
RUN ["C:\\a tool\\probe.exe", "args", "two words", "a \"quoted\" one", "C:\\ends so\\"]
SHELL ["C:\\a tool\\probe.exe", "args"]
RUN "in quotes" and not
SHELL ["cmd", "/S", "/C"]
RUN <<EOF
echo first
echo second
EOF
FROM said
RUN ["C:\\a tool\\probe.exe", "exit", "0xC0000409"]
"#;
    let context = Context::new(&text.replace('\n', "\r\n"));
    std::fs::copy(probe::folder().join("probe.exe"), context.path("probe.exe")).expect("a copy");
    let failed = build(&host, &context, &[]).end_with(1).errors();
    for wanted in [
        r#""C:\a tool\probe.exe" args "two words" "a \"quoted\" one" "C:\ends so\\""#,
        r#""C:\a tool\probe.exe" args "in quotes" and not"#,
        "first",
        "second",
    ] {
        assert!(spoke(&failed, wanted), "{wanted}: {failed}");
    }
    assert!(failed.contains("did not complete successfully: exit code: 3221226505"), "{failed}");
    build(&host, &context, &["-t", "test/lines:1", "--target", "said"]).succeed();
    let layers = layers::of(&host, "test/lines:1");
    assert_eq!(layers[2].read("Files/lines.txt"), b"one\n");
    host.transom(&["rmi", "test/lines:1"]).succeed();
}

/// There is a network without anything being set up, or else an error and never a step without one.
#[test]
fn a_host_that_cannot_give_a_network_fails_the_step_and_says_what_it_lacks() {
    let host = host::shared();
    let context = Context::new("FROM transom/base\nRUN echo it ran\n");
    let without = || {
        let line = ["build", "--progress", "plain", "--no-cache"];
        host.transom(&line).arg(context.path("")).env("CNI_PATH", "/nowhere")
    };
    let said = without().fail().errors();
    assert!(said.contains("containernetworking-plugins") && !spoke(&said, "it ran"), "{said}");
    assert!(spoke(&without().arg("--network=none").succeed().errors(), "it ran"));
}
