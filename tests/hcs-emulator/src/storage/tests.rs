//! The order of things, and what is refused.

use serde_json::json;

use super::*;

fn place_of(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("hcs-emulator-{test}-{}", std::process::id()));
    // One of an earlier run with the same pid.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("source/Files")).expect("a folder");
    fs::write(folder.join("source/Files/a.txt"), "a").expect("a file");
    folder
}

fn over(layer: &Path) -> String {
    json!({
        "SchemaVersion": { "Major": 2, "Minor": 1 },
        "Layers": [{ "Id": layers::name_to_guid("source"), "Path": layer }],
    })
    .to_string()
}

#[test]
fn a_layer_goes_in_and_comes_out_as_it_was() {
    let place = place_of("in-and-out");
    let layer = place.join("layer");
    import(&layer, &place.join("source"), &[]).expect("import");
    assert_eq!(import(&layer, &place.join("source"), &[]), Err(codes::EXISTS));
    export(&layer, &place.join("out"), &[], "{}").expect("export");
    assert_eq!(fs::read(place.join("out/Files/a.txt")).expect("a file"), b"a");
    assert_eq!(
        export(&layer, &place.join("out"), &[], r#"{"IsWritableLayer":true}"#),
        Err(codes::INVALID_ARGUMENT)
    );
    fs::remove_dir_all(place).expect("clean");
}

#[test]
fn a_filter_is_attached_once_and_detached_once() {
    let place = place_of("filter");
    let (volume, data) = (place.join("volume"), over(&place.join("source")));
    assert_eq!(attach_filter(&volume, &data), Err(codes::NO_PATH));
    fs::create_dir(&volume).expect("a volume");
    initialize(&volume, &data, "").expect("initialize");
    attach_filter(&volume, &data).expect("attach");
    assert_eq!(attach_filter(&volume, &data), Err(codes::IN_USE));
    detach_filter(&volume).expect("detach");
    assert_eq!(detach_filter(&volume), Err(codes::NO_FILTER));
    assert_eq!(attach_overlay(&volume, &data), Err(codes::INVALID_ARGUMENT), "which filter?");
    fs::remove_dir_all(place).expect("clean");
}

#[test]
fn a_parent_goes_by_the_id_of_its_name() {
    let place = place_of("ids");
    let layer = place.join("source");
    let other = json!({ "Layers": [{ "Id": Uuid::nil(), "Path": layer }] }).to_string();
    assert_eq!(parents(&other), Err(codes::INVALID_ARGUMENT));
    assert_eq!(parents(&over(&layer)), Ok(vec![layer]));
    fs::remove_dir_all(place).expect("clean");
}

/// The same of a folder of the transport form.
fn about(attributes: u32) -> Vec<u8> {
    attributes.to_le_bytes().to_vec()
}

#[test]
fn a_layer_over_others_is_taken_in_the_transport_form_alone() {
    let place = place_of("transport");
    let (base, layer) = (place.join("source"), place.join("layer"));
    let config = base.join("Files/Windows/System32/config");
    fs::create_dir_all(&config).expect("a folder");
    for hive in ["DEFAULT", "SAM", "SECURITY", "SOFTWARE", "SYSTEM"] {
        fs::write(config.join(hive), "regf").expect("a hive");
    }
    let import = place.join("import");
    for folder in ["", "Files", "Hives"] {
        fs::create_dir(import.join(folder)).expect("a folder");
        if !folder.is_empty() {
            fs::write(import.join(format!("{folder}.$wcidirs$")), about(0x10)).expect("a file");
        }
    }
    let data = [&about(32)[..], &1_u64.to_le_bytes(), &2_u64.to_le_bytes(), &[0; 4], b"hi"];
    fs::write(import.join("Files/b.txt"), data.concat()).expect("a file");
    let below = [base.clone()];
    assert_eq!(super::import(&layer, &import, &below), Err(codes::NO_FILE), "no base as yet");
    layers::process(&base).expect("a base");
    fs::write(import.join("Files/plain.txt"), "no attributes").expect("a file");
    assert_eq!(super::import(&layer, &import, &below), Err(codes::INVALID_DATA));
    fs::remove_file(import.join("Files/plain.txt")).expect("a file");
    fs::remove_dir_all(&layer).expect("what was begun");
    super::import(&layer, &import, &below).expect("import");
    assert_eq!(fs::read(layer.join("Files/b.txt")).expect("a file"), b"hi");
    assert_eq!(fs::read(layer.join("Files/a.txt")).expect("the parent's place"), b"");
    fs::create_dir(import.join("Files/d")).expect("a folder");
    fs::remove_dir_all(&layer).expect("clean");
    assert_eq!(super::import(&layer, &import, &below), Err(codes::NO_FILE), "d.$wcidirs$");
    fs::remove_dir_all(place).expect("clean");
}

#[test]
fn a_document_with_a_field_too_many_is_refused() {
    let place = place_of("strict");
    let data = r#"{"Layers":[],"Colour":"blue"}"#;
    assert_eq!(attach_filter(&place, data), Err(codes::INVALID_JSON));
    assert_eq!(initialize(&place, "{}", ""), Err(codes::INVALID_ARGUMENT), "over nothing");
    fs::remove_dir_all(place).expect("clean");
}
