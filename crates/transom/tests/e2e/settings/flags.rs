//! Flags and what is seen of them inside. Containers are shared by as many flags as go together.

use serde_json::Value;

use crate::support::container::{BASE, Container};
use crate::support::host;

/// A flag, a command line for `cmd /c`, and what it prints then.
type Row<'t> = (&'t str, &'t str, &'t str);

fn run_all(container: &Container<'_>, rows: &[Row<'_>]) {
    for (flag, line, expected) in rows {
        let output = container.exec(&["cmd", "/c", line]).output();
        // Wine's `hostname` shouts.
        let text = format!("{}\n{}", output.text(), output.errors()).to_lowercase();
        assert!(
            text.contains(&expected.to_lowercase()),
            "{flag}: `{line}` prints no `{expected}`: {output:?}"
        );
    }
}

#[test]
fn flags_of_the_process_files_and_network_are_seen_inside() {
    let host = host::shared();
    let scratch = host.scratch();
    let write = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (key, config, variables) = (
        write("key", "very secret"),
        write("config", "width=4"),
        write("env", "# x\nFILED=from file\n"),
    );
    let folder = scratch.path().to_string_lossy();
    let flags = [
        "--interactive".to_owned(),
        "--env=OWN=from flag".to_owned(),
        format!("--env-file={variables}"),
        r"--workdir=C:\work".to_owned(),
        "--hostname=porthole".to_owned(),
        "--add-host=elsewhere:127.9.8.7".to_owned(),
        "--mac-address=02:42:0a:0b:0c:0d".to_owned(),
        format!("--secret=id=db,src={key}"),
        format!(r"--secret=id=other,src={key},target=C:\keys\other.key"),
        format!("--config=id=app.ini,src={config}"),
        format!(r"--config=id=deep,src={config},target=C:\etc\deep.ini"),
        format!(r"--mount=type=bind,source={folder},target=C:\bound,readonly"),
        format!(r"--volume={folder}:C:\free"),
        r"--volume=C:\unnamed".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let container = Container::run(&host, &flags, &[BASE, "cmd"]);
    run_all(
        &container,
        &[
            ("--env", "echo %OWN%", "from flag"),
            ("--env-file", "echo %FILED%", "from file"),
            ("--workdir", "cd", r"C:\work"),
            ("--hostname", "hostname", "porthole"),
            ("--add-host", "ping -n 1 elsewhere", "127.9.8.7"),
            ("--mac-address", "ipconfig /all", "02-42-0A-0B-0C-0D"),
            ("--secret", r"type C:\ProgramData\Docker\secrets\db", "very secret"),
            ("--secret target", r"type C:\keys\other.key", "very secret"),
            ("--secret folder", r"type C:\ProgramData\Docker\internal\secrets\db", "very secret"),
            (
                "--secret is read-only",
                r"echo x > C:\ProgramData\Docker\internal\secrets\db",
                "enied",
            ),
            ("--config", r"type C:\app.ini", "width=4"),
            ("--config target", r"type C:\etc\deep.ini", "width=4"),
            ("--mount", r"type C:\bound\config", "width=4"),
            ("--mount readonly", r"echo x > C:\bound\new", "enied"),
            ("--volume", r"echo y > C:\free\new & type C:\bound\new", "y"),
            ("--volume, anonymous", r"echo z > C:\unnamed\f & type C:\unnamed\f", "z"),
        ],
    );
    assert!(scratch.path().join("new").exists());
}

#[test]
fn secrets_are_in_memory_and_gone_with_the_container() {
    let host = host::shared();
    let scratch = host.scratch();
    let key = scratch.path().join("key");
    std::fs::write(&key, "the-needle-that-is-not-kept").unwrap();
    let flag = format!("--secret=id=k,src={}", key.display());
    let container = Container::run(&host, &["--interactive", &flag], &[BASE, "cmd"]);
    let place = host.state().join("secrets").join(container.id());
    let mounted = || {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let line = mounts.lines().find(|line| line.contains(&*place.to_string_lossy()));
        line.map(str::to_owned)
    };
    assert!(mounted().is_some_and(|line| line.starts_with("tmpfs ")));
    let kept = host.root().join("containers").join(container.id());
    let found = std::process::Command::new("grep")
        .args(["--recursive", "--files-with-matches", "the-needle-that-is-not-kept"])
        .arg(kept)
        .output();
    assert_eq!(String::from_utf8_lossy(&found.unwrap().stdout), "", "it is on the disk");
    container.remove();
    assert_eq!((mounted(), place.exists()), (None, false));
}

#[test]
fn a_fixed_address_is_the_containers() {
    let host = host::shared();
    let subnet = "10.211.0.0/24";
    let name = format!("fixed-{}", std::process::id());
    host.transom(&["network", "create", "--subnet", subnet, &name]).succeed();
    let flags = ["run", "--rm", "--network", &name, "--ip", "10.211.0.77", BASE];
    let output = host.transom(&flags).args(&["cmd", "/c", "ipconfig"]).output();
    host.transom(&["network", "rm", &name]).succeed();
    assert!(output.text().contains("10.211.0.77"), "{output:?}");
}

#[test]
fn what_cannot_take_effect_is_refused_with_the_reason() {
    let host = host::shared();
    let rows: &[(&[&str], &str)] = &[
        (&["--privileged"], "--privileged is refused"),
        (&["--cpu-quota", "5"], "--cpu-quota is refused"),
        (&["--network", "host"], "network host is refused"),
        (&["--network", "none", "--ip", "10.0.0.5"], "--ip"),
        (&["--mount", r"type=tmpfs,target=C:\t"], "tmpfs"),
        (&["--mount", r"type=bind,source=/nowhere/at/all,target=C:\t"], "/nowhere/at/all"),
        (&["--volume", r"/tmp:C:\"], "c:"),
        (&["--secret", "id=a,src=/nowhere/at/all"], "/nowhere/at/all"),
        (&["--log-driver", "syslog"], "syslog"),
        (&["--health-interval", "5"], "--health-interval"),
        (&["--restart", "sometimes"], "sometimes"),
        (&["--cpus", "1", "--cpu-count", "1"], "CPU"),
        (&["--security-opt", "seccomp=x"], "seccomp"),
        (&["--security-opt", "credentialspec=file://../x"], "CredentialSpecs"),
    ];
    for (flags, reason) in rows {
        let line = [&["run", "--rm"], *flags, &[BASE, "cmd", "/c", "ver"]].concat();
        let output = host.transom(&line).end_with(125);
        let errors = output.errors();
        assert!(errors.to_lowercase().contains(&reason.to_lowercase()), "{reason}: {output:?}");
    }
}

#[test]
fn a_spec_is_printed_and_nothing_is_made() {
    let host = host::shared();
    let volume = format!("imagined-{}", std::process::id());
    let mount = format!(r"{volume}:C:\v");
    let line =
        ["spec", "--memory", "300m", "--env", "A=1", "--volume", &mount, BASE, "cmd", "/c", "ver"];
    let spec: Value = host.transom(&line).succeed().json();
    assert_eq!(spec["windows"]["resources"]["memory"]["limit"], 300 << 20);
    assert_eq!(spec["mounts"][0]["destination"], r"C:\v");
    assert_eq!(spec["process"]["env"][0], "A=1");
    let id = spec["windows"]["network"]["networkNamespace"].as_str().unwrap();
    host.transom(&["inspect", id]).fail();
    host.transom(&["volume", "inspect", &volume]).fail();
}

#[test]
fn limits_change_while_a_container_runs() {
    let host = host::shared();
    let container = Container::run(&host, &["--interactive"], &[BASE, "cmd"]);
    container.transom("update", &["--memory", "256m", "--restart", "on-failure:4"]).succeed();
    container.transom("update", &["--cpus", "0.5"]).succeed();
    let config = container.inspect()["HostConfig"].take();
    assert_eq!(
        (&config["Memory"], &config["NanoCpus"]),
        (&(256 << 20).into(), &500_000_000.into())
    );
    assert_eq!(config["RestartPolicy"]["MaximumRetryCount"], 4);
    let limit = limit_of(container.id()).expect("the container has a control group");
    assert_eq!(limit, (256 << 20).to_string());
    let output = container.transom("update", &["--memory-swap", "1g"]).fail();
    assert!(output.errors().contains("--memory-swap is refused"), "{output:?}");
}

/// The memory limit that the kernel has for a container.
fn limit_of(id: &str) -> Option<String> {
    let line = "find /sys/fs/cgroup -path \"*$0*\" \\( -name memory.limit_in_bytes -o -name memory.max \\) \
                -print | sort | head -n 1 | xargs --no-run-if-empty cat";
    let output = std::process::Command::new("sh").args(["-c", line, id]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}
