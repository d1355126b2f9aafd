//! What the registry and the environment tell of the processors.

use std::arch::x86_64::{__cpuid, CpuidResult};

use schema::guest::Failure;
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

use super::registry::{Data, Key, Root};

/// Writes the processors' keys, gone with the session, and the system variables of this machine.
pub(super) fn write_keys() -> Result<(), Failure> {
    let processor = Processor::read();
    let count = processor_count();
    write_environment(&processor, count)?;
    let system = r"Hardware\Description\System";
    Key::create(Root::Machine, system, true)?.set("Identifier", &Data::text("AT compatible"))?;
    for index in 0..count {
        write_one(&processor, &format!(r"{system}\CentralProcessor\{index}"))?;
        let float =
            Key::create(Root::Machine, &format!(r"{system}\FloatingPointProcessor\{index}"), true)?;
        float.set("Identifier", &Data::text(&processor.identifier()))?;
    }
    Ok(())
}

/// How many this session may use.
pub(super) fn processor_count() -> u32 {
    // SAFETY: all of its fields may be zero; the call fills it.
    unsafe {
        let mut info: SYSTEM_INFO = std::mem::zeroed();
        GetSystemInfo(&raw mut info);
        info.dwNumberOfProcessors
    }
}

fn write_one(processor: &Processor, path: &str) -> Result<(), Failure> {
    let key = Key::create(Root::Machine, path, true)?;
    key.set("Identifier", &Data::text(&processor.identifier()))?;
    key.set("ProcessorNameString", &Data::text(&processor.name))?;
    key.set("VendorIdentifier", &Data::text(&processor.vendor))?;
    key.set("~MHz", &Data::dword(processor.mhz()))
}

fn write_environment(processor: &Processor, count: u32) -> Result<(), Failure> {
    let path = r"System\CurrentControlSet\Control\Session Manager\Environment";
    let key = Key::create(Root::Machine, path, false)?;
    let identifier = format!("{}, {}", processor.identifier(), processor.vendor);
    for (name, value) in [
        ("NUMBER_OF_PROCESSORS", count.to_string()),
        ("PROCESSOR_ARCHITECTURE", "AMD64".to_owned()),
        ("PROCESSOR_IDENTIFIER", identifier),
        ("PROCESSOR_LEVEL", processor.family.to_string()),
        ("PROCESSOR_REVISION", format!("{:02x}{:02x}", processor.model, processor.stepping)),
    ] {
        key.set(name, &Data::text(&value))?;
    }
    Ok(())
}

/// What CPUID tells.
struct Processor {
    vendor: String,
    name: String,
    family: u32,
    model: u32,
    stepping: u32,
}

impl Processor {
    fn read() -> Self {
        let id = __cpuid(0);
        let signature = __cpuid(1).eax;
        let family = signature >> 8 & 0xf;
        let model = signature >> 4 & 0xf;
        let extended = family == 6 || family == 15;
        Self {
            vendor: text(&[id.ebx, id.edx, id.ecx]),
            name: brand(),
            family: if family == 15 { family + (signature >> 20 & 0xff) } else { family },
            model: if extended { model | (signature >> 16 & 0xf) << 4 } else { model },
            stepping: signature & 0xf,
        }
    }

    fn identifier(&self) -> String {
        let kind = if self.vendor == "AuthenticAMD" { "AMD64" } else { "Intel64" };
        let Self { family, model, stepping, .. } = self;
        format!("{kind} Family {family} Model {model} Stepping {stepping}")
    }

    /// From the name (`... @ 2.60GHz`), as no other source is open to every kind of guest.
    fn mhz(&self) -> u32 {
        let ghz = self.name.rsplit_once("@ ").and_then(|(_, text)| text.strip_suffix("GHz"));
        let hundredths = ghz.and_then(|text| text.replace('.', "").parse::<u32>().ok());
        hundredths.map_or(2000, |hundredths| hundredths * 10)
    }
}

fn brand() -> String {
    const FIRST: u32 = 0x8000_0002;
    if __cpuid(0x8000_0000).eax < FIRST + 2 {
        return String::new();
    }
    let registers: Vec<u32> = (FIRST..FIRST + 3)
        .flat_map(|leaf| {
            let CpuidResult { eax, ebx, ecx, edx } = __cpuid(leaf);
            [eax, ebx, ecx, edx]
        })
        .collect();
    text(&registers)
}

fn text(registers: &[u32]) -> String {
    let bytes: Vec<u8> = registers.iter().flat_map(|r| r.to_le_bytes()).collect();
    String::from_utf8_lossy(&bytes).trim_matches(['\0', ' ']).to_owned()
}
