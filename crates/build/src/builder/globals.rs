//! Variables that `FROM`s see: predefined ones, and `ARG`s before the first of them.

use std::result;

use engine::Engine;
use resources::Host;

use super::stages::Stages;
use super::{Ground, Options};
use crate::dockerfile::expand;
use crate::error::BuildError;

type Result<T> = result::Result<T, BuildError>;

/// Those that are there without any `ARG`, unless build arguments say otherwise.
pub(super) fn predefined(options: &Options, ground: &Ground) -> Vec<(String, String)> {
    let target = options.target.as_deref().unwrap_or("default");
    let version = ground.os_version.to_string();
    let mut globals: Vec<(String, String)> = Vec::new();
    for side in ["BUILD", "TARGET"] {
        let values =
            [("PLATFORM", "windows/amd64"), ("OS", "windows"), ("ARCH", "amd64"), ("VARIANT", "")];
        globals.extend(values.map(|(name, value)| (format!("{side}{name}"), value.to_owned())));
        globals.push((format!("{side}OSVERSION"), version.clone()));
    }
    globals.push(("TARGETSTAGE".to_owned(), target.to_owned()));
    for (name, value) in &mut globals {
        if let Some(given) = options.args.get(name) {
            value.clone_from(given);
        }
    }
    globals
}

impl<E: Engine, H: Host> Stages<'_, E, H> {
    pub(super) fn declare_global(
        &mut self,
        name: &str,
        default: Option<&str>,
        line: usize,
    ) -> Result<()> {
        let given = self.options.args.get(name).cloned();
        let default = default.map(|text| self.expand_global(text, line)).transpose()?;
        if let Some(value) = given.or(default) {
            self.globals.retain(|(other, _)| other != name);
            self.globals.push((name.to_owned(), value));
        }
        Ok(())
    }

    pub(super) fn globals(&self) -> &[(String, String)] {
        &self.globals
    }

    fn global(&self, name: &str) -> Option<String> {
        self.globals.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    pub(super) fn expand_global(&self, text: &str, line: usize) -> Result<String> {
        let names = |name: &str| self.global(name);
        Ok(expand(text, self.file.directives.escape, &names, line)?)
    }
}
