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
        "Layers": [{ "Id": Uuid::nil(), "Path": layer }],
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
fn a_document_with_a_field_too_many_is_refused() {
    let place = place_of("strict");
    let data = r#"{"Layers":[],"Colour":"blue"}"#;
    assert_eq!(attach_filter(&place, data), Err(codes::INVALID_JSON));
    assert_eq!(initialize(&place, "{}", ""), Err(codes::INVALID_ARGUMENT), "over nothing");
    fs::remove_dir_all(place).expect("clean");
}
