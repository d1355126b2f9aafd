//! Reading.

use super::escape::unescape;
use super::{BadFile, File, REG_BINARY, REG_DWORD, REG_SZ, SIGNATURE};
use crate::hive::{Key, Value};

/// Reads a registry file.
pub fn read(text: &str) -> Result<File, BadFile> {
    let mut lines = Lines { lines: text.lines(), number: 0 };
    if lines.next() != Some(SIGNATURE) {
        return Err(lines.bad("a registry file begins with `WINE REGISTRY Version 2`"));
    }
    let mut file = File { root: String::new(), arch: "win64".into(), keys: Key::new("") };
    let mut path: Option<String> = None;
    while let Some(line) = lines.next() {
        if let Some(root) = line.strip_prefix(";; All keys relative to ") {
            file.root = root.replace("\\\\", "\\");
        } else if let Some(arch) = line.strip_prefix("#arch=") {
            arch.clone_into(&mut file.arch);
        } else if let Some(name) = line.strip_prefix('[') {
            let found =
                unescape(name, ']').ok_or_else(|| lines.bad("a key's name ends with `]`"))?;
            let found = lossy(&found.0);
            file.keys.at(&found);
            path = Some(found);
        } else if let Some(path) = &path {
            entry(&mut lines, file.keys.at(path), line)?;
        }
    }
    Ok(file)
}

struct Lines<'a> {
    lines: std::str::Lines<'a>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        self.lines.next()
    }

    fn bad(&self, rule: &'static str) -> BadFile {
        BadFile { line: self.number, rule }
    }
}

/// What stands below a key's name.
fn entry(lines: &mut Lines<'_>, key: &mut Key, line: &str) -> Result<(), BadFile> {
    if let Some(time) = line.strip_prefix("#time=") {
        key.modified =
            u64::from_str_radix(time, 16).map_err(|_| lines.bad("a time is hexadecimal"))?;
    } else if let Some(class) = line.strip_prefix("#class=\"") {
        let class = unescape(class, '"').ok_or_else(|| lines.bad("a class ends with `\"`"))?;
        key.class = Some(lossy(&class.0));
    } else if line == "#link" {
        key.link = true;
    } else if let Some(value) = line.strip_prefix("@=") {
        key.set(data(lines, String::new(), value)?);
    } else if let Some(rest) = line.strip_prefix('"') {
        let (name, rest) = unescape(rest, '"').ok_or_else(|| lines.bad("a name ends with `\"`"))?;
        let rest = rest.strip_prefix('=').ok_or_else(|| lines.bad("`=` follows a name"))?;
        key.set(data(lines, lossy(&name), rest)?);
    } else if !line.is_empty() && !line.starts_with(['#', ';']) {
        return Err(lines.bad("neither a key, nor a value, nor a comment"));
    }
    Ok(())
}

fn data(lines: &mut Lines<'_>, name: String, text: &str) -> Result<Value, BadFile> {
    let (kind, data) = if let Some(string) = text.strip_prefix('"') {
        (REG_SZ, string_data(lines, string)?)
    } else if let Some(rest) = text.strip_prefix("str(") {
        let (kind, rest) = numbered(lines, rest)?;
        let string = rest.strip_prefix('"').ok_or_else(|| lines.bad("a string is in quotes"))?;
        (kind, string_data(lines, string)?)
    } else if let Some(number) = text.strip_prefix("dword:") {
        let number = u32::from_str_radix(number.trim(), 16)
            .map_err(|_| lines.bad("a dword is hexadecimal"))?;
        (REG_DWORD, number.to_le_bytes().to_vec())
    } else if let Some(bytes) = text.strip_prefix("hex:") {
        (REG_BINARY, hex(lines, bytes)?)
    } else if let Some(rest) = text.strip_prefix("hex(") {
        let (kind, bytes) = numbered(lines, rest)?;
        (kind, hex(lines, bytes)?)
    } else {
        return Err(lines.bad("a value is a string, dword, hex or one with its type"));
    };
    Ok(Value { name, kind, data, tombstone: false })
}

/// `7):...` after `str(` or `hex(`.
fn numbered<'a>(lines: &Lines<'_>, text: &'a str) -> Result<(u32, &'a str), BadFile> {
    let found = text
        .split_once("):")
        .and_then(|(number, rest)| Some((u32::from_str_radix(number, 16).ok()?, rest)));
    found.ok_or_else(|| lines.bad("a type is hexadecimal and followed by `):`"))
}

/// A string's bytes with the NUL that the text leaves out.
fn string_data(lines: &Lines<'_>, text: &str) -> Result<Vec<u8>, BadFile> {
    let (units, _) = unescape(text, '"').ok_or_else(|| lines.bad("a string ends with `\"`"))?;
    Ok(units.into_iter().chain([0]).flat_map(u16::to_le_bytes).collect())
}

/// Bytes separated by commas; a backslash at the end of a line goes on in the next.
fn hex(lines: &mut Lines<'_>, text: &str) -> Result<Vec<u8>, BadFile> {
    let (mut bytes, mut line) = (Vec::new(), text);
    loop {
        let (part, more) = match line.trim().strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line.trim(), false),
        };
        for byte in part.split(',').map(str::trim).filter(|byte| !byte.is_empty()) {
            let byte = u8::from_str_radix(byte, 16)
                .map_err(|_| lines.bad("a byte is two hexadecimal digits"))?;
            bytes.push(byte);
        }
        if !more {
            return Ok(bytes);
        }
        line = lines.next().ok_or_else(|| lines.bad("the value goes on after the end"))?;
    }
}

fn lossy(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}
