//! The simulated host that the cases' README describes.

use std::cell::Cell;
use std::collections::BTreeMap;

use plan::host::{Found, LookupError, Lookups};
use plan::{HostFacts, paths};
use serde_json::Value;

/// The folder of the shim.
pub(crate) const SHIM_FOLDER: &str = r"C:\Program Files\containerd";

/// A host as a case describes it.
pub(crate) struct SimHost {
    files: BTreeMap<String, Found>,
    contents: BTreeMap<String, String>,
    resolve: BTreeMap<String, String>,
    layer_ids: BTreeMap<String, String>,
    pub(crate) device_location_paths: Vec<String>,
    pub(crate) facts: HostFacts,
    guids: Cell<u64>,
}

impl SimHost {
    /// The host of a case's input.
    pub(crate) fn of(input: &Value) -> Self {
        let host = &input["host"];
        let number = |name: &str, default: u64| host[name].as_u64().unwrap_or(default);
        let small = |value: u64| u32::try_from(value).expect("builds and processors are small");
        let mut facts = HostFacts::windows(
            small(number("build", 20348)),
            small(number("processors", 8)),
            SHIM_FOLDER,
        );
        facts.scrub_logs = input["log_scrubbing"].as_bool().unwrap_or(true);
        let mut sim = Self {
            files: BTreeMap::new(),
            contents: texts(&host["file_contents"]),
            resolve: texts(&host["resolve"]),
            layer_ids: texts(&host["layer_ids"]),
            device_location_paths: strings(&host["device_location_paths"]),
            facts,
            guids: Cell::new(0),
        };
        sim.fill(host);
        sim
    }

    fn fill(&mut self, host: &Value) {
        self.add(r"C:\Program Files", Found::Directory);
        for path in strings(&host["dirs"]) {
            self.add(&path, Found::Directory);
        }
        for (path, size) in host["files"].as_object().into_iter().flatten() {
            self.add(path, Found::File(size.as_u64().unwrap_or_default()));
        }
        let contents: Vec<(String, u64)> =
            self.contents.iter().map(|(path, text)| (path.clone(), text.len() as u64)).collect();
        for (path, size) in contents {
            self.add(&path, Found::File(size));
        }
    }

    /// Adds something, with all the folders above it.
    pub(crate) fn add(&mut self, path: &str, found: Found) {
        self.files.insert(key(path), found);
        let folder = paths::folder(path);
        if folder != path && !self.files.contains_key(&key(&folder)) {
            self.add(&folder, Found::Directory);
        }
    }

    fn missing(&self, path: &str) -> LookupError {
        let parent = self.files.contains_key(&key(&paths::folder(path)));
        let what = if parent { "file" } else { "path" };
        LookupError {
            path: path.to_owned(),
            why: format!("The system cannot find the {what} specified."),
        }
    }
}

fn key(path: &str) -> String {
    paths::clean(path).to_lowercase()
}

impl Lookups for SimHost {
    fn find(&self, path: &str) -> Result<Found, LookupError> {
        self.files.get(&key(path)).copied().ok_or_else(|| self.missing(path))
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        let found = self.resolve.iter().find(|(known, _)| key(known) == key(path));
        match found.map(|(_, target)| target.as_str()) {
            Some("") => Err(self.missing(path)),
            Some(target) => Ok(target.to_owned()),
            None => Ok(path.to_owned()),
        }
    }

    fn read(&self, path: &str) -> Result<String, LookupError> {
        let found = self.contents.iter().find(|(known, _)| key(known) == key(path));
        found.map(|(_, text)| text.clone()).ok_or_else(|| self.missing(path))
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        let id = self.layer_ids.get(&paths::name(path));
        id.cloned().ok_or_else(|| self.missing(path))
    }

    fn new_guid(&self) -> String {
        self.guids.set(self.guids.get() + 1);
        format!("00000000-0000-4000-8000-{:012x}", self.guids.get())
    }
}

/// An object of strings.
pub(crate) fn texts(value: &Value) -> BTreeMap<String, String> {
    let pairs = value.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// A list of strings.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| Some(item.as_str()?.to_owned())).collect()
}
