//! Flags that docker knows and Transom refuses, each with its reason: a table for each command that
//! has some.
//!
//! A flag that is taken and then passed over is worse than one that is refused, and one that is
//! refused as unknown tells nobody why.

use std::marker::PhantomData;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

const LINUX_ONLY: &str = "it is a setting of Linux containers, which Windows does not have";
const CGROUP: &str = "Windows does not support it; use --cpus, --cpu-shares or --memory";

const STEPS: &str = "steps of builds have no limits of their own";
const SWARM: &str = "it is for swarms, and there is none";

/// Names of flags, each with why it is refused.
type Reasons = &'static [(&'static str, &'static str)];

/// What a command refuses.
pub trait Table: std::fmt::Debug + Clone + Copy + Send + Sync + 'static {
    /// Flags that take a value.
    const VALUES: Reasons;
    /// Flags that take none, with the value that asks for nothing.
    const SWITCHES: &'static [(&'static str, &'static str, &'static str)];
}

/// `run`, `create` and `update`
#[derive(Debug, Clone, Copy)]
pub struct OfRun;

/// `network create`
#[derive(Debug, Clone, Copy)]
pub struct OfNetworkCreate;

/// `network connect`
#[derive(Debug, Clone, Copy)]
pub struct OfNetworkConnect;

/// `build`
#[derive(Debug, Clone, Copy)]
pub struct OfBuild;

impl Table for OfRun {
    const VALUES: Reasons = RUN;
    const SWITCHES: &'static [(&'static str, &'static str, &'static str)] = &[
        ("disable-content-trust", "false", "content trust is not implemented"),
        ("init", "false", LINUX_ONLY),
        ("oom-kill-disable", "false", CGROUP),
        (
            "privileged",
            "false",
            "a privileged container would be the host; Windows has none either",
        ),
        ("read-only", "false", "a Windows container's C: drive cannot be read-only"),
        ("use-api-socket", "false", "there is no daemon with a socket"),
    ];
}

impl Table for OfBuild {
    const VALUES: Reasons = &[
        (
            "allow",
            "there is nothing to allow: Windows has neither a host network nor insecure steps",
        ),
        ("builder", "there is one builder, this one"),
        ("cgroup-parent", CGROUP),
        ("cpu-period", CGROUP),
        ("cpu-quota", CGROUP),
        ("cpu-shares", STEPS),
        ("cpuset-cpus", CGROUP),
        ("cpuset-mems", CGROUP),
        ("isolation", "steps run as the platform layer does, in a process of their own"),
        ("memory", STEPS),
        ("memory-swap", CGROUP),
        ("policy", "policies of sources are not implemented"),
        ("security-opt", "steps of builds have no security options"),
        ("shm-size", LINUX_ONLY),
        ("ulimit", CGROUP),
    ];
    const SWITCHES: &'static [(&'static str, &'static str, &'static str)] = &[
        ("compress", "false", "there is no daemon that the context is sent to"),
        ("disable-content-trust", "true", "content trust is not implemented"),
        ("squash", "false", "layers are not squashed; copy from a stage into another one"),
    ];
}

impl Table for OfNetworkCreate {
    const VALUES: Reasons = &[
        (
            "aux-address",
            "addresses are chosen from the whole subnet; give one that is taken with connect --ip",
        ),
        ("config-from", SWARM),
        ("ip-range", "addresses are chosen from the whole subnet"),
        ("ipam-opt", "the default IPAM driver has no options"),
        ("opt", "the driver nat has no options here"),
    ];
    const SWITCHES: &'static [(&'static str, &'static str, &'static str)] = &[
        ("config-only", "false", SWARM),
        ("ingress", "false", SWARM),
        ("ipv4", "true", "networks here are IPv4, as Windows' nat is"),
        ("ipv6", "false", "networks here are IPv4, as Windows' nat is"),
    ];
}

impl Table for OfNetworkConnect {
    const VALUES: Reasons = &[
        ("driver-opt", "the driver nat has no options here"),
        ("gw-priority", "which network has the gateway cannot be chosen"),
        ("ip6", "Windows NAT networks have no IPv6"),
        ("link", "legacy links are not supported on Windows; use --alias"),
        ("link-local-ip", "it is not supported on Windows"),
    ];
    const SWITCHES: &'static [(&'static str, &'static str, &'static str)] = &[];
}

const RUN: Reasons = &[
    ("blkio-weight", CGROUP),
    ("blkio-weight-device", CGROUP),
    ("cap-add", LINUX_ONLY),
    ("cap-drop", "a container has no capability to begin with"),
    ("cgroup-parent", CGROUP),
    ("cgroupns", LINUX_ONLY),
    ("cpu-period", CGROUP),
    ("cpu-quota", CGROUP),
    ("cpu-rt-period", CGROUP),
    ("cpu-rt-runtime", CGROUP),
    ("cpuset-cpus", CGROUP),
    ("cpuset-mems", CGROUP),
    ("device-cgroup-rule", LINUX_ONLY),
    ("device-read-bps", CGROUP),
    ("device-read-iops", CGROUP),
    ("device-write-bps", CGROUP),
    ("device-write-iops", CGROUP),
    ("dns-opt", "Windows' resolver has no such options"),
    ("dns-option", "Windows' resolver has no such options"),
    ("gpus", "it is for Linux containers; use --device class/5B45201D-F2F2-4F3B-85BB-30FF1F953599"),
    ("group-add", LINUX_ONLY),
    ("ip6", "Windows NAT networks have no IPv6"),
    ("ipc", LINUX_ONLY),
    ("kernel-memory", CGROUP),
    ("link", "legacy links are not supported on Windows; use a network"),
    ("link-local-ip", "it is not supported on Windows"),
    ("memory-reservation", CGROUP),
    ("memory-swap", CGROUP),
    ("memory-swappiness", CGROUP),
    ("oom-score-adj", LINUX_ONLY),
    ("pid", LINUX_ONLY),
    ("pids-limit", CGROUP),
    ("runtime", "there is one runtime, containerd-shim-runhcs-v1"),
    ("shm-size", LINUX_ONLY),
    ("sysctl", LINUX_ONLY),
    ("tmpfs", "tmpfs is not supported in Windows containers"),
    ("ulimit", CGROUP),
    ("userns", "every container has a user namespace of its own"),
    ("uts", LINUX_ONLY),
    ("volume-driver", "there is one volume driver, local"),
];

