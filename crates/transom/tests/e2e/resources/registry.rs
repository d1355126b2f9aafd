//! Registry values of annotations: there before the first process.

use crate::support::container::{BASE, Container};
use crate::support::host;
use crate::support::probe::{self, PROBE};

#[test]
fn the_folder_for_process_dumps_is_known_to_the_first_process() {
    let host = host::shared();
    let query = r#"reg query "HKLM\Software\Microsoft\Windows\Windows Error Reporting\LocalDumps""#;
    let flags = [
        r"--annotation=io.microsoft.container.processdumplocation=C:\dumps",
        "--annotation=io.microsoft.wcow.processdumptype=mini",
        "--annotation=io.microsoft.wcow.processdumpcount=3",
    ];
    let line = [&["run", "--rm"], &flags[..], &[BASE, "cmd", "/c", query]].concat();
    let output = host.transom(&line).succeed();
    for (name, value) in [("DumpFolder", r"C:\dumps"), ("DumpType", "0x1"), ("DumpCount", "0x3")] {
        let told = |line: &String| line.contains(name) && line.trim().ends_with(value);
        assert!(output.lines().iter().any(told), "{name} is not {value}: {output:?}");
    }
}

#[test]
fn values_of_the_test_annotation_are_written() {
    let host = host::shared();
    let value = serde_json::json!([{
        "Key": { "Hive": "Software", "Name": r"Transom\Test" },
        "Name": "Seen", "Type": "String", "StringValue": "from an annotation",
    }]);
    let flag = format!("--annotation=io.microsoft.container.wcow.test-registry-annotation={value}");
    let query = r"reg query HKLM\Software\Transom\Test /v Seen";
    let output = host.transom(&["run", "--rm", &flag, BASE, "cmd", "/c", query]).succeed();
    assert!(output.text().contains("from an annotation"), "{output:?}");
}

#[test]
fn a_program_that_breaks_leaves_a_dump_and_no_more_of_them_than_are_wanted() {
    let host = host::shared();
    let flags = [
        r"--annotation=io.microsoft.container.processdumplocation=C:\dumps",
        "--annotation=io.microsoft.wcow.processdumptype=mini",
        "--annotation=io.microsoft.wcow.processdumpcount=2",
        &probe::mount(),
    ];
    let container = Container::run(&host, &flags, &[BASE, PROBE, "nap"]);
    for _ in 0..3 {
        // STATUS_ACCESS_VIOLATION, of which Linux has the last byte.
        container.exec(&[PROBE, "crash"]).end_with(5);
    }
    let dumps = container.exec(&["cmd", "/c", r"dir /b C:\dumps"]).succeed().lines();
    assert_eq!(dumps.len(), 2, "{dumps:?}");
    assert!(dumps.iter().all(|name| name.starts_with("probe.exe.")), "{dumps:?}");
    let looked = container.exec(&[PROBE, "look", &format!(r"C:\dumps\{}", dumps[0])]).succeed();
    assert!(looked.text().starts_with("ok MDMP"), "{looked:?}");
}
