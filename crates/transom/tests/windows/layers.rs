//! An image's layers as the Host Compute Service wants them: a base that is set up, others that are
//! imported over it, all of it taken away by the service again.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::archive::{Image, Layer, folder, link};
use crate::place::Place;

/// `O:BAG:SYD:P(A;;FA;;;BA)`, all of one piece.
const SECURITY: &str = "AQAEkBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUS\
    AAAAAgAgAAEAAAAAABgA/wEfAAECAAAAAAAFIAAAACACAAA=";

fn base() -> Layer {
    let mut layer = Layer::new();
    for name in ["Files", "Files/Windows", "Files/data", "Files/gone", "Hives"] {
        layer.entry(name, &folder(), &[], b"");
    }
    layer.file("Files/data/kept.txt", &[("MSWINDOWS.rawsd", SECURITY)], b"of the base");
    layer.file("Files/data/removed.txt", &[("MSWINDOWS.fileattr", "33")], b"of the base");
    layer.entry("Files/data/again.txt", &link(b'1', "Files/data/kept.txt"), &[], b"");
    layer.file("Files/gone/old.txt", &[], b"old");
    layer
}

/// Everything that a layer over others can have.
fn child() -> Layer {
    let mut layer = Layer::new();
    for name in ["Files", "Files/data", "Files/data/new", "Hives"] {
        layer.entry(name, &folder(), &[("MSWINDOWS.fileattr", "16")], b"");
    }
    let said = [("MSWINDOWS.rawsd", SECURITY), ("MSWINDOWS.xattr.KIND", "eA==")];
    layer.file("Files/data/new/a.txt", &said, b"of the child");
    layer.file("Files/data/new/a.txt:zone", &[], b"3");
    layer.entry("Files/data/new/own.txt", &link(b'1', "Files/data/new/a.txt"), &[], b"");
    layer.entry("Files/data/new/below.txt", &link(b'1', "Files/data/kept.txt"), &[], b"");
    layer.entry(
        "Files/data/new/to",
        &link(b'2', r"C:\data"),
        &[("MSWINDOWS.fileattr", "1040")],
        b"",
    );
    layer.file("Files/data/.wh.removed.txt", &[], b"");
    // A folder in the place of the one below, of which nothing shows through.
    layer.file("Files/.wh.gone", &[], b"");
    layer.entry("Files/gone", &folder(), &[], b"");
    layer.file("Files/gone/new.txt", &[], b"new");
    layer.file("Hives/System_Delta", &[], b"regf");
    layer
}

/// A place with this image in it, and a file that orders faults of the doubles.
struct Loaded {
    place: Place,
    faults: PathBuf,
}

impl Loaded {
    fn new(layers: Vec<Layer>) -> Self {
        let mut place = Place::new();
        let faults = place.path().join("faults.json");
        fs::write(&faults, "[]").unwrap();
        place.order_faults(&faults);
        let file = place.path().join("image.tar");
        Image { name: "layered:1".into(), layers }.write(&file);
        place.ok(&["load", "-i", file.to_str().unwrap()]);
        Self { place, faults }
    }

    /// Folders of layers, and of unpackings.
    fn layers(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.place.root().join("layers"));
        let mut found: Vec<PathBuf> =
            listed.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
        found.sort();
        found
    }

    /// The base, and the layer upon it.
    fn two(&self) -> (PathBuf, PathBuf) {
        let of = |is_base: bool| {
            let mut all = self.layers().into_iter();
            all.find(|layer| layer.join("blank.vhdx").exists() == is_base).unwrap()
        };
        (of(true), of(false))
    }

    /// Its layers can be made, a container over them too, and all of it goes again.
    fn is_made_and_removed(&self) {
        let (went_well, told) = create(&self.place, "works");
        assert!(went_well, "{told}");
        self.place.ok(&["rm", "works"]);
        self.place.ok(&["rmi", "layered:1"]);
        assert!(self.layers().is_empty(), "{:?}", self.layers());
    }
}

