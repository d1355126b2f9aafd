//! The registry: values that documents ask for, and what this program itself reads and writes.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use schema::container::{RegistryKey, RegistryValue};
use schema::guest::Failure;
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, KEY_ALL_ACCESS, KEY_READ, REG_BINARY, REG_DWORD,
    REG_EXPAND_SZ, REG_MULTI_SZ, REG_NONE, REG_OPTION_NON_VOLATILE, REG_OPTION_VOLATILE, REG_QWORD,
    REG_SZ, RegCloseKey, RegCreateKeyExW, RegDeleteTreeW, RegEnumValueW, RegOpenKeyExW,
    RegSetValueExW,
};

use super::error;
use super::text::{narrow, wide};

/// Which tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// `HKEY_LOCAL_MACHINE`.
    Machine,
    /// `HKEY_CURRENT_USER`.
    User,
}

impl Root {
    fn raw(self) -> HKEY {
        match self {
            Self::Machine => HKEY_LOCAL_MACHINE,
            Self::User => HKEY_CURRENT_USER,
        }
    }
}

/// Deletes `keys` and then sets `values`, in order. Everything is checked before anything is done.
pub(super) fn change(keys: &[RegistryKey], values: &[RegistryValue]) -> Result<(), Failure> {
    let deleted = keys.iter().map(path_of).collect::<Result<Vec<_>, _>>()?;
    let set = values
        .iter()
        .map(|value| {
            let key = value.key.as_ref().ok_or_else(|| bad(&value.name, "it names no key"))?;
            Ok((path_of(key)?, key.volatile, &value.name, Data::of(value)?))
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    deleted.iter().try_for_each(|path| delete(path))?;
    for (path, volatile, name, data) in set {
        Key::create(Root::Machine, &path, volatile)?.set(name, &data)?;
    }
    Ok(())
}

/// A text value.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) name: String,
    pub(super) value: String,
    /// It is of type `REG_EXPAND_SZ`.
    pub(super) expands: bool,
}

/// The text values of a key; none when there is no such key.
pub(super) fn texts(root: Root, path: &str) -> Vec<Text> {
    let Some(key) = Key::open(root, path) else { return Vec::new() };
    (0..).map_while(|index| key.value_at(index)).filter_map(Value::into_text).collect()
}

/// One value of a key as text: numbers in hexadecimal, several texts with `;` between them.
pub(super) fn shown(root: Root, path: &str, name: &str) -> Option<String> {
    let key = Key::open(root, path)?;
    let value = (0..)
        .map_while(|index| key.value_at(index))
        .find(|value| value.name.eq_ignore_ascii_case(name))?;
    match value.kind {
        REG_SZ | REG_EXPAND_SZ => Some(narrow(&value.data)),
        REG_MULTI_SZ => {
            let texts = value.data.split(|unit| *unit == 0).filter(|text| !text.is_empty());
            Some(texts.map(narrow).collect::<Vec<_>>().join(";"))
        }
        REG_DWORD => {
            let low = u32::from(*value.data.first()?);
            Some(format!("0x{:x}", low | u32::from(*value.data.get(1)?) << 16))
        }
        _ => None,
    }
}

/// What a value holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Data {
    kind: u32,
    bytes: Vec<u8>,
}

impl Data {
    pub(super) fn text(text: &str) -> Self {
        Self { kind: REG_SZ, bytes: utf16(&wide(text)) }
    }

    /// Text whose `%NAME%`s are replaced by whoever reads it.
    pub(super) fn expanding(text: &str) -> Self {
        Self { kind: REG_EXPAND_SZ, bytes: utf16(&wide(text)) }
    }

    pub(super) fn dword(value: u32) -> Self {
        Self { kind: REG_DWORD, bytes: value.to_le_bytes().into() }
    }

    /// Of a document's value: the field that belongs to its type.
    fn of(value: &RegistryValue) -> Result<Self, Failure> {
        let text = |kind| Ok(Self { kind, bytes: utf16(&wide(&value.string_value)) });
        match value.value_type.as_str() {
            "None" => Ok(Self { kind: REG_NONE, bytes: binary(value)? }),
            "String" => text(REG_SZ),
            "ExpandedString" => text(REG_EXPAND_SZ),
            "MultiString" => Ok(Self { kind: REG_MULTI_SZ, bytes: multi(&value.string_value) }),
            "Binary" => Ok(Self { kind: REG_BINARY, bytes: binary(value)? }),
            "DWord" => Ok(Self { kind: REG_DWORD, bytes: value.dword_value.to_le_bytes().into() }),
            "QWord" => {
                let wide = i64::from(value.qword_value);
                Ok(Self { kind: REG_QWORD, bytes: wide.to_le_bytes().into() })
            }
            "CustomType" => {
                Ok(Self { kind: value.custom_type.cast_unsigned(), bytes: binary(value)? })
            }
            other => Err(bad(&value.name, &format!("`{other}` is not a registry type"))),
        }
    }
}

/// Lines, or texts parted by zeros, as texts each ended by a zero and one more at the end.
fn multi(text: &str) -> Vec<u8> {
    let mut units = Vec::new();
    for line in text.split(['\0', '\n']).map(|line| line.trim_end_matches('\r')) {
        if !line.is_empty() {
            units.extend(wide(line));
        }
    }
    units.push(0);
    utf16(&units)
}

