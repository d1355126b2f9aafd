//! The host that the cases were made on: 8 processors, the daemon's root, and the file system that
//! the README describes.

use std::io;

use serde_json::Value;
use spec::host::RegistryError;
use spec::{HostFacts, Isolation, Lookups, PathKind, PathStyle};

const ROOT: &str = r"C:\ProgramData\docker";
const CPUS: u32 = 8;

const DIRECTORIES: &[&str] = &[
    r"c:",
    r"c:\windows",
    r"c:\windows\system32",
    r"c:\program files",
    r"c:\program files (x86)",
    r"c:\foo",
    r"c:\foo\bar",
    r"c:\data with space",
    r"c:\users\me\src",
    r"d:",
    r"d:\data",
    r"c:\ünï",
    r"c:\a.b-c_d",
];
const FILES: &[&str] =
    &[r"c:\windows\system32\ntdll.dll", r"c:\foo\file.txt", r"d:\file.txt", r"c:\noext"];

/// The facts of a case's host.
pub(crate) fn facts(input: &Value) -> HostFacts {
    let mut facts = HostFacts::new(PathStyle::Windows, ROOT, CPUS);
    let asked = input["daemonDefaultIsolation"].as_str().unwrap_or_default();
    facts.default_isolation = Isolation(asked.to_owned())
        .resolve(facts.default_isolation)
        .expect("a daemon's default that exists");
    facts.dns_search = texts(&input["daemonDnsSearch"]);
    facts.snapshotter = input["daemonUsesSnapshotter"].as_bool().unwrap_or_default();
    facts
}

pub(crate) fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten();
    list.filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// Look-ups answered from a case's input.
pub(crate) struct CaseHost<'c>(pub(crate) &'c Value);

impl Lookups for CaseHost<'_> {
    fn stat(&self, path: &str) -> io::Result<Option<PathKind>> {
        let plain = path.replace('/', "\\").to_lowercase();
        let plain = plain.strip_prefix(r"\\?\").unwrap_or(&plain).trim_end_matches('\\');
        if plain == r"c:\denied" {
            return Err(io::Error::other("access is denied (test)"));
        }
        if FILES.contains(&plain) {
            return Ok(Some(PathKind::File));
        }
        Ok(DIRECTORIES.contains(&plain).then_some(PathKind::Directory))
    }

    fn read_credential_spec(&self, path: &str) -> io::Result<String> {
        let folder = format!(r"{ROOT}\CredentialSpecs");
        let failed =
            |op: &str, code: u8| Err(io::Error::other(format!("{op} {path}: <os error {code}>")));
        let Some(files) = self.0["credentialSpecFiles"].as_object() else {
            return failed("open", 3);
        };
        let full = |name: &String| format!(r"{folder}\{}", name.replace('/', "\\"));
        let same = |name: &String| full(name).eq_ignore_ascii_case(path);
        if let Some((_, text)) = files.iter().find(|(name, _)| same(name)) {
            return Ok(text.as_str().unwrap_or_default().to_owned());
        }
        let is_folder = |of: &str| {
            of.eq_ignore_ascii_case(&folder)
                || files.keys().any(|name| {
                    full(name).to_lowercase().starts_with(&format!("{}\\", of.to_lowercase()))
                })
        };
        if is_folder(path) {
            return failed("read", 1);
        }
        let parent = path.rsplit_once('\\').map_or("", |(parent, _)| parent);
        failed("open", if is_folder(parent) { 2 } else { 3 })
    }

    fn layer_folders(&self, _container: &str) -> io::Result<Vec<String>> {
        let image = &self.0["image"];
        match image["layerFoldersError"].as_str() {
            Some(error) => Err(io::Error::other(error.to_owned())),
            None => Ok(texts(&image["layerFolders"])),
        }
    }

    fn registry_credential_spec(&self, name: &str) -> Result<String, RegistryError> {
        let registry = &self.0["credentialSpecRegistry"];
        let error =
            |member: &str| registry[member].as_str().map(|e| io::Error::other(e.to_owned()));
        if let Some(error) = error("openError") {
            return Err(RegistryError::Open(error));
        }
        if let Some(error) = error("readError") {
            return Err(RegistryError::Read(error));
        }
        let values = registry["values"].as_object().into_iter().flatten();
        let found = values.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .and_then(|(_, value)| value.as_str().map(str::to_owned))
            .ok_or(RegistryError::NotFound)
    }

    fn config(&self, id: &str) -> Option<io::Result<String>> {
        let configs = self.0["swarmConfigs"].as_object()?;
        let missing = || io::Error::other(format!("config {id} not found"));
        Some(configs.get(id).and_then(Value::as_str).map(str::to_owned).ok_or_else(missing))
    }
}