fn create(place: &Place, name: &str) -> (bool, String) {
    let line = ["create", "--name", name, "--network", "none", "layered:1", "cmd"];
    let output = place.run(&line);
    (output.status.success(), String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[test]
fn layers_are_set_up_imported_run_over_and_removed_by_the_service() {
    let loaded = Loaded::new(vec![base(), child()]);
    let place = &loaded.place;
    let told = place.ok(&["run", "--rm", "--network", "none", "layered:1", "cmd", "/c", "echo up"]);
    assert_eq!(told, "up");
    let (base, child) = loaded.two();
    assert_eq!(loaded.layers().len(), 2, "{:?}", loaded.layers());
    let config = base.join("Files/Windows/System32/config");
    assert!(config.join("SYSTEM").is_file() && base.join("Hives/System_Base").is_file());
    let text = |layer: &Path, path: &str| fs::read_to_string(layer.join(path)).ok();
    assert_eq!(text(&base, "Files/data/again.txt").as_deref(), Some("of the base"), "a link");
    assert_eq!(text(&child, "Files/data/new/a.txt").as_deref(), Some("of the child"));
    assert_eq!(text(&child, "Files/data/new/own.txt").as_deref(), Some("of the child"));
    assert_eq!(text(&child, "Files/data/new/below.txt").as_deref(), Some("of the base"));
    assert!(child.join("Files/data/new/to").is_dir(), "a junction's place");
    assert!(!child.join("Files/data/removed.txt").exists(), "what was removed");
    assert!(child.join("Files/data/kept.txt").exists(), "what was not");
    assert!(!child.join("Files/gone/old.txt").exists(), "it is another folder");
    assert_eq!(text(&child, "Files/gone/new.txt").as_deref(), Some("new"));
    assert_eq!(text(&child, "Hives/System_Delta").as_deref(), Some("regf"));
    let chain: Vec<PathBuf> =
        serde_json::from_str(&text(&child, "layerchain.json").unwrap()).unwrap();
    assert_eq!(chain[0].file_name(), base.file_name());
    place.ok(&["rmi", "layered:1"]);
    assert!(loaded.layers().is_empty(), "{:?}", loaded.layers());
}

#[test]
fn a_layer_that_cannot_be_made_leaves_nothing_and_one_that_is_not_ready_is_tried_again() {
    let loaded = Loaded::new(vec![base(), child()]);
    let place = &loaded.place;
    for (call, result, words) in [
        ("ProcessBaseImage", "0x80070005", "Windows denied access"),
        ("HcsImportLayer", "0x80070070", "HcsImportLayer returned 0x80070070"),
    ] {
        let rule = json!([{ "Call": call, "Error": result, "When": "Submit" }]);
        fs::write(&loaded.faults, rule.to_string()).unwrap();
        let (went_well, told) = create(place, "fails");
        assert!(!went_well && told.contains(words), "{call}: {told}");
        let unfinished: Vec<PathBuf> = loaded
            .layers()
            .into_iter()
            .filter(|layer| !layer.join("layer.json").is_file())
            .collect();
        assert!(unfinished.is_empty(), "{call}: {unfinished:?}");
    }
    let late = json!([
        { "Call": "HcsImportLayer", "Error": "0x80070015", "When": "Submit", "Times": 2 },
        { "Call": "HcsDestroyLayer", "Error": "0x80070020", "When": "Submit", "Times": 2 },
    ]);
    fs::write(&loaded.faults, late.to_string()).unwrap();
    loaded.is_made_and_removed();
}

#[test]
fn a_call_that_fails_half_way_meets_nothing_of_its_own_when_it_is_tried_again() {
    let loaded = Loaded::new(vec![base(), child()]);
    // A scanner that looks at what was just written.
    let late = json!([
        { "Call": "ProcessBaseImage", "Error": "0x80070020", "When": "After", "Times": 2 },
        { "Call": "HcsImportLayer", "Error": "0x80070020", "When": "After", "Times": 2 },
    ]);
    fs::write(&loaded.faults, late.to_string()).unwrap();
    loaded.is_made_and_removed();
}

#[test]
fn a_layer_of_another_form_is_made_anew() {
    let loaded = Loaded::new(vec![base(), child()]);
    let (went_well, told) = create(&loaded.place, "one");
    assert!(went_well, "{told}");
    loaded.place.ok(&["rm", "one"]);
    let (base, _) = loaded.two();
    // As it was before layers were the service's.
    let path = base.join("layer.json");
    let mut record: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(record.as_object_mut().unwrap().remove("form"), Some(json!("service")));
    fs::write(&path, record.to_string()).unwrap();
    fs::remove_file(base.join("blank.vhdx")).unwrap();
    loaded.is_made_and_removed();
}

#[test]
fn no_link_of_a_layer_leads_the_service_out_of_it() {
    let outside = std::env::temp_dir().join(format!("outside-{}", std::process::id()));
    fs::write(&outside, "regf of the host").unwrap();
    let target = outside.display().to_string();
    for (path, words) in [
        ("Files/Windows/System32/config/SAM", "a hive is a plain file"),
        ("Hives/Sam_Base", "Hives has plain files alone"),
    ] {
        let mut hostile = base();
        hostile.entry(path, &link(b'2', &target), &[("MSWINDOWS.fileattr", "1024")], b"");
        let loaded = Loaded::new(vec![hostile]);
        let (went_well, told) = create(&loaded.place, "never");
        let entry = format!("entry `{path}`: {words}");
        assert!(!went_well && told.contains(&entry), "{told}");
        assert!(loaded.layers().is_empty(), "{:?}", loaded.layers());
    }
    assert_eq!(fs::read_to_string(&outside).unwrap(), "regf of the host");
    fs::remove_file(outside).unwrap();
}

#[test]
fn a_layer_that_a_killed_unpacking_left_is_swept_and_made_anew() {
    let loaded = Loaded::new(vec![base(), child()]);
    let (went_well, told) = create(&loaded.place, "one");
    assert!(went_well, "{told}");
    loaded.place.ok(&["rm", "one"]);
    let (_, child) = loaded.two();
    // As it is when everything is there but what is written last, and one that no image has.
    fs::remove_file(child.join("layer.json")).unwrap();
    let stray = child.with_file_name("0".repeat(64));
    fs::create_dir_all(stray.join("Files")).unwrap();
    let (went_well, told) = create(&loaded.place, "two");
    assert!(went_well, "{told}");
    assert!(child.join("layer.json").is_file() && !stray.exists(), "{:?}", loaded.layers());
}

#[test]
fn a_layer_that_breaks_windows_rules_is_refused_by_name() {
    let mut broken = child();
    broken.file("Files/data/x.txt", &[("MSWINDOWS.rawsd", "!")], b"");
    let mut wild = child();
    // Its owner lies behind its end.
    let descriptor = "AQAEgP//AAAAAAAAAAAAAAAAAAA=";
    wild.file("Files/data/x.txt", &[("MSWINDOWS.rawsd", descriptor)], b"");
    let mut odd = child();
    odd.file("Files/data/x.txt", &[("MSWINDOWS.fileattr", "0x21")], b"");
    let mut taken = child();
    taken.file("Files/data/new.$wcidirs$", &[], b"");
    let mut base_with = base();
    base_with.file("Files/.wh.other", &[], b"");
    for (layers, words) in [
        (vec![base(), broken], "entry `Files/data/x.txt`: MSWINDOWS.rawsd is not Base64"),
        (vec![base(), wild], "entry `Files/data/x.txt`: MSWINDOWS.rawsd: its security descriptor"),
        (vec![base(), odd], "entry `Files/data/x.txt`: MSWINDOWS.fileattr is `0x21`"),
        (vec![base(), taken], "Windows keeps names that end with"),
        (vec![base_with], "a base layer has nothing to remove"),
    ] {
        let loaded = Loaded::new(layers);
        let (went_well, told) = create(&loaded.place, "never");
        assert!(!went_well && told.contains(words), "{told}");
    }
}
