//! `run` and `create`: flags to a create request.

use anyhow::{Context, Result, bail};
use spec::api::{Config, ConsoleSize, DeviceMapping, HostConfig, LogConfig, Mount, RestartPolicy};
use spec::create::CreateRequest;

use super::{health, mount, network, pairs, ports, size};
use crate::attach::terminal;
use crate::cli::run::{Create, HostFlags, ProcessFlags};

/// What the flags ask for. `detached` is `run -d`.
pub fn request(flags: &Create, detached: bool) -> Result<CreateRequest> {
    let (bindings, exposed) = ports::parse(&flags.host.publish, &flags.process.expose)?;
    let mut config = config(&flags.process, &flags.line, detached)?;
    config.exposed_ports = exposed;
    config.healthcheck = health::parse(&flags.health)?;
    let mut host_config = host_config(&flags.host)?;
    host_config.port_bindings = bindings;
    host_config.console_size = console_size(config.tty);
    // An unnamed place inside stands for a volume without a name, as docker's own client sends it.
    for place in &flags.host.volume {
        if lone_place(place) {
            config.volumes.insert(place.clone());
        } else {
            host_config.binds.push(place.clone());
        }
    }
    if let Some(file) = &flags.cidfile {
        host_config.container_id_file = file.to_string_lossy().into_owned();
    }
    let (mode, networking) = network::parse(&flags.host)?;
    host_config.network_mode = mode;
    Ok(CreateRequest { config, host_config, networking })
}

fn config(flags: &ProcessFlags, line: &[String], detached: bool) -> Result<Config> {
    let (image, cmd) = line.split_first().context("an image is needed")?;
    let attached = attached(flags, detached)?;
    let entrypoint = flags.entrypoint.as_ref().map(|program| vec![program.clone()]);
    Ok(Config {
        hostname: flags.hostname.clone().unwrap_or_default(),
        domainname: flags.domainname.clone().unwrap_or_default(),
        user: flags.user.clone().unwrap_or_default(),
        attach_stdin: attached.stdin,
        attach_stdout: attached.stdout,
        attach_stderr: attached.stderr,
        tty: flags.tty,
        open_stdin: flags.interactive,
        stdin_once: flags.interactive && attached.stdin,
        env: pairs::environment(&flags.env_file, &flags.env)?,
        cmd: cmd.to_vec(),
        image: image.clone(),
        working_dir: flags.workdir.clone().unwrap_or_default(),
        entrypoint,
        labels: pairs::labels(&flags.label_file, &flags.label)?,
        stop_signal: flags.stop_signal.clone().unwrap_or_default(),
        stop_timeout: flags.stop_timeout,
        ..Config::default()
    })
}

/// Which streams `run` is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Attached {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

fn attached(flags: &ProcessFlags, detached: bool) -> Result<Attached> {
    if detached {
        if !flags.attach.is_empty() {
            bail!("conflicting options: cannot specify both --attach and --detach");
        }
        return Ok(Attached { stdin: false, stdout: false, stderr: false });
    }
    if flags.attach.is_empty() {
        return Ok(Attached { stdin: flags.interactive, stdout: true, stderr: true });
    }
    let mut attached = Attached { stdin: false, stdout: false, stderr: false };
    for stream in &flags.attach {
        match stream.to_ascii_lowercase().as_str() {
            "stdin" => attached.stdin = true,
            "stdout" => attached.stdout = true,
            "stderr" => attached.stderr = true,
            _ => bail!("--attach {stream}: STDIN, STDOUT or STDERR is wanted"),
        }
    }
    Ok(attached)
}