fn binary(value: &RegistryValue) -> Result<Vec<u8>, Failure> {
    BASE64
        .decode(&value.binary_value)
        .map_err(|_| bad(&value.name, "its binary value is not base64"))
}

fn utf16(units: &[u16]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

fn bad(name: &str, rule: &str) -> Failure {
    Failure { code: 87, message: format!("registry value `{name}`: {rule}") }
}

/// A document's key beneath `HKEY_LOCAL_MACHINE`. Wine keeps one control set, under the name that
/// Windows links to it.
fn path_of(key: &RegistryKey) -> Result<String, Failure> {
    let hives = ["System", "Software", "Sam", "Security"];
    let Some(hive) = hives.iter().find(|hive| hive.eq_ignore_ascii_case(&key.hive)) else {
        let message = format!(
            "registry key `{}`: hive `{}` is not one of System, Software, Sam, Security",
            key.name, key.hive
        );
        return Err(Failure { code: 87, message });
    };
    let name = key.name.trim_matches('\\');
    if name.is_empty() || name.contains('\0') {
        let message = format!("registry key `{name}` of hive {hive}: it needs a path");
        return Err(Failure { code: 87, message });
    }
    let (first, rest) = name.split_once('\\').map_or((name, ""), |(first, rest)| (first, rest));
    if *hive == "System" && first.eq_ignore_ascii_case("ControlSet001") {
        return Ok(format!(r"System\CurrentControlSet\{rest}").trim_end_matches('\\').to_owned());
    }
    Ok(format!(r"{hive}\{name}"))
}

/// A key that is not there is a success.
fn delete(path: &str) -> Result<(), Failure> {
    // SAFETY: a predefined key and a zero-terminated path.
    match unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, wide(path).as_ptr()) } {
        ERROR_SUCCESS | ERROR_FILE_NOT_FOUND => Ok(()),
        code => Err(error::failure(code, &format!("deleting registry key `{path}`"))),
    }
}

/// An open key.
pub(super) struct Key(HKEY);

impl Key {
    /// Opens a key with its parents, making what is missing.
    pub(super) fn create(root: Root, path: &str, volatile: bool) -> Result<Self, Failure> {
        let options = if volatile { REG_OPTION_VOLATILE } else { REG_OPTION_NON_VOLATILE };
        let mut key = std::ptr::null_mut();
        // SAFETY: the path is zero-terminated; the optional pointers may be null.
        let code = unsafe {
            RegCreateKeyExW(
                root.raw(),
                wide(path).as_ptr(),
                0,
                std::ptr::null(),
                options,
                KEY_ALL_ACCESS,
                std::ptr::null(),
                &raw mut key,
                std::ptr::null_mut(),
            )
        };
        match code {
            ERROR_SUCCESS => Ok(Self(key)),
            code => Err(error::failure(code, &format!("making registry key `{path}`"))),
        }
    }

    fn open(root: Root, path: &str) -> Option<Self> {
        let mut key = std::ptr::null_mut();
        // SAFETY: the path is zero-terminated.
        let code =
            unsafe { RegOpenKeyExW(root.raw(), wide(path).as_ptr(), 0, KEY_READ, &raw mut key) };
        (code == ERROR_SUCCESS).then_some(Self(key))
    }

    /// Sets a value; an empty name is the key's default.
    pub(super) fn set(&self, name: &str, data: &Data) -> Result<(), Failure> {
        let len = u32::try_from(data.bytes.len()).expect("a frame is smaller");
        // SAFETY: the name is zero-terminated, the bytes go with their length.
        let code = unsafe {
            RegSetValueExW(self.0, wide(name).as_ptr(), 0, data.kind, data.bytes.as_ptr(), len)
        };
        match code {
            ERROR_SUCCESS => Ok(()),
            code => Err(error::failure(code, &format!("setting registry value `{name}`"))),
        }
    }

    /// The value at `index`; `None` behind the last one.
    fn value_at(&self, index: u32) -> Option<Value> {
        let mut name = [0u16; 256];
        let mut data = vec![0u16; 32 << 10];
        let (mut name_len, mut kind) = (256, 0);
        let mut data_len = 64 << 10;
        // SAFETY: each buffer goes with its length in the unit that the call counts in.
        let code = unsafe {
            RegEnumValueW(
                self.0,
                index,
                name.as_mut_ptr(),
                &raw mut name_len,
                std::ptr::null(),
                &raw mut kind,
                data.as_mut_ptr().cast(),
                &raw mut data_len,
            )
        };
        data.truncate(data_len as usize / 2);
        (code == ERROR_SUCCESS).then(|| Value { name: narrow(&name), kind, data })
    }
}

/// A value as it is read.
struct Value {
    name: String,
    kind: u32,
    data: Vec<u16>,
}

impl Value {
    fn into_text(self) -> Option<Text> {
        let is_text = self.kind == REG_SZ || self.kind == REG_EXPAND_SZ;
        (is_text && !self.name.is_empty()).then(|| Text {
            name: self.name,
            value: narrow(&self.data),
            expands: self.kind == REG_EXPAND_SZ,
        })
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: it is this value's own.
        unsafe { RegCloseKey(self.0) };
    }
}
