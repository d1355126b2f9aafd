//! What `wineboot` does for a session, as far as programs look at it, at a hundredth of the cost:
//! the processor's keys and the shared page, the computer's name, the system variables that
//! depend on the machine. Services are started when somebody asks ([`super::services`]); what a
//! prefix update does is in the platform layer already (`engine`'s `platform`).

use schema::guest::Failure;
use windows_sys::Wdk::Foundation::OBJECT_ATTRIBUTES;
use windows_sys::Win32::Foundation::{HANDLE, UNICODE_STRING};
use windows_sys::Win32::System::Threading::SetEvent;

use super::handle::Handle;
use super::registry::{Data, Key, Root};
use super::text::wide;
use super::{error, hardware, linux, shared_data};

/// Sets up the session. The event that it returns is what every process started from Linux waits
/// for; while it is held, none of them boots the session again.
pub(super) fn boot() -> Result<Handle, Failure> {
    let event = boot_event()?;
    shared_data::fill()?;
    hardware::write_keys()?;
    write_names()?;
    // SAFETY: the event is open for this.
    if unsafe { SetEvent(event.raw()) } == 0 {
        return Err(error::last("setting the boot event"));
    }
    Ok(event)
}

#[link(name = "ntdll")]
unsafe extern "system" {
    fn NtCreateEvent(
        event: *mut HANDLE,
        access: u32,
        attributes: *const OBJECT_ATTRIBUTES,
        kind: i32,
        initial: u8,
    ) -> i32;
}

fn boot_event() -> Result<Handle, Failure> {
    const EVENT_ALL_ACCESS: u32 = 0x001F_0003;
    const NOTIFICATION_EVENT: i32 = 0;
    const OBJ_OPENIF: u32 = 0x80;
    with_object(r"\KernelObjects\__wineboot_event", OBJ_OPENIF, |attributes| {
        let mut event = std::ptr::null_mut();
        // SAFETY: the attributes live for the call.
        let status = unsafe {
            NtCreateEvent(&raw mut event, EVENT_ALL_ACCESS, attributes, NOTIFICATION_EVENT, 0)
        };
        Handle::own(event).ok_or_else(|| error::from_status(status, "making the boot event"))
    })
}

/// Calls `act` with the attributes of a named kernel object.
pub(super) fn with_object<T>(
    name: &str,
    attributes: u32,
    act: impl FnOnce(*const OBJECT_ATTRIBUTES) -> T,
) -> T {
    let mut text = wide(name);
    let bytes = u16::try_from((text.len() - 1) * 2).expect("object names are short");
    let name =
        UNICODE_STRING { Length: bytes, MaximumLength: bytes + 2, Buffer: text.as_mut_ptr() };
    let object = OBJECT_ATTRIBUTES {
        Length: u32::try_from(size_of::<OBJECT_ATTRIBUTES>()).expect("it is 48"),
        RootDirectory: std::ptr::null_mut(),
        ObjectName: &raw const name,
        Attributes: attributes,
        SecurityDescriptor: std::ptr::null(),
        SecurityQualityOfService: std::ptr::null(),
    };
    act(&raw const object)
}

/// The computer's names, made of the Linux name that the silo host gave.
fn write_names() -> Result<(), Failure> {
    const MAX_NETBIOS: usize = 15;
    let Ok(node) = linux::node_name() else { return Ok(()) };
    let (host, domain) = node.split_once('.').unwrap_or((&node, ""));
    let netbios: String = host.chars().take(MAX_NETBIOS).collect::<String>().to_uppercase();
    let names = r"System\CurrentControlSet\Control\ComputerName";
    let key = Key::create(Root::Machine, &format!(r"{names}\ComputerName"), false)?;
    key.set("ComputerName", &Data::text(&netbios))?;
    let key = Key::create(Root::Machine, &format!(r"{names}\ActiveComputerName"), true)?;
    key.set("ComputerName", &Data::text(&netbios))?;
    let network = r"System\CurrentControlSet\Services\Tcpip\Parameters";
    let key = Key::create(Root::Machine, network, false)?;
    for (name, value) in
        [("Hostname", host), ("NV Hostname", host), ("Domain", domain), ("NV Domain", domain)]
    {
        key.set(name, &Data::text(value))?;
    }
    Ok(())
}
