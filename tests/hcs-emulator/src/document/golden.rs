//! Every document that the original implementation makes for a container without a utility VM is
//! one that the doubles take: too strict is as wrong as too lax.

use std::path::PathBuf;

use super::{COMPUTE_SYSTEM, CONTAINER_V1, PROCESS, Shape, Value, check};

fn cases() -> Vec<(String, Value)> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../golden");
    let root = std::env::var_os("TRANSOM_GOLDEN").map_or_else(|| own.into(), PathBuf::from);
    let files = std::fs::read_dir(root.join("hcs/container-wcow")).expect("golden cases are there");
    let case = |file: std::io::Result<std::fs::DirEntry>| {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        (path.display().to_string(), serde_json::from_str(&text).expect("it is JSON"))
    };
    files.map(case).collect()
}

fn refused(document: &Value, shape: &Shape) -> Option<String> {
    (!document.is_null()).then(|| check(&document.to_string(), shape).err()).flatten()
}

#[test]
fn the_originals_documents_are_taken() {
    let (mut looked_at, mut wrong) = (0, Vec::new());
    for (name, case) in cases() {
        let output = &case["output"];
        // A guest's documents are not the host's to read.
        if output["document_target"] != "hcs" {
            continue;
        }
        let document = &output["document"];
        let is_older = document["SystemType"].is_string();
        let shape = if is_older { &CONTAINER_V1 } else { &COMPUTE_SYSTEM };
        let both = [refused(document, shape), refused(&output["process"], &PROCESS)];
        wrong.extend(both.into_iter().flatten().map(|why| format!("{name}: {why}")));
        looked_at += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(looked_at > 10, "only {looked_at} cases are of process isolated containers");
}