/// Short forms of docker's.
const SHORT: &[(&str, char)] = &[("cpu-shares", 'c'), ("memory", 'm'), ("opt", 'o')];

/// Catches the flags; holds nothing.
#[derive(Debug, Clone, Copy)]
pub struct Refused<T>(PhantomData<T>);

impl<T: Table> Args for Refused<T> {
    fn augment_args(mut command: Command) -> Command {
        for (name, _) in T::VALUES {
            let mut arg = Arg::new(*name).long(*name).hide(true).action(ArgAction::Append);
            if let Some((_, short)) = SHORT.iter().find(|(long, _)| long == name) {
                arg = arg.short(*short);
            }
            command = command.arg(arg);
        }
        for (name, ..) in T::SWITCHES {
            let switch = Arg::new(*name).long(*name).hide(true);
            let switch = switch.num_args(0..=1).require_equals(true).default_missing_value("true");
            command = command.arg(switch);
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: Table> FromArgMatches for Refused<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let refuse = |name: &str, why: &str| {
            Error::raw(ErrorKind::ArgumentConflict, format!("--{name} is refused: {why}"))
        };
        for (name, why) in T::VALUES {
            if matches.contains_id(name) {
                return Err(refuse(name, why));
            }
        }
        for (name, nothing, why) in T::SWITCHES {
            // Docker's own switches may be written `--init=false`, which asks for nothing.
            if matches.get_one::<String>(name).is_some_and(|value| value != nothing) {
                return Err(refuse(name, why));
            }
        }
        Ok(Self(PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        Self::from_arg_matches(matches).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::{Cli, Command};

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn a_flag_that_cannot_take_effect_is_refused_with_its_reason() {
        let error = parse("transom run --privileged a").unwrap_err().to_string();
        assert!(error.contains("--privileged is refused"), "{error}");
        let error = parse("transom run --shm-size 1g a").unwrap_err().to_string();
        assert!(error.contains("Linux containers"), "{error}");
        let error = parse("transom build --allow network.host .").unwrap_err().to_string();
        assert!(error.contains("nothing to allow"), "{error}");
        for line in ["transom build -m 1g .", "transom build -c 5 ."] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains("no limits of their own"), "{line}: {error}");
        }
    }

    #[test]
    fn what_docker_knows_of_networks_is_refused_with_its_reason_too() {
        for line in [
            "network create --aux-address a=10.0.0.1 n",
            "network create --config-from x n",
            "network create --config-only n",
            "network create --ingress n",
            "network create --ipam-opt a=b n",
            "network create --ipv4=false n",
            "network create --ipv6 n",
            "network create --ip-range 10.0.0.0/28 n",
            "network create -o a=b n",
            "network create --scope swarm n",
            "network connect --driver-opt a=b n c",
            "network connect --gw-priority 1 n c",
            "network connect --ip6 ::1 n c",
            "network connect --link a:b n c",
            "network connect --link-local-ip 169.254.1.1 n c",
        ] {
            let error = parse(&format!("transom {line}")).unwrap_err().to_string();
            assert!(error.contains("is refused: "), "{line}: {error}");
        }
        parse("transom network create --ipv4=true --ipv6=false --scope local n").unwrap();
    }

    #[test]
    fn a_switch_that_is_switched_off_asks_for_nothing() {
        parse("transom run --init=false --read-only=false a").unwrap();
    }

    #[test]
    fn flags_after_the_image_belong_to_the_command() {
        let cli = parse("transom run -it --rm=true -e A=1 image cmd /c --rm -d").unwrap();
        let Command::Run(run) = cli.command else { panic!("not run") };
        assert!(run.create.process.interactive && run.create.process.tty && run.create.host.rm);
        assert!(!run.detach);
        assert_eq!(run.create.line, ["image", "cmd", "/c", "--rm", "-d"]);
    }

    #[test]
    fn h_is_the_host_name_of_run() {
        let cli = parse("transom run -h box image").unwrap();
        let Command::Run(run) = cli.command else { panic!("not run") };
        assert_eq!(run.create.process.hostname.as_deref(), Some("box"));
    }

    #[test]
    fn of_a_flag_given_twice_the_last_counts_as_with_docker() {
        let cli = parse("transom run -d -d --name a --name b -e A -e B image").unwrap();
        let Command::Run(run) = cli.command else { panic!("not run") };
        assert!(run.detach);
        assert_eq!(run.create.name.as_deref(), Some("b"));
        assert_eq!(run.create.process.env, ["A", "B"], "what adds up still does");
    }

    #[test]
    fn groups_know_dockers_other_names() {
        for group in ["container", "image", "network", "volume"] {
            parse(&format!("transom {group} remove a")).unwrap();
            parse(&format!("transom {group} list")).unwrap();
        }
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
