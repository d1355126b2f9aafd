//! `transom plan`: what a bundle would become.

use crate::support::container::BASE;
use crate::support::host;

#[test]
fn a_bundle_is_planned_for_people_and_programs_and_nothing_is_made() {
    let host = host::shared();
    let bundle = host.scratch();
    let source = bundle.path().display().to_string();
    let volume = format!(r"--volume={source}:C:\data:ro");
    let spec = host.transom(&["spec", &volume, "--memory=256m", BASE, "cmd"]).succeed();
    std::fs::write(bundle.path().join("config.json"), spec.text()).unwrap();
    let table = host.transom(&["plan", "--id=web", &source]).succeed().text();
    for told in ["mount layers", "unmount", r"at C:\data (read-only)", "256 MiB", "cmd"] {
        assert!(table.contains(told), "`{told}` is not told:\n{table}");
    }
    let plan = host.transom(&["plan", "--id=web", "--format=json", &source]).succeed().json();
    assert_eq!(plan["document"]["Container"]["Memory"]["SizeInMB"], 256);
    let scratch = plan["steps"][0]["scratch"].as_str().unwrap();
    assert!(!std::path::Path::new(scratch).exists(), "{scratch} was made");
}

#[test]
fn a_bundle_that_would_be_refused_says_why() {
    let host = host::shared();
    let bundle = host.scratch();
    let spec = serde_json::json!({ "windows": { "layerFolders": ["/only"] } });
    std::fs::write(bundle.path().join("config.json"), spec.to_string()).unwrap();
    let path = bundle.path().display().to_string();
    let output = host.transom(&["plan", "--id=web", &path]).fail();
    assert!(output.errors().contains("windows.layerFolders"), "{output:?}");
}
