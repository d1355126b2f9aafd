//! Mount strings, mount objects, names of volumes, `--volumes-from`.

use serde_json::{Value, json};
use spec::api::Mount;
use spec::mounts::{self as mounting, MountPoint};
use spec::{PathStyle, create};

use crate::case::Case;
use crate::compare::{Failure, Outcome};
use crate::host::CaseHost;

const STYLE: PathStyle = PathStyle::Windows;

pub(crate) fn mounts(case: &Case) -> Outcome {
    let text = |name: &str| case.input[name].as_str().unwrap_or_default();
    let host = CaseHost(&case.input);
    match case.kind.as_str() {
        "raw" => point(mounting::parse(text("spec"), text("volumeDriver"), STYLE, &host)),
        "spec" => point(mounting::from_spec(&mount(&case.input), STYLE, &host)),
        "validate" => valid(mounting::check(&mount(&case.input), STYLE, &host)),
        "volname" => valid(mounting::check_volume_name(text("volume"))),
        "volumesfrom" => volumes_from(text("spec")),
        "tmpfs" => tmpfs(&case.input),
        kind => panic!("a kind that is not in the README: {kind}"),
    }
}

fn mount(input: &Value) -> Mount {
    create::from_json(input["mount"].clone()).expect("a mount")
}

fn point(parsed: Result<MountPoint, mounting::MountError>) -> Outcome {
    outcome(parsed.map(|point| {
        let spec = &point.spec;
        let mut shown = serde_json::to_value(&point).expect("a mount point is JSON");
        // The cases show these members of the object, and no options.
        shown["Spec"] = json!({
            "ReadOnly": spec.read_only, "Source": spec.source,
            "Target": spec.target, "Type": spec.kind,
        });
        shown
    }))
}

fn volumes_from(text: &str) -> Outcome {
    outcome(
        mounting::volumes_from(text)
            .map(|from| json!({ "id": from.container, "mode": from.mode, "rw": from.writable })),
    )
}

/// The original has one function for the place and one for the options.
fn tmpfs(input: &Value) -> Outcome {
    let place = ["destination", "dest", "target"].into_iter().find_map(|key| input[key].as_str());
    let never = match place {
        Some(place) => mounting::tmpfs_destination(place),
        None => mounting::tmpfs_options(input),
    };
    outcome(never.map(|never| match never {}))
}

fn valid<E: ToString>(checked: Result<(), E>) -> Outcome {
    outcome(checked.map(|()| json!({ "valid": true })))
}

fn outcome<E: ToString>(result: Result<Value, E>) -> Outcome {
    match result {
        Ok(output) => Outcome::ok(output),
        Err(error) => Outcome {
            output: None,
            error: Some(Failure { message: error.to_string(), status: None }),
        },
    }
}
