//! Restart policies.

use super::Invalid;
use crate::api::RestartPolicy;

/// Only `on-failure` counts retries. A policy without a name is from before policies had to have
/// one, and anything goes.
pub fn restart_policy(policy: &RestartPolicy) -> Result<(), Invalid> {
    let count = policy.maximum_retry_count;
    match policy.name.as_str() {
        "no" | "always" | "unless-stopped" if count != 0 => {
            Err(Invalid::RetryCountUnused { negative: count < 0 })
        }
        "on-failure" if count < 0 => Err(Invalid::RetryCountNegative),
        "" | "no" | "always" | "unless-stopped" | "on-failure" => Ok(()),
        unknown => Err(Invalid::RestartPolicy(unknown.to_owned())),
    }
}
