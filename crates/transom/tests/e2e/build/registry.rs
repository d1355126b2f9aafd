//! What steps change of the registry: `reg add` and `setx`, seen by later steps and stages, by
//! containers, and by a reader of hives that is not ours.

use std::process::Command;

use super::{Context, build};
use crate::support::host;
use crate::support::layers;

const DOCKERFILE: &str = r#"# escape=`
FROM transom/base AS tools
RUN setx ACME_HOME "C:\acme dir" /M && setx /M PATH "%PATH%;C:\acme" && setx MINE own
RUN reg add HKLM\Software\Acme /v Version /d 7 /f
FROM tools
RUN echo [%ACME_HOME%] [%MINE%] && path
RUN setx TWICE "%ACME_HOME%\bin" /M
CMD echo [%ACME_HOME%] [%TWICE%] [%MINE%] && path
"#;

#[test]
fn setx_is_seen_by_later_steps_stages_containers_and_other_readers() {
    let host = host::shared();
    let context = Context::new(DOCKERFILE);
    let said = build(&host, &context, &["-t", "test/setx:1"]).succeed().errors();
    assert!(said.contains("SUCCESS: Specified value was saved."), "{said}");
    assert!(said.contains(r"[C:\acme dir] [own]"), "{said}");
    let seen = host.transom(&["run", "--rm", "test/setx:1"]).succeed().text();
    assert!(seen.contains(r"[C:\acme dir] [C:\acme dir\bin] [own]"), "{seen}");
    let path = seen.lines().last().unwrap_or_default().to_lowercase();
    assert!(path.ends_with(r";c:\acme") && path.contains(r"c:\windows\system32"), "{seen}");

    let folder = host.scratch();
    let system = layers::of(&host, "test/setx:1")
        .into_iter()
        .find(|layer| layer.holds("Hives/System_Delta"))
        .expect("a layer with a hive of the system");
    let hive = folder.path().join("System_Delta");
    std::fs::write(&hive, system.read("Hives/System_Delta")).expect("a file can be written");
    let script = "cd \\ControlSet001\\Control\\Session Manager\\Environment\nlsval\n";
    let values = hivexsh(&hive, script);
    assert!(values.contains(r#""ACME_HOME"="C:\\acme dir""#), "{values}");
    let path = values.lines().find(|line| line.to_lowercase().starts_with("\"path\"="));
    assert!(path.is_some_and(|path| path.ends_with(r#";C:\\acme""#)), "{values}");
}

#[test]
fn setx_refuses_what_windows_refuses() {
    let host = host::shared();
    let line = ["run", "--rm", "transom/base", "setx", "ONLYNAME"];
    let output = host.transom(&line).end_with(1);
    assert!(output.errors().contains("ERROR: Invalid syntax."), "{output:?}");
    let line = ["run", "--rm", "transom/base", "cmd", "/c"];
    let key = r"HKEY_LOCAL_MACHINE\Software\Microsoft\Windows NT\CurrentVersion\CurrentBuildNumber";
    let script = format!("setx BUILD /K \"{key}\" && reg query HKCU\\Environment /v BUILD");
    let output = host.transom(&line).arg(script).succeed();
    assert!(output.text().contains("20348"), "{output:?}");
}

/// Debian's reader of hives.
fn hivexsh(hive: &std::path::Path, script: &str) -> String {
    use std::io::Write;
    let mut command = Command::new("hivexsh");
    command.arg(hive).stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("libhivex-bin is installed");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(script.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
