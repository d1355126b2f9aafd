//! What is in an image, as an SPDX document: the image, the Windows programs and libraries in it,
//! and the packages of Node and Python whose makers left a description.
//!
//! Left out is everything that says nothing of itself beyond its name. The platform's Windows is not
//! in an image, and so not here.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use image::Digest;
use serde_json::{Value, json};

use crate::view::{Node, View};

pub(super) const PREDICATE: &str = "https://spdx.dev/Document";
/// A description is never anywhere near this.
const LARGEST: u64 = 4 << 20;

/// The document for what `view` shows.
pub(super) fn document(
    view: &View,
    name: &str,
    manifest: &Digest,
    created: &str,
) -> io::Result<Value> {
    let mut packages = vec![json!({
        "SPDXID": "SPDXRef-Image",
        "name": name,
        "versionInfo": manifest,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": "CONTAINER",
        "checksums": [{ "algorithm": "SHA256", "checksumValue": manifest.hex() }],
    })];
    walk(view, "", &mut packages)?;
    let mut relations = vec![relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")];
    for (at, package) in packages.iter_mut().enumerate().skip(1) {
        let id = format!("SPDXRef-Package-{at}");
        relations.push(relation("SPDXRef-Image", "CONTAINS", &id));
        package["SPDXID"] = json!(id);
    }
    Ok(json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": format!("https://transom.invalid/spdx/{}", manifest.hex()),
        "creationInfo": {
            "created": created,
            "creators": [concat!("Tool: transom-", env!("CARGO_PKG_VERSION"))],
        },
        "packages": packages,
        "relationships": relations,
    }))
}

fn relation(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

fn walk(view: &View, at: &str, packages: &mut Vec<Value>) -> io::Result<()> {
    for name in view.names()? {
        let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
        match view.open(&name)? {
            Some(Node::Directory(inside)) => walk(&inside, &path, packages)?,
            Some(Node::File(file)) => packages.extend(package(&path, &file)?),
            Some(Node::Link(_)) | None => {}
        }
    }
    Ok(())
}

/// What a file says of a package.
fn package(path: &str, file: &Path) -> io::Result<Option<Value>> {
    let lower = path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or_default();
    let folders: Vec<&str> = lower.split('/').collect();
    if name == "package.json" && folders.contains(&"node_modules") {
        return Ok(node(path, &text(file)?));
    }
    if name == "metadata" && folders.iter().any(|part| part.ends_with(".dist-info")) {
        return Ok(python(path, &text(file)?));
    }
    let purpose = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("exe") => "APPLICATION",
        Some("dll" | "pyd" | "node") => "LIBRARY",
        _ => return Ok(None),
    };
    let mut input = File::open(file)?;
    let mut magic = [0; 2];
    if input.read(&mut magic)? < 2 || magic != *b"MZ" {
        return Ok(None);
    }
    let digest = crate::files::digest(file)?;
    Ok(Some(json!({
        "SPDXID": "",
        "name": path.rsplit('/').next().unwrap_or(path),
        "packageFileName": path,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "primaryPackagePurpose": purpose,
        "checksums": [{ "algorithm": "SHA256", "checksumValue": digest.hex() }],
    })))
}

fn text(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(file)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn node(path: &str, text: &str) -> Option<Value> {
    let about: Value = serde_json::from_str(text).ok()?;
    let (name, version) = (about["name"].as_str()?, about["version"].as_str()?);
    let license = about["license"].as_str();
    Some(described(path, name, version, license, &format!("pkg:npm/{name}@{version}")))
}

fn python(path: &str, text: &str) -> Option<Value> {
    let head = text.split("\n\n").next().unwrap_or_default();
    let field = |wanted: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| *key == wanted).map(|(_, value)| value.trim())
    };
    let (name, version) = (field("Name")?, field("Version")?);
    let license = field("License-Expression").or(field("License"));
    let address = format!("pkg:pypi/{}@{version}", name.to_lowercase());
    Some(described(path, name, version, license, &address))
}

fn described(path: &str, name: &str, version: &str, license: Option<&str>, purl: &str) -> Value {
    json!({
        "SPDXID": "",
        "name": name,
        "versionInfo": version,
        "packageFileName": path,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseDeclared": license.filter(|text| is_expression(text)).unwrap_or("NOASSERTION"),
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": purl,
        }],
    })
}

/// What makers call a licence is often no expression of SPDX's; free text is none.
fn is_expression(text: &str) -> bool {
    let is_id = |word: &str| {
        let word = word.trim_matches(['(', ')']);
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-.+".contains(c))
    };
    let mut words = text.split_whitespace().peekable();
    let mut wants_id = true;
    while let Some(word) = words.next() {
        let joins = matches!(word, "AND" | "OR" | "WITH");
        if wants_id == joins || (!joins && !is_id(word)) || (joins && words.peek().is_none()) {
            return false;
        }
        wants_id = joins;
    }
    !text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn programs_and_described_packages_are_listed_and_bound_to_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("app/tool.exe", "MZ and more");
        put("app/not.exe", "no program");
        put(
            "app/node_modules/left/package.json",
            r#"{"name":"left","version":"1.2.3","license":"MIT"}"#,
        );
        put("py/six-1.0.dist-info/METADATA", "Name: Six\nVersion: 1.0\nLicense: Some words\n\nx");
        let view = View::folder(dir.path());
        let digest = Digest::of(b"manifest");
        let document = document(&view, "an/image", &digest, "2026-01-01T00:00:00Z").unwrap();
        let packages = document["packages"].as_array().unwrap();
        let names: Vec<_> = packages.iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["an/image", "left", "tool.exe", "Six"]);
        assert_eq!(packages[1]["licenseDeclared"], "MIT");
        assert_eq!(packages[3]["licenseDeclared"], "NOASSERTION");
        let relations = document["relationships"].as_array().unwrap();
        assert_eq!(relations.len(), 4);
        assert_eq!(relations[1]["relatedSpdxElement"], packages[1]["SPDXID"]);
    }

    #[test]
    fn only_expressions_are_licences() {
        for (text, good) in [
            ("MIT", true),
            ("(MIT OR Apache-2.0)", true),
            ("GPL-2.0 WITH Classpath-exception-2.0", true),
            ("BSD 3-Clause", false),
            ("MIT OR", false),
            ("see LICENSE", false),
            ("", false),
        ] {
            assert_eq!(is_expression(text), good, "{text}");
        }
    }
}
