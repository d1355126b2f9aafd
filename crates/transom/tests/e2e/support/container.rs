//! A container that goes when its test goes.

use std::time::Duration;

use serde_json::Value;

use super::command::{Output, Transom};
use super::host::Host;
use super::probe::{self, PROBE};
use super::wait;

/// The image whose Windows is the platform layer.
pub(crate) const BASE: &str = "transom/base";

/// A container of a test.
pub(crate) struct Container<'h> {
    host: &'h Host,
    id: String,
}

impl<'h> Container<'h> {
    /// `transom run --detach FLAGS LINE`, where the line begins with the image.
    pub(crate) fn run(host: &'h Host, flags: &[&str], line: &[&str]) -> Self {
        Self::make(host, &["run", "--detach"], flags, line)
    }

    /// `transom create FLAGS LINE`.
    pub(crate) fn create(host: &'h Host, flags: &[&str], line: &[&str]) -> Self {
        Self::make(host, &["create"], flags, line)
    }

    /// One that does nothing until it is told to end.
    pub(crate) fn idle(host: &'h Host) -> Self {
        Self::run(host, &[&probe::mount()], &[BASE, PROBE, "nap"])
    }

    fn make(host: &'h Host, verb: &[&str], flags: &[&str], line: &[&str]) -> Self {
        let output = host.transom(&[verb, flags, line].concat()).succeed();
        let id = output.text();
        assert_eq!(id.len(), 64, "no id: {output:?}");
        Self { host, id }
    }

    /// Takes over one that is known by name.
    pub(crate) fn named(host: &'h Host, name: &str) -> Self {
        Self { host, id: name.to_owned() }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// `transom VERB FLAGS ID`.
    pub(crate) fn transom(&self, verb: &str, flags: &[&str]) -> Transom {
        self.host.transom(&[verb]).args(flags).arg(&self.id)
    }

    /// `transom exec FLAGS ID LINE`.
    pub(crate) fn exec_with(&self, flags: &[&str], line: &[&str]) -> Transom {
        self.transom("exec", flags).args(line)
    }

    /// `transom exec ID LINE`.
    pub(crate) fn exec(&self, line: &[&str]) -> Transom {
        self.exec_with(&[], line)
    }

    /// What `inspect` says of it.
    pub(crate) fn inspect(&self) -> Value {
        self.transom("inspect", &[]).succeed().json()[0].take()
    }

    /// `.State.Status`.
    pub(crate) fn status(&self) -> String {
        self.inspect()["State"]["Status"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for its end and gives its exit code.
    pub(crate) fn wait(&self) -> u32 {
        let output = self.transom("wait", &[]).succeed();
        output.text().parse().unwrap_or_else(|_| panic!("no exit code: {output:?}"))
    }

    pub(crate) fn logs(&self) -> Output {
        self.transom("logs", &[]).succeed()
    }

    /// Waits until its log has this text.
    pub(crate) fn wait_for_log(&self, text: &str) -> String {
        wait::until(&format!("`{text}` in the log"), || {
            let log = self.logs().text();
            log.contains(text).then_some(log)
        })
    }

    /// Removes it, which must succeed.
    pub(crate) fn remove(self) {
        self.transom("rm", &["--force"]).limit(Duration::from_secs(30)).succeed();
        std::mem::forget(self);
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        // The test has judged already; what cannot be removed, the janitor gets.
        self.transom("rm", &["--force", "--volumes"]).output();
    }
}
