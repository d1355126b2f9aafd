//! Writing, as wineserver does: only keys that hold something, or that nothing is below.

use std::fmt::Write;

use super::escape::escape;
use super::{File, REG_BINARY, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ, REG_SZ, SIGNATURE};
use crate::hive::{Key, Value};

/// Between the epochs of Windows (1601) and Unix, in 100 ns.
const UNIX_EPOCH: u64 = 116_444_736_000_000_000;
/// Columns after which bytes go on in the next line.
const WIDTH: usize = 76;

/// Writes a registry file.
pub fn write(file: &File) -> String {
    let root = file.root.replace('\\', "\\\\");
    let mut out = format!("{SIGNATURE}\n;; All keys relative to {root}\n\n#arch={}\n", file.arch);
    let mut path = Vec::new();
    key(&mut out, &file.keys, &mut path).expect("writing to a string does not fail");
    out
}

fn key(out: &mut String, this: &Key, path: &mut Vec<u16>) -> std::fmt::Result {
    let holds = !this.values.is_empty() || this.class.is_some() || this.link;
    if !path.is_empty() && (holds || this.keys.is_empty()) {
        out.push_str("\n[");
        escape(out, path, "[]");
        writeln!(out, "] {}", this.modified.saturating_sub(UNIX_EPOCH) / 10_000_000)?;
        writeln!(out, "#time={:x}", this.modified)?;
        if let Some(class) = &this.class {
            out.push_str("#class=\"");
            escape(out, &class.encode_utf16().collect::<Vec<_>>(), "\"");
            out.push_str("\"\n");
        }
        if this.link {
            out.push_str("#link\n");
        }
        for found in this.values.values() {
            value(out, found)?;
        }
    }
    for below in this.keys.values() {
        let length = path.len();
        if length > 0 {
            path.push(u16::from(b'\\'));
        }
        path.extend(below.name.encode_utf16());
        key(out, below, path)?;
        path.truncate(length);
    }
    Ok(())
}

fn value(out: &mut String, this: &Value) -> std::fmt::Result {
    let start = out.len();
    if this.name.is_empty() {
        out.push('@');
    } else {
        out.push('"');
        escape(out, &this.name.encode_utf16().collect::<Vec<_>>(), "\"");
        out.push('"');
    }
    out.push('=');
    match (this.kind, text(&this.data)) {
        (REG_SZ, Some(units)) => quoted(out, &units),
        (REG_EXPAND_SZ | REG_MULTI_SZ, Some(units)) => {
            write!(out, "str({:x}):", this.kind)?;
            quoted(out, &units);
        }
        (REG_DWORD, _) if this.data.len() == 4 => {
            let bytes = [this.data[0], this.data[1], this.data[2], this.data[3]];
            write!(out, "dword:{:08x}", u32::from_le_bytes(bytes))?;
        }
        (kind, _) => {
            if kind == REG_BINARY {
                out.push_str("hex:");
            } else {
                write!(out, "hex({kind:x}):")?;
            }
            let column = out.len() - start;
            hex(out, &this.data, column)?;
        }
    }
    out.push('\n');
    Ok(())
}

/// A string's units without its NUL, if it is one.
fn text(data: &[u8]) -> Option<Vec<u16>> {
    if !data.len().is_multiple_of(2) {
        return None;
    }
    let mut units: Vec<u16> =
        data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    (units.pop()? == 0).then_some(units)
}

fn quoted(out: &mut String, units: &[u16]) {
    out.push('"');
    escape(out, units, "\"");
    out.push('"');
}

fn hex(out: &mut String, data: &[u8], mut column: usize) -> std::fmt::Result {
    for (index, byte) in data.iter().enumerate() {
        write!(out, "{byte:02x}")?;
        if index + 1 == data.len() {
            break;
        }
        out.push(',');
        column += 3;
        if column >= WIDTH {
            out.push_str("\\\n  ");
            column = 2;
        }
    }
    Ok(())
}