fn host_config(flags: &HostFlags) -> Result<HostConfig> {
    let bytes = |flag: &str, text: &Option<String>| match text {
        Some(text) => size::parse(text).with_context(|| format!("reading {flag}")),
        None => Ok(0),
    };
    let signed = |flag: &str, bytes: u64| {
        i64::try_from(bytes).with_context(|| format!("{flag} is too large"))
    };
    let devices = flags
        .device
        .iter()
        .map(|path| DeviceMapping { path_on_host: path.clone(), ..DeviceMapping::default() });
    let mounts: Result<Vec<Mount>> = flags.mount.iter().map(|text| mount::parse(text)).collect();
    for entry in &flags.add_host {
        super::extra_host(entry)?;
    }
    Ok(HostConfig {
        log_config: LogConfig {
            driver: flags.log_driver.clone().unwrap_or_else(|| "json-file".to_owned()),
            config: pairs::options("--log-opt", &flags.log_opt)?,
        },
        restart_policy: restart_policy(&flags.restart)?,
        auto_remove: flags.rm,
        volumes_from: flags.volumes_from.clone(),
        annotations: pairs::options("--annotation", &flags.annotation)?,
        dns: flags.dns.iter().map(ToString::to_string).collect(),
        dns_search: flags.dns_search.clone(),
        extra_hosts: flags.add_host.iter().map(|entry| entry.replacen('=', ":", 1)).collect(),
        publish_all_ports: flags.publish_all,
        security_opt: flags.security_opt.clone(),
        storage_opt: pairs::options("--storage-opt", &flags.storage_opt)?,
        isolation: spec::Isolation(flags.isolation.clone().unwrap_or_default()),
        mounts: mounts?,
        cpu_shares: flags.cpu_shares.unwrap_or_default(),
        memory: signed("--memory", bytes("--memory", &flags.memory)?)?,
        nano_cpus: nano_cpus(flags.cpus.as_deref())?,
        devices: devices.collect(),
        cpu_count: flags.cpu_count.unwrap_or_default(),
        cpu_percent: flags.cpu_percent.unwrap_or_default(),
        io_maximum_iops: flags.io_maxiops.unwrap_or_default(),
        io_maximum_bandwidth: bytes("--io-maxbandwidth", &flags.io_maxbandwidth)?,
        ..HostConfig::default()
    })
}

/// `no`, `always`, `unless-stopped`, `on-failure` and `on-failure:N`.
pub fn restart_policy(text: &str) -> Result<RestartPolicy> {
    let (name, count) = match text.split_once(':') {
        Some((name, count)) => {
            let count = count.parse();
            (
                name,
                count.with_context(|| {
                    format!("invalid restart policy \"{text}\": N must be a number")
                })?,
            )
        }
        None => (text, 0),
    };
    let policy = RestartPolicy { name: name.to_owned(), maximum_retry_count: count };
    spec::validate::restart_policy(&policy)?;
    Ok(policy)
}

/// Docker's decimal number of CPUs, in 10^-9.
pub fn nano_cpus(text: Option<&str>) -> Result<i64> {
    let Some(text) = text else { return Ok(0) };
    let wrong = || format!("invalid value of --cpus: \"{text}\"");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || text.is_empty() || part.len() > 9 {
        bail!("{}: a decimal number with at most nine places is wanted", wrong());
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().with_context(wrong)? };
    let part: i64 = format!("{part:0<9}").parse().with_context(wrong)?;
    whole.checked_mul(1_000_000_000).and_then(|nano| nano.checked_add(part)).with_context(wrong)
}

fn console_size(tty: bool) -> ConsoleSize {
    match terminal::size().filter(|_| tty) {
        Some((height, width)) => ConsoleSize { height: height.into(), width: width.into() },
        None => ConsoleSize::default(),
    }
}

/// `C:\x` alone.
fn lone_place(text: &str) -> bool {
    let bytes = text.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':');
    drive && text.matches(':').count() == 1
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn request_of(line: &str) -> Result<CreateRequest> {
        let cli = Cli::try_parse_from(line.split_whitespace())?;
        let Command::Run(run) = cli.command else { panic!("not run") };
        request(&run.create, run.detach)
    }

    #[test]
    fn flags_become_the_settings_that_docker_sends() {
        let request = request_of(
            r"transom run -it -e A=1 --cpus 1.5 -m 512m -v C:\d -v /srv:C:\s:ro -p 80:80 --rm img cmd /c ver",
        );
        let CreateRequest { config, host_config, networking } = request.unwrap();
        assert_eq!((config.image.as_str(), config.cmd.len()), ("img", 3));
        assert!(config.tty && config.open_stdin && config.stdin_once && host_config.auto_remove);
        assert_eq!((host_config.nano_cpus, host_config.memory), (1_500_000_000, 512 << 20));
        assert_eq!(config.volumes.iter().collect::<Vec<_>>(), [r"C:\d"]);
        assert_eq!(host_config.binds, [r"/srv:C:\s:ro"]);
        assert!(networking.endpoints_config.contains_key("default"));
    }

    #[test]
    fn detached_containers_are_attached_to_nothing() {
        let request = request_of("transom run -di img").unwrap();
        assert!(request.config.open_stdin && !request.config.stdin_once);
        assert!(request_of("transom run -d -a stdout img").is_err());
    }

    #[test]
    fn cpus_are_decimal() {
        assert_eq!(nano_cpus(Some(".25")).unwrap(), 250_000_000);
        for text in ["", "x", "-1", "1.0000000001", "99999999999"] {
            assert!(nano_cpus(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_restart_policy_is_checked() {
        assert_eq!(restart_policy("on-failure:3").unwrap().maximum_retry_count, 3);
        for text in ["sometimes", "always:3", "on-failure:x"] {
            assert!(restart_policy(text).is_err(), "{text}");
        }
    }
}
