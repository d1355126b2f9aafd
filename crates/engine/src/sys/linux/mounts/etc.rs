//! `/etc`: the runtime's files, and the silo's own `hosts`, `resolv.conf` and `hostname`.
//!
//! The own ones are files of the silo host's state directory, bound read-only: endpoints are
//! attached between `create` and `start`, so the silo host writes them again at `start`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use schema::names::Names;

use super::{Tree, make_dir, special};
use crate::error::ErrorKind;
use crate::sys::network::resolver;
use crate::sys::plan::SiloPlan;

/// The silo's own files of `/etc`, on the host.
#[derive(Debug, Clone)]
pub(crate) struct EtcFiles {
    dir: PathBuf,
}

/// Always there, and written again when the network changes.
const WRITTEN: [&str; 3] = ["hosts", "resolv.conf", "hostname"];
/// Copied from the host for whoever has tickets: where their domain's controllers are.
const KERBEROS: &str = "krb5.conf";

impl EtcFiles {
    /// Writes them for the first time, in a new directory.
    pub(crate) fn create(dir: PathBuf, plan: &SiloPlan) -> Result<Self, ErrorKind> {
        make_dir(&dir)?;
        let files = Self { dir };
        files.write(plan)?;
        let settings = Path::new("/etc").join(KERBEROS);
        if plan.credentials.is_some() && settings.is_file() {
            fs::copy(&settings, files.dir.join(KERBEROS))
                .map_err(|e| ErrorKind::io(format!("copy {}", settings.display()), e))?;
        }
        Ok(files)
    }

    /// Writes them as the namespace is now, in place: they are mounted.
    pub(crate) fn write(&self, plan: &SiloPlan) -> Result<(), ErrorKind> {
        let names = plan.network.as_deref().map_or(Ok(Names::default()), resolver::read)?;
        let texts =
            [hosts(plan, &names), resolv_conf(plan, &names), format!("{}\n", plan.host_name)];
        for (name, text) in WRITTEN.iter().zip(texts) {
            let path = self.dir.join(name);
            fs::write(&path, text)
                .map_err(|e| ErrorKind::io(format!("write {}", path.display()), e))?;
        }
        Ok(())
    }

    pub(super) fn mount(&self, runtime: &Path, etc: &Path) -> Result<(), ErrorKind> {
        make_dir(etc)?;
        special::bring_in(&runtime.join("etc"), etc, &WRITTEN)?;
        let copied = Some(KERBEROS).filter(|name| self.dir.join(name).is_file());
        for name in WRITTEN.into_iter().chain(copied) {
            let target = etc.join(name);
            fs::File::create(&target).map_err(|e| ErrorKind::io(format!("make /etc/{name}"), e))?;
            Tree::clone_of(&self.dir.join(name))?.read_only()?.attach(&target)?;
        }
        Ok(())
    }
}

fn hosts(plan: &SiloPlan, names: &Names) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost\n");
    for (name, address) in &names.hosts {
        let _ = writeln!(text, "{address} {name}");
    }
    if !names.hosts.contains_key(&plan.host_name) {
        let _ = writeln!(text, "127.0.1.1 {}", plan.host_name);
    }
    text
}

fn resolv_conf(plan: &SiloPlan, names: &Names) -> String {
    let mut text = String::new();
    for server in &names.servers {
        let _ = writeln!(text, "nameserver {server}");
    }
    let mut suffixes: Vec<&str> = Vec::new();
    for suffix in plan.dns_search.iter().chain(&names.search) {
        if !suffixes.contains(&suffix.as_str()) {
            suffixes.push(suffix);
        }
    }
    if !suffixes.is_empty() {
        let _ = writeln!(text, "search {}", suffixes.join(" "));
    }
    if plan.unqualified_names && !suffixes.is_empty() {
        // A name without dots is asked for as it is before any suffix is tried: those of
        // containers have none.
        text.push_str("options ndots:0\n");
    }
    text
}
