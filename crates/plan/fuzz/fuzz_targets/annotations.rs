//! No annotations break planning. A line is `name=value`; a name without a dot is one of those
//! that planning reads, by its number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use plan::annotations::names;
use serde_json::json;

const READ: [&str; 14] = [
    names::DISABLE_UNSAFE,
    names::GMSA_DISABLE,
    names::HOST_PROCESS,
    names::KUBERNETES_TYPE,
    names::KUBERNETES_SANDBOX,
    names::MEMORY,
    names::PROCESSOR_COUNT,
    names::PROCESSOR_LIMIT,
    names::PROCESSOR_WEIGHT,
    names::STORAGE_IOPS,
    names::DUMP_LOCATION,
    names::DUMP_TYPE,
    names::DUMP_COUNT,
    names::TEST_REGISTRY,
];

fuzz_target!(|text: &str| {
    let mut annotations = plan::oci::Annotations::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        let known = name.parse::<usize>().ok().map(|number| READ[number % READ.len()]);
        annotations.insert(known.unwrap_or(name).to_owned(), value.to_owned());
    }
    let mut expanded = annotations.clone();
    let _ = plan::annotations::expand(&mut expanded);
    let spec = json!({
        "annotations": annotations,
        "process": { "commandLine": "cmd", "cwd": "C:\\" },
        "windows": { "layerFolders": ["/layers/base", "/scratch"] },
    });
    if let Ok(spec) = plan::Spec::from_value(spec) {
        plan_fuzz::plan(&spec);
    }
});
