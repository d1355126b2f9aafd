//! What Windows lacks is refused with its reason; what needs no host works anywhere.

use crate::place::Place;

#[test]
fn commands_that_look_into_a_drive_say_why_they_cannot() {
    let place = Place::new();
    for arguments in [&["build", "."][..], &["cp", "a:b", "c"], &["commit", "a"], &["diff", "a"]] {
        let told = place.refused(arguments);
        assert!(told.contains("is not supported on Windows"), "{arguments:?}: {told}");
    }
}

#[test]
fn the_host_is_told_as_it_is() {
    let place = Place::new();
    assert_eq!(place.ok(&["version", "-f", "{{.Client.Os}}"]), "windows");
    let told = place.ok(&["info", "-f", "{{.OperatingSystem}} {{.NCPU}}"]);
    assert!(told.starts_with("Windows "), "{told}");
    assert!(place.ok(&["--help"]).contains("Create and run a new container"));
}
