//! Plans of host process containers, with the bind filter and without.

use schema::SystemId;
use serde_json::{Value, json};

use super::*;
use crate::host::{Found, LookupError};

const VOLUME: &str = r"\\?\Volume{8b1f0a52-3c7d-4e19-9a4b-6d2c5e7f8a90}\";

/// A host that nothing is asked of but layers.
struct Host;

impl Lookups for Host {
    fn find(&self, path: &str) -> Result<Found, LookupError> {
        Err(LookupError { path: path.into(), why: "it is not there".into() })
    }

    fn resolve(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.into())
    }

    fn read(&self, path: &str) -> Result<String, LookupError> {
        self.find(path).map(|_| String::new())
    }

    fn layer_id(&self, path: &str) -> Result<String, LookupError> {
        Ok(path.into())
    }

    fn new_guid(&self) -> String {
        String::new()
    }
}

fn decided(bind_filter: bool, root: &str, place: &str, mounts: &Value) -> Result<Container> {
    let mut annotations = json!({ "microsoft.com/hostprocess-container": "true" });
    if !place.is_empty() {
        annotations["microsoft.com/hostprocess-rootfs-location"] = json!(place);
    }
    let spec = json!({
        "ociVersion": "1.1.0",
        "root": { "path": root },
        "mounts": mounts,
        "annotations": annotations,
        "windows": { "layerFolders": [r"C:\layers\base", r"C:\scratch"] },
    });
    let spec = Spec::from_value(spec).unwrap();
    let request = ContainerRequest::new(SystemId::new("web").unwrap(), "test", spec);
    let host = HostFacts { bind_filter, ..HostFacts::windows(20348, 4, r"C:\shim") };
    Ok(plan(&request, &host, &Host)?.document.container.unwrap())
}

fn seen(bind_filter: bool, root: &str, place: &str) -> (String, String) {
    let container = decided(bind_filter, root, place, &json!([])).unwrap();
    let job = container.job.unwrap();
    assert_eq!(job.bound, bind_filter);
    (container.storage.path, job.root)
}

fn mount(bind_filter: bool, mount: &Value) -> Result<schema::job::JobMount> {
    let container = decided(bind_filter, VOLUME, "", &json!([mount]))?;
    Ok(container.job.unwrap().mounts.remove(0))
}

#[test]
fn with_the_bind_filter_every_root_is_the_same_or_as_it_is_named() {
    let pair = |files: &str, root: &str| (files.to_owned(), root.to_owned());
    assert_eq!(seen(true, VOLUME, ""), pair(VOLUME, r"C:\hpc\"));
    assert_eq!(seen(true, "", ""), pair("", r"C:\hpc\"));
    assert_eq!(seen(true, r"D:\files", ""), pair(r"D:\files", r"C:\hpc\"));
    assert_eq!(seen(true, VOLUME, r"D:\here"), pair(VOLUME, r"D:\here"));
    for wrong in ["here", r"C:\", "C:", r"C:\a\..\..\b", r"\\host\share"] {
        let refused = decided(true, VOLUME, wrong, &json!([])).unwrap_err();
        assert!(refused.to_string().contains("hostprocess-rootfs-location"), "{wrong}: {refused}");
    }
}

#[test]
fn without_it_a_root_has_the_containers_name_or_is_the_folder() {
    let pair = |files: &str, root: &str| (files.to_owned(), root.to_owned());
    assert_eq!(seen(false, VOLUME, ""), pair(VOLUME, r"C:\hpc\web\"));
    assert_eq!(seen(false, "", r"D:\here"), pair("", r"D:\here\web\"));
    assert_eq!(seen(false, r"D:\files", ""), pair("", r"D:\files\"));
    decided(false, r"D:\files", r"D:\here", &json!([])).unwrap_err();
    for filter in [true, false] {
        let refused = decided(filter, "files", "", &json!([])).unwrap_err();
        assert!(refused.to_string().contains("root.path"), "{refused}");
    }
}

#[test]
fn a_mount_is_bound_where_it_is_to_be_and_linked_below_the_root() {
    let seen = mount(true, &json!({ "source": r"D:\s", "destination": r"C:\a\b" })).unwrap();
    assert_eq!((seen.destination.as_str(), seen.link.as_str()), (r"C:\a\b", r"a\b"));
    assert!(!seen.read_only);
    let unix = json!({ "source": r"D:\s", "destination": "/a", "options": ["rbind", "RO"] });
    let seen = mount(true, &unix).unwrap();
    assert_eq!((seen.destination.as_str(), seen.link.as_str()), (r"C:\a", "a"));
    assert!(seen.read_only);
    for wrong in ["a", "C:", r"C:\", r"C:\a\..\b", r"C:\a\b:c"] {
        let refused = mount(true, &json!({ "source": r"D:\s", "destination": wrong })).unwrap_err();
        assert!(refused.to_string().contains("mounts.destination"), "{wrong}: {refused}");
    }
}

#[test]
fn without_the_filter_a_mount_is_a_link_that_cannot_be_read_only() {
    let seen = mount(false, &json!({ "source": r"D:\s", "destination": r"C:\a\b" })).unwrap();
    assert_eq!((seen.destination.as_str(), seen.link.as_str()), ("", r"a\b"));
    let wrong = json!({ "source": r"D:\s", "destination": r"C:\a", "options": ["ro"] });
    assert!(mount(false, &wrong).unwrap_err().to_string().contains("mounts.options"));
    for wrong in [r"C:\", r"C:\..\b", r"C:\a\..\..\b"] {
        let refused = mount(false, &json!({ "source": r"D:\s", "destination": wrong }));
        assert!(refused.unwrap_err().to_string().contains("mounts.destination"), "{wrong}");
    }
    for filter in [true, false] {
        let pipe = json!({ "source": r"\\.\pipe\x", "destination": r"\\.\pipe\x" });
        assert!(mount(filter, &pipe).unwrap_err().to_string().contains("pipes"));
    }
}
