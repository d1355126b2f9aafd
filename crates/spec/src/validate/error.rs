//! The rules that a setting can break.

use thiserror::Error;

use crate::signal::InvalidSignal;

/// A setting that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each message says what the variant means")]
pub enum Invalid {
    #[error("the working directory '{0}' is invalid, it needs to be an absolute path")]
    WorkingDir(String),
    #[error(transparent)]
    StopSignal(#[from] InvalidSignal),
    #[error("invalid environment variable: {0}")]
    Env(String),
    #[error("{member} in Healthcheck cannot be less than 1ms")]
    HealthDuration { member: &'static str },
    #[error("Retries in Healthcheck cannot be negative")]
    HealthRetries,
    #[error("can't create 'AutoRemove' container with restart policy")]
    AutoRemove,
    #[error("bad format for add-host: {0:?}")]
    ExtraHost(String),
    #[error("invalid IP address in add-host: {0:?}")]
    ExtraHostAddress(String),
    #[error("invalid port specification: {0:?}")]
    Port(String),
    #[error(
        "invalid restart policy: maximum retry count can only be used with 'on-failure'{}",
        if *negative { " and cannot be negative" } else { "" }
    )]
    RetryCountUnused { negative: bool },
    #[error("invalid restart policy: maximum retry count cannot be negative")]
    RetryCountNegative,
    #[error(
        "invalid restart policy: unknown policy '{0}'; use one of 'no', 'always', 'on-failure', \
         or 'unless-stopped'"
    )]
    RestartPolicy(String),
    #[error("invalid {member}: unknown capability: {name:?}")]
    Capability { member: &'static str, name: String },
    #[error("invalid Annotations: the empty string is not permitted as an annotation key")]
    Annotation,
    #[error("range of CPUShares is from 1 to 10000")]
    CpuShares,
    #[error("range of CPUPercent is from 1 to 100")]
    CpuPercent,
    #[error("invalid CPUCount: CPUCount cannot be negative")]
    CpuCount,
    #[error("conflicting options: Nano CPUs and CPU {0} cannot both be set")]
    NanoCpusWith(&'static str),
    #[error("range of CPUs is from 0.01 to {0}.00, as there are only {0} CPUs available")]
    NanoCpus(u32),
    #[error("invalid option: Windows does not support {0}")]
    Unsupported(&'static str),
}

impl Invalid {
    /// The setting at fault, by its name in the API.
    pub fn field(&self) -> &'static str {
        match self {
            Self::WorkingDir(_) => "WorkingDir",
            Self::StopSignal(_) => "StopSignal",
            Self::Env(_) => "Env",
            Self::HealthDuration { .. } | Self::HealthRetries => "Healthcheck",
            Self::AutoRemove => "AutoRemove",
            Self::ExtraHost(_) | Self::ExtraHostAddress(_) => "ExtraHosts",
            Self::Port(_) => "PortBindings",
            Self::RetryCountUnused { .. } | Self::RetryCountNegative | Self::RestartPolicy(_) => {
                "RestartPolicy"
            }
            Self::Unsupported("CPUPeriod") => "CpuPeriod",
            Self::Capability { member, .. } | Self::Unsupported(member) => member,
            Self::Annotation => "Annotations",
            Self::CpuShares => "CpuShares",
            Self::CpuPercent => "CpuPercent",
            Self::CpuCount => "CpuCount",
            Self::NanoCpusWith(_) | Self::NanoCpus(_) => "NanoCpus",
        }
    }
}
