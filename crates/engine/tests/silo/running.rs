//! What a program inside finds: its name, its network's files, its streams, its registry.

use engine::{Process, System};
use schema::ConsoleSize;
use schema::container::{GuestOs, Networking, RegistryChanges, RegistryKey, RegistryValue};
use schema::process::ProcessParameters;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::host::command;
use crate::subject::{Running, need_host};

#[tokio::test(flavor = "multi_thread")]
async fn the_host_name_is_the_documents() {
    need_host!();
    let silo = Running::start("named", |container| {
        container.guest_os = Some(GuestOs { host_name: "web-0".into() });
    })
    .await;
    assert_eq!(silo.run("hostname").await.out.trim().to_lowercase(), "web-0");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_port_can_be_listened_on_and_ping_works() {
    need_host!();
    let silo = Running::start("ports", |_| {}).await;
    let text = silo.probe("listen").await;
    for name in ["port_80", "ping"] {
        assert_eq!(crate::subject::value(&text, name), 0, "{name}");
    }
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_list_reaches_the_resolver() {
    need_host!();
    let silo = Running::start("search", |container| {
        container.networking = Some(Networking {
            dns_search_list: "a.example,b.example".into(),
            allow_unqualified_dns_query: true,
            ..Networking::default()
        });
    })
    .await;
    let text = silo.probe("file /etc/resolv.conf").await;
    assert!(text.contains("search a.example b.example\noptions ndots:0"), "{text}");
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registry_values_of_the_document_are_there_and_last_after_a_shutdown() {
    need_host!();
    let silo = Running::start("registry", |container| {
        let key =
            RegistryKey { hive: "Software".into(), name: r"Transom\Test".into(), volatile: false };
        let value = RegistryValue {
            key: Some(key),
            name: "Colour".into(),
            value_type: "String".into(),
            string_value: "green".into(),
            ..RegistryValue::default()
        };
        container.registry_changes =
            Some(RegistryChanges { add_values: vec![value], delete_keys: Vec::new() });
    })
    .await;
    let shown = silo.run(r"reg query HKLM\Software\Transom\Test").await.out;
    assert!(shown.contains("green"), "{shown}");
    let added = silo.run(r"reg add HKLM\Software\Transom\Test /v Late /d yes").await;
    assert_eq!(added.code, 0, "{}{}", added.out, added.err);
    silo.system.shutdown().await.unwrap();
    assert_eq!(silo.system.wait().await.kind, engine::ExitKind::Graceful);
    let kept = silo.host.scratch(&silo.id).join("prefix/system.reg");
    let kept = std::fs::read_to_string(kept).unwrap();
    assert!(kept.contains("\"Late\"=\"yes\""), "the registry was not written");
    silo.end().await;
}

/// Writing it takes longer than the rest of an end.
#[tokio::test(flavor = "multi_thread")]
async fn the_machines_registry_is_written_only_when_something_in_it_became_another() {
    need_host!();
    let home = r"reg add HKCU\Software\Transom /v Mine /d yes /f";
    for (name, command, written) in [
        ("untouched", "hostname", [false, false]),
        ("own", home, [false, true]),
        ("set", r"reg add HKLM\Software\Transom /v Late /d yes /f", [true, true]),
        ("gone", r"reg delete HKLM\Software\Microsoft\Speech /f", [true, true]),
    ] {
        let silo = Running::start(name, |_| {}).await;
        let prefix = silo.host.scratch(&silo.id).join("prefix");
        let files = [prefix.join("system.reg"), prefix.join("user.reg")];
        let identities = || files.each_ref().map(|file| engine::os::fs::identity_of(file).unwrap());
        let before = identities();
        let ended = silo.run(command).await;
        assert_eq!(ended.code, 0, "{name}: {}{}", ended.out, ended.err);
        silo.system.shutdown().await.unwrap();
        assert_eq!(silo.system.wait().await.kind, engine::ExitKind::Graceful, "{name}");
        let after = identities();
        assert_eq!([0, 1].map(|file| before[file] != after[file]), written, "{name}");
        let [machine, own] = files.map(|file| std::fs::read_to_string(file).unwrap());
        assert_eq!(machine.contains("\"Late\"=\"yes\""), name == "set");
        assert_eq!(own.contains("\"Mine\"=\"yes\""), name == "own");
        silo.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_mebibytes_go_through_unchanged() {
    need_host!();
    let silo = Running::start("much", |_| {}).await;
    let parameters =
        ProcessParameters { create_std_in_pipe: true, ..command(r"C:\probe.exe echo") };
    let (process, streams) = silo.system.spawn(&parameters).await.unwrap();
    let (mut stdin, mut stdout) = (streams.stdin.unwrap(), streams.stdout.unwrap());
    let block: Vec<u8> =
        (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sent = block.clone();
    let writer = tokio::spawn(async move {
        for _ in 0..100 {
            stdin.write_all(&sent).await.unwrap();
        }
    });
    let mut seen = vec![0; block.len()];
    for _ in 0..100 {
        stdout.read_exact(&mut seen).await.unwrap();
        assert!(seen == block, "bytes changed on their way");
    }
    writer.await.unwrap();
    assert_eq!(stdout.read(&mut seen).await.unwrap(), 0);
    assert_eq!(process.wait().await.0, 0);
    silo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_is_a_terminal_that_can_be_typed_at_and_resized() {
    need_host!();
    let silo = Running::start("console", |_| {}).await;
    let parameters = ProcessParameters {
        command_line: "cmd".into(),
        emulate_console: true,
        create_std_in_pipe: true,
        create_std_out_pipe: true,
        console_size: Some([30, 100]),
        ..ProcessParameters::default()
    };
    let (process, streams) = silo.system.spawn(&parameters).await.unwrap();
    let (mut stdin, mut stdout) = (streams.stdin.unwrap(), streams.stdout.unwrap());
    assert!(streams.stderr.is_none());
    process.resize(ConsoleSize { height: 40, width: 120 }).await.unwrap();
    stdin.write_all(b"set /a 6*7+100000\r").await.unwrap();
    let mut seen = String::new();
    let mut chunk = [0; 4096];
    while !seen.contains("100042") {
        let next =
            tokio::time::timeout(std::time::Duration::from_secs(20), stdout.read(&mut chunk));
        let count = next.await.unwrap_or_else(|_| panic!("nothing more after {seen:?}")).unwrap();
        assert!(count > 0, "it ended: {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&chunk[..count]));
    }
    stdin.write_all(b"exit 3\r").await.unwrap();
    assert_eq!(process.wait().await.0, 3);
    silo.end().await;
}
