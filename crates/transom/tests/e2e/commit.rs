//! What a container changed, told, taken out, and made an image of: `diff`, `export`, `import`, `commit`.

use crate::support::container::Container;
use crate::support::host;

const CHANGE: &str = r"reg add HKLM\Software\Live /v Mine /d 77 /f & echo hi>C:\made.txt & mkdir C:\folder & del /f C:\License.txt";

#[test]
fn a_running_containers_files_and_registry_are_in_the_image_that_is_made_of_it() {
    let host = host::shared();
    let container = Container::idle(&host);
    container.exec(&["cmd", "/c", CHANGE]).succeed();

    let told = container.transom("diff", &[]).succeed().lines();
    for line in [r"A \made.txt", r"A \folder", r"D \License.txt"] {
        assert!(told.iter().any(|told| told == line), "{told:?}");
    }

    let change = r"CMD type C:\made.txt & reg query HKLM\Software\Live /v Mine";
    let flags = ["-m", "a message", "-a", "somebody", "-c", change, "-c", "LABEL kind=test"];
    let commit = [&["commit"], &flags[..], &[container.id(), "test/committed:1"]].concat();
    host.transom(&commit).succeed();
    assert_eq!(container.status(), "running");
    let seen = host.transom(&["run", "--rm", "test/committed:1"]).succeed().text();
    assert!(seen.contains("hi") && seen.contains("77"), "{seen}");
    let gone = [r"run", "--rm", "test/committed:1", "cmd", "/c", r"type C:\License.txt"];
    host.transom(&gone).fail();
    let about = host.transom(&["image", "inspect", "test/committed:1"]).succeed().text();
    for word in ["\"somebody\"", "\"a message\"", "\"kind\": \"test\""] {
        assert!(about.contains(word), "{about}");
    }
    let words = container.transom("commit", &["-c", "RUN x"]).fail().errors();
    assert!(words.contains("not a valid change"), "{words}");
}

#[test]
fn what_is_exported_is_imported_again() {
    let host = host::shared();
    let container = Container::idle(&host);
    container.exec(&["cmd", "/c", CHANGE]).succeed();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let archive = folder.path().join("files.tar");
    let archive = archive.to_str().expect("a path in UTF-8");
    container.transom("export", &["-o", archive]).succeed();
    let import =
        ["import", "-m", "from a file", "-c", r"CMD type C:\made.txt", archive, "test/im:1"];
    host.transom(&import).succeed();
    assert_eq!(host.transom(&["run", "--rm", "test/im:1"]).succeed().text(), "hi");
    let left = host.transom(&["run", "--rm", "test/im:1", "cmd", "/c", r"dir /b C:\"]);
    let left = left.succeed().text();
    assert!(left.contains("folder"), "{left}");
}
