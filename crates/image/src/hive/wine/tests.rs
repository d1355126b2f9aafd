//! Every kind of line, both ways.

use super::*;
use crate::hive::Value;

const FILE: &str = r#"WINE REGISTRY Version 2
;; All keys relative to REGISTRY\\Machine

#arch=win64

[Software\\A [1\]\\B] 1700000000
#time=1da17c7f3e0e000
#class="Cl\"ass"
@="caf\xe9 \x20ac5\n"
"Bin"=hex:00,01,02
"Dw"=dword:0000002a
"Ex"=str(2):"%SystemRoot%\\x"
"Mu"=str(7):"a\0b\0"
"Odd"=hex(ffff0007):01

[System\\Link] 1700000000
#time=1da17c7f3e0e000
#link
"SymbolicLinkValue"=hex(6):5c,00,52,00,65,00,67,00,69,00,73,00,74,00,72,00,79,\
  00,5c,00
"#;

#[test]
fn every_kind_of_value_is_read() {
    let file = read(FILE).unwrap();
    assert_eq!(file.root, "REGISTRY\\Machine");
    let key = file.keys.find("software\\a [1]\\b").unwrap();
    assert_eq!(key.class.as_deref(), Some("Cl\"ass"));
    assert_eq!(key.values["DW"].data, 42_u32.to_le_bytes());
    assert_eq!(key.values["ODD"].kind, 0xffff_0007);
    let expected: Vec<u8> = "a\0b\0\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(key.values["MU"].data, expected);
    let expected: Vec<u8> =
        "caf\u{e9} \u{20ac}5\n\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(key.values[""].data, expected);
    let link = file.keys.find("System\\Link").unwrap();
    assert!(link.link);
    assert_eq!(link.values["SYMBOLICLINKVALUE"].data.len(), 20);
}

#[test]
fn what_is_written_is_read_again_the_same() {
    let mut file = read(FILE).unwrap();
    file.keys.at("Odd").set(Value {
        name: "surrogate".into(),
        kind: REG_SZ,
        data: [0x41, 0xd8, 0, 0].into(),
        tombstone: false,
    });
    file.keys.at("Odd").set(Value {
        name: "no NUL".into(),
        kind: REG_SZ,
        data: b"a\0".to_vec(),
        tombstone: false,
    });
    file.keys.at("Empty\\Below");
    let text = write(&file);
    assert_eq!(read(&text).unwrap(), file, "{text}");
}

#[test]
fn a_broken_line_is_named() {
    for (line, bad) in [(5, "[a"), (6, "[a]\n\"x\"=what"), (6, "[a]\nnonsense")] {
        let text = format!("{SIGNATURE}\n\n\n\n{bad}\n");
        assert_eq!(read(&text).unwrap_err().line, line, "{bad}");
    }
    assert_eq!(read("REGEDIT4\n").unwrap_err().line, 1);
}
