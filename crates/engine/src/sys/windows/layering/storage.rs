//! `computestorage.dll`: layers by documents. Its calls block, and give only a code.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::codes::{self, Refusal};
use super::super::layers;
use super::super::library::{Library, function};
use super::super::operation::Failed;
use super::super::text::wide;
use crate::error::ErrorKind;

static STORAGE: Library = Library::new("computestorage.dll");

/// The document that names parents, the nearest first.
pub(super) fn data(parents: &[PathBuf]) -> Result<String, Failed> {
    let layer = |parent: &PathBuf| {
        let path = parent.to_str().ok_or_else(|| ErrorKind::InvalidDocument {
            field: "Layers.Path".into(),
            value: parent.display().to_string(),
            rule: "a document's paths are Unicode".into(),
        })?;
        Ok(json!({ "Id": layers::name(parent)?, "Path": path }))
    };
    let layers = parents.iter().map(layer).collect::<Result<Vec<_>, Failed>>()?;
    Ok(json!({ "SchemaVersion": { "Major": 2, "Minor": 1 }, "Layers": layers }).to_string())
}

/// Makes a layer of what is in an import folder.
pub(super) fn import(layer: &Path, source: &Path, data: &str) -> Result<(), Failed> {
    type Import = unsafe extern "system" fn(*const u16, *const u16, *const u16) -> i32;
    let call = function!(STORAGE, c"HcsImportLayer" as Import);
    let (layer, source, data) = (wide(layer), wide(source), wide(data));
    // SAFETY: the texts end with zeros.
    let result = unsafe { call(layer.as_ptr(), source.as_ptr(), data.as_ptr()) };
    check("HcsImportLayer", result)
}

/// Removes a layer with all that is in it.
pub(super) fn destroy(layer: &Path) -> Result<(), Failed> {
    type Destroy = unsafe extern "system" fn(*const u16) -> i32;
    let call = function!(STORAGE, c"HcsDestroyLayer" as Destroy);
    let layer = wide(layer);
    // SAFETY: the text ends with a zero.
    check("HcsDestroyLayer", unsafe { call(layer.as_ptr()) })
}

fn check(name: &'static str, result: i32) -> Result<(), Failed> {
    let result = result.cast_unsigned();
    if codes::failed(result) {
        return Err(Failed::Refused(Refusal::new(name, result, String::new())));
    }
    Ok(())
}
