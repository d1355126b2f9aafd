//! The guest, driven as a silo host drives it, with Wine's own programs.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use schema::container::{RegistryKey, RegistryValue};
use schema::guest::{Answer, Call, Event, Failure, Spawn};
use schema::process::ControlEvent;
use schema::properties::ProcessDetails;
use support::{Guest, command, pipe, read_all};

#[test]
fn a_process_gets_its_raw_command_line_and_reports_all_32_bits() {
    let mut guest = Guest::start("exit");
    let output = guest.run(command(r#"cmd /c "echo a "b c" d& exit 305419896""#), b"");
    assert_eq!(output.stdout.trim_end(), r#"a "b c" d"#);
    assert_eq!(output.code, 305_419_896);
}

#[test]
fn a_missing_program_is_named_with_windows_error_2() {
    let mut guest = Guest::start("missing");
    let failure = guest.spawn(command("nosuch.exe --flag"), &[]).unwrap_err();
    assert!(matches!(failure.code, 2 | 3), "{failure}");
    assert!(failure.message.contains("`nosuch.exe`"), "{failure}");
}

#[test]
fn a_bad_directory_is_named_with_windows_error_267() {
    let mut guest = Guest::start("directory");
    let spawn = Spawn { working_directory: r"C:\nowhere".into(), ..command("cmd /c exit") };
    let failure = guest.spawn(spawn, &[]).unwrap_err();
    assert_eq!(failure.code, 267);
    assert!(failure.message.contains(r"C:\nowhere"), "{failure}");
}

#[test]
fn standard_streams_are_apart_and_end() {
    let mut guest = Guest::start("streams");
    let output = guest.run(command("cmd /c find \"x\"& echo oops 1>&2"), b"ax\r\nb\r\ncx\r\n");
    assert_eq!(output.stdout.replace('\r', ""), "ax\ncx\n");
    assert_eq!(output.stderr.trim_end(), "oops");
}

#[test]
fn a_child_does_not_hold_another_ones_pipe() {
    let mut guest = Guest::start("leak");
    let (sleeper_in, keep) = pipe();
    let sleeper = Spawn { stdin: true, ..command("cmd /c pause") };
    let (out_read, out_write) = pipe();
    let one = Spawn { stdout: true, ..command("cmd /c echo one") };
    let one = guest.spawn(one, &[out_write]).unwrap();
    let sleeper = guest.spawn(sleeper, &[sleeper_in]).unwrap();
    assert_eq!(read_all(out_read).trim_end(), "one");
    assert_eq!(guest.exit_of(one), 0);
    drop(keep);
    guest.exit_of(sleeper);
}

#[test]
fn shutdown_ends_what_runs_and_then_the_session() {
    let mut guest = Guest::start("shutdown");
    let (stdin, _keep) = pipe();
    let pid = guest.spawn(Spawn { stdin: true, ..command("cmd /c pause") }, &[stdin]).unwrap();
    let answer = guest.call(Call::Shutdown { grace_ms: 2000 }, &[]).unwrap();
    assert_eq!(answer, Answer::Done);
    assert!(matches!(guest.event(), Event::Exited { pid: of, .. } if of == pid));
    assert!(guest.ended());
}

#[test]
fn the_registry_is_written_while_a_program_ignores_the_shutdown() {
    let mut guest = Guest::start("stubborn");
    guest.install_probe();
    let (read, write) = pipe();
    let spawn = Spawn { stdout: true, ..command(r"C:\probe.exe stay") };
    guest.spawn(spawn, &[write]).unwrap();
    let mut lines = BufReader::new(std::fs::File::from(read)).lines();
    assert_eq!(lines.next().expect("the probe speaks").unwrap().trim(), "ready");
    assert_eq!(guest.run(command(r"reg add HKLM\Software\Stubborn /f"), b"").code, 0);
    guest.send(Call::Shutdown { grace_ms: 600_000 }, &[]);
    assert_eq!(lines.next().expect("it is told").unwrap().trim(), "event 6");
    // Wine's server itself writes half a minute after it started.
    let end = Instant::now() + Duration::from_secs(20);
    let written = || {
        let text = std::fs::read_to_string(guest.drive_c().join("../system.reg"));
        text.is_ok_and(|text| text.contains(r"[Software\\Stubborn]"))
    };
    while !written() {
        assert!(Instant::now() < end, "it would be lost with the session");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn each_control_event_reaches_a_handler_whose_code_is_reported() {
    let mut guest = Guest::start("events");
    guest.install_probe();
    for event in ControlEvent::ALL {
        let (pid, mut lines) = listening(&mut guest, 3_000_000_000 + event.code());
        signal(&mut guest, Some(pid), event).unwrap();
        assert_eq!(lines.next().unwrap().unwrap().trim(), format!("event {}", event.code()));
        assert_eq!(guest.exit_of(pid), 3_000_000_000 + event.code());
    }
}

#[test]
fn an_event_for_all_reaches_every_process_and_not_the_guest() {
    let mut guest = Guest::start("all");
    guest.install_probe();
    let started = [listening(&mut guest, 7), listening(&mut guest, 8)];
    signal(&mut guest, None, ControlEvent::CtrlShutdown).unwrap();
    for ((pid, mut lines), code) in started.into_iter().zip([7, 8]) {
        assert_eq!(lines.next().unwrap().unwrap().trim(), "event 6");
        assert_eq!(guest.exit_of(pid), code);
    }
    assert_eq!(processes(&mut guest), []);
}

#[test]
fn a_process_that_was_just_started_can_be_signalled() {
    let mut guest = Guest::start("early");
    for _ in 0..10 {
        let (stdin, _keep) = pipe();
        let spawn = Spawn { stdin: true, ..command("cmd /c pause") };
        let pid = guest.spawn(spawn, &[stdin]).unwrap();
        signal(&mut guest, Some(pid), ControlEvent::CtrlShutdown).unwrap();
        guest.exit_of(pid);
    }
}

#[test]
fn a_signal_to_nobody_is_error_1168() {
    let mut guest = Guest::start("nobody");
    let failure = signal(&mut guest, Some(4_000_000), ControlEvent::CtrlC).unwrap_err();
    assert_eq!(failure.code, 1168, "{failure}");
}

#[test]
fn terminate_gives_the_chosen_code_to_one_and_to_all() {
    let mut guest = Guest::start("terminate");
    guest.install_probe();
    let [(one, _a), (two, _b), (three, _c)] = [0; 3].map(|code| listening(&mut guest, code));
    guest.call(Call::Terminate { pid: Some(one), exit_code: 0xC000_013A }, &[]).unwrap();
    assert_eq!(guest.exit_of(one), 0xC000_013A);
    guest.call(Call::Terminate { pid: None, exit_code: 9 }, &[]).unwrap();
    assert_eq!((guest.exit_of(two), guest.exit_of(three)), (9, 9));
}

#[test]
fn processes_are_listed_with_times_and_memory_and_without_the_machinery() {
    let mut guest = Guest::start("list");
    guest.install_probe();
    let (pid, _lines) = listening(&mut guest, 0);
    let listed = processes(&mut guest);
    let [process] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((process.process_id, process.image_name.as_str()), (pid, "probe.exe"));
    assert!(process.create_timestamp.starts_with("20"), "{process:?}");
    assert!(process.memory_commit_bytes > 0, "{process:?}");
    assert!(process.memory_working_set_private_bytes > 0, "{process:?}");
}

#[test]
fn a_child_sees_its_account_and_nothing_of_the_host() {
    let mut guest = Guest::start("environment");
    let environment = [("path", r"C:\app"), ("Mine", "ä b")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let spawn = Spawn {
        user: "containeruser".into(),
        environment: environment.into(),
        ..command(r"C:\windows\system32\cmd.exe /u /c set")
    };
    let output = guest.run(spawn, b"").stdout.replace('\0', "");
    let lines: Vec<&str> = output.lines().collect();
    for line in [
        "USERNAME=ContainerUser",
        r"USERPROFILE=C:\Users\ContainerUser",
        r"TEMP=C:\Users\ContainerUser\AppData\Local\Temp",
        "OS=Windows_NT",
    ] {
        assert!(lines.contains(&line), "{line} is missing: {output}");
    }
    let paths: Vec<_> = lines.iter().filter(|l| l.to_lowercase().starts_with("path=")).collect();
    assert_eq!(paths.len(), 1, "{output}");
    assert!(paths[0].ends_with(r"=C:\app"), "{output}");
    for foreign in ["HOME=", "TRANSOM_", "USER=", "LANG=", "PWD=", "WINEPREFIX"] {
        assert!(!lines.iter().any(|line| line.starts_with(foreign)), "{foreign}: {output}");
    }
}

#[test]
fn an_unknown_user_is_error_1332_and_named() {
    let mut guest = Guest::start("user");
    let spawn = Spawn { user: "nobody-here".into(), ..command("cmd /c exit") };
    let failure = guest.spawn(spawn, &[]).unwrap_err();
    assert_eq!(failure.code, 1332, "{failure}");
    assert!(failure.message.contains("nobody-here"), "{failure}");
}

#[test]
fn users_are_resolved_to_sids() {
    let mut guest = Guest::start("sids");
    for (name, sid) in [
        ("ContainerUser", "S-1-5-93-2-2"),
        (r"BUILTIN\Administrators", "S-1-5-32-544"),
        (r"NT AUTHORITY\SYSTEM", "S-1-5-18"),
        ("Everyone", "S-1-1-0"),
        ("S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1001"),
    ] {
        let answer = guest.call(Call::ResolveUser { name: name.into() }, &[]);
        let Ok(Answer::User(user)) = answer else { panic!("{name}: {answer:?}") };
        assert_eq!(user.sid, sid, "{name}");
    }
    let failure = guest.call(Call::ResolveUser { name: "nobody-here".into() }, &[]).unwrap_err();
    assert_eq!(failure.code, 1332, "{failure}");
}

#[test]
fn registry_values_of_every_type_are_written_and_keys_deleted() {
    let mut guest = Guest::start("registry");
    let key = RegistryKey {
        hive: "System".into(),
        name: r"ControlSet001\Control\Transom".into(),
        volatile: false,
    };
    let value = |name: &str, value_type: &str| RegistryValue {
        key: Some(key.clone()),
        name: name.into(),
        value_type: value_type.into(),
        string_value: "text".into(),
        binary_value: "AQID".into(),
        dword_value: 42,
        qword_value: 43,
        custom_type: 0x1234,
    };
    let add_values = ["String", "ExpandedString", "MultiString", "Binary", "DWord", "QWord"]
        .map(|kind| value(kind, kind))
        .to_vec();
    guest.call(Call::Registry { delete_keys: vec![], add_values }, &[]).unwrap();
    let query = r"reg query HKLM\System\CurrentControlSet\Control\Transom";
    let output = guest.run(command(query), b"").stdout;
    for kind in ["REG_SZ", "REG_EXPAND_SZ", "REG_MULTI_SZ", "REG_BINARY", "0x2a", "REG_QWORD"] {
        assert!(output.contains(kind), "{kind} is missing: {output}");
    }
    guest.call(Call::FlushRegistry, &[]).unwrap();
    let saved = std::fs::read_to_string(guest.drive_c().join("../system.reg")).unwrap();
    assert!(saved.contains(r"Control\\Transom"), "not written to disk");
    let gone = Call::Registry { delete_keys: vec![key], add_values: vec![] };
    guest.call(gone, &[]).unwrap();
    assert_eq!(guest.run(command(query), b"").code, 1);
}

#[test]
fn a_bad_registry_value_is_named_and_changes_nothing() {
    let mut guest = Guest::start("bad-registry");
    let key = RegistryKey { hive: "Nope".into(), name: "x".into(), volatile: false };
    let call = Call::Registry { delete_keys: vec![key], add_values: vec![] };
    let failure = guest.call(call, &[]).unwrap_err();
    assert!(failure.message.contains("`Nope`"), "{failure}");
}

#[test]
fn much_output_arrives_unchanged() {
    let mut guest = Guest::start("much");
    let line = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
    let input = line.repeat(64 << 10);
    std::fs::write(guest.drive_c().join("much.txt"), &input).unwrap();
    let output = guest.run(command(r"cmd /c type C:\much.txt"), b"");
    assert!(output.stdout == input, "{} of {} bytes", output.stdout.len(), input.len());
}

#[test]
fn a_program_that_needs_a_seed_finds_one() {
    let mut guest = Guest::start("seed");
    guest.install_probe();
    let output = guest.run(command(r"C:\probe.exe map"), b"");
    assert_eq!((output.stdout.trim(), output.code), ("81", 0), "{}", output.stderr);
}

type Lines = std::io::Lines<BufReader<std::fs::File>>;

/// Starts the probe, listening for events.
fn listening(guest: &mut Guest, code: u32) -> (u32, Lines) {
    let (read, write) = pipe();
    let line = format!(r"C:\probe.exe events {code}");
    let pid = guest.spawn(Spawn { stdout: true, ..command(&line) }, &[write]).unwrap();
    let mut lines = BufReader::new(std::fs::File::from(read)).lines();
    assert_eq!(lines.next().expect("the probe speaks").unwrap().trim(), "ready");
    (pid, lines)
}

fn signal(guest: &mut Guest, pid: Option<u32>, event: ControlEvent) -> Result<Answer, Failure> {
    guest.call(Call::Signal { pid, event }, &[])
}

fn processes(guest: &mut Guest) -> Vec<ProcessDetails> {
    match guest.call(Call::Processes, &[]) {
        Ok(Answer::Processes { processes }) => processes,
        other => panic!("not a list but {other:?}"),
    }
}

#[test]
fn the_service_manager_starts_when_somebody_asks_for_it() {
    let mut guest = Guest::start("services");
    let output = guest.run(command("sc query RpcSs"), b"");
    assert_eq!(output.code, 0, "{output:?}");
    let output = guest.run(command("net start RpcSs"), b"");
    assert_eq!(output.code, 0, "{output:?}");
    assert_eq!(processes(&mut guest), [], "the machinery is listed");
}

#[test]
fn a_process_on_a_terminal_sees_its_size_and_follows_a_resize() {
    let resident = Guest::start("terminal");
    resident.install_probe();
    let (mut guest, terminal) = resident.start_on_terminal(30, 100);
    let probe = Spawn { console: true, ..command(r"C:\probe.exe size") };
    let pid = guest.spawn(probe, &[]).unwrap();
    let mut screen = Screen::of(terminal);
    while !screen.shows("size=30x100") {}
    guest.call(Call::Resize { pid, height: 40, width: 120 }, &[]).unwrap();
    // What is typed before the console host listens may be thrown away, as on any terminal.
    while !screen.shows("size=40x120") {
        screen.type_in("x\r");
    }
    guest.call(Call::Terminate { pid: Some(pid), exit_code: 300 }, &[]).unwrap();
    assert_eq!(guest.exit_of(pid), 300);
}

/// A terminal as somebody before it sees it.
struct Screen {
    terminal: std::fs::File,
    shown: String,
}

impl Screen {
    fn of(terminal: std::fs::File) -> Self {
        Self { terminal, shown: String::new() }
    }

    fn type_in(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    /// Whether the text was shown, by a second from now.
    fn shows(&mut self, text: &str) -> bool {
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        let mut buffer = [0; 4096];
        while !self.shown.contains(text) {
            let mut ready = [PollFd::new(&self.terminal, PollFlags::IN)];
            if poll(&mut ready, Some(&second)).unwrap() == 0 {
                return false;
            }
            let count = self.terminal.read(&mut buffer).expect("the terminal is there");
            self.shown.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        true
    }
}
