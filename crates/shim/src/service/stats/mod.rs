//! `Stats`, in the words of whoever asks.
//!
//! A client that took the container for a Windows one gets Windows' statistics. One that took it
//! for a Linux one, as containerd's CRI does on Linux, reads control group metrics and nothing else:
//! it shows by the `linux` section of the spec that it wrote.

mod control_group;
mod windows;

use containerd_shim_protos::windows::stats::Statistics;
use engine::{Engine, System};
use protobuf::well_known_types::any::Any;
use resources::Host;
use schema::properties::{self, PropertyType};

use super::{Service, gone_is_not_found};
use crate::error::{Error, Result};
use crate::wire::message_any;

impl<E: Engine, H: Host> Service<E, H> {
    pub(super) async fn stats(&self, id: &str) -> Result<Any> {
        let task = self.task(id).await?;
        let told = match task.system() {
            Some(system) => {
                let answer = system.properties(&[PropertyType::Statistics]).await;
                let told = gone_is_not_found(id, answer)?.statistics;
                Some(told.ok_or_else(|| Error::Failed("no statistics were told".to_owned()))?)
            }
            None => None,
        };
        Ok(in_words(task.is_linux_shaped(), told.as_ref()))
    }
}

/// A placeholder uses nothing.
fn in_words(is_linux_shaped: bool, told: Option<&properties::Statistics>) -> Any {
    if is_linux_shaped {
        return control_group::metrics(told);
    }
    let mut statistics = Statistics::new();
    if let Some(told) = told {
        statistics.set_windows(windows::statistics(told));
    }
    message_any(&statistics)
}

/// Windows counts time in hundreds of nanoseconds.
fn nanoseconds(hundreds: u64) -> u64 {
    hundreds.saturating_mul(100)
}
