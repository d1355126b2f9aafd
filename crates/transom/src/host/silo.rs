//! A running container as this host sees it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// The first process inside, as this host counts. `silos` is where the engine keeps them.
pub fn first_process(silos: &Path, id: &str) -> Result<u32> {
    let pid = fs::read_to_string(silos.join(id).join("pid")).context("finding the container")?;
    let pid: u32 = pid.trim().parse().context("finding the container")?;
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.context("finding the container's first process")?;
    let first = children.split_whitespace().next().context("the container has just ended")?;
    first.parse().context("finding the container's first process")
}

/// Bytes received and sent by the network interfaces of a process, but for the loopback.
pub fn traffic(pid: u32) -> Result<(u64, u64)> {
    let table = fs::read_to_string(format!("/proc/{pid}/net/dev"));
    Ok(sums(&table.context("reading the container's network interfaces")?))
}

fn sums(table: &str) -> (u64, u64) {
    let rows = table.lines().filter_map(|line| line.split_once(':'));
    let rows = rows.filter(|(name, _)| name.trim() != "lo").map(|(_, numbers)| {
        let mut numbers = numbers.split_whitespace().map(|number| number.parse().unwrap_or(0));
        // Eight columns of what came in, and then those of what went out.
        (numbers.next().unwrap_or(0), numbers.nth(7).unwrap_or(0))
    });
    rows.fold((0_u64, 0_u64), |(all_in, all_out), (one_in, one_out): (u64, u64)| {
        (all_in.saturating_add(one_in), all_out.saturating_add(one_out))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_interfaces_but_the_loopback_count() {
        let table = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes\n    \
            lo: 9 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n  eth0: 100 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  \
            eth1:5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n";
        assert_eq!(sums(table), (105, 26));
    }
}
