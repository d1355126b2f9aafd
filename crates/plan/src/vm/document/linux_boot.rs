//! How a Linux VM boots: its root, its kernel, and the kernel's command line.

use std::fmt::Write as _;

use crate::error::{PlanError, Result};
use crate::fields::Fields;
use crate::host::HostFacts;
use crate::paths::windows_join;
use crate::vm::options::{LinuxOptions, RootFs};

/// Its root is a disk on a memory device.
pub(super) fn root_on_pmem(options: &LinuxOptions) -> bool {
    options.root_fs == RootFs::Vhd && options.pmem_count > 0
}

/// Its root is a disk on a controller.
pub(super) fn root_on_scsi(options: &LinuxOptions) -> bool {
    options.root_fs == RootFs::Vhd && options.pmem_count == 0
}

/// `Chipset`.
pub(super) fn chipset(options: &LinuxOptions, host: &HostFacts) -> Result<Fields> {
    let line = command_line(options, host)?;
    let folder = &options.boot_files_path;
    if options.kernel_direct {
        let initrd = (options.root_fs == RootFs::Initrd)
            .then(|| windows_join(&[folder, &options.root_fs_file]));
        let kernel = Fields::new()
            .always("KernelFilePath", windows_join(&[folder, &options.kernel_file]))
            .given("InitRdPath", initrd)
            .put("KernelCmdLine", line);
        return Ok(Fields::new().always("LinuxKernelDirect", kernel));
    }
    let boot = Fields::new()
        .always("DeviceType", "VmbFs")
        .always("DevicePath", r"\kernel")
        .put("OptionalData", line)
        .put("VmbFsRootPath", folder.clone());
    Ok(Fields::new().always("Uefi", Fields::new().always("BootThis", boot)))
}

fn command_line(options: &LinuxOptions, host: &HostFacts) -> Result<String> {
    let common = &options.common;
    let mut line = root(options)?;
    line.push_str(" initcall_blacklist=virtio_vsock_init");
    line.push_str(if common.console_pipe.is_empty() {
        " 8250_core.nr_uarts=0"
    } else {
        " 8250_core.nr_uarts=1 8250_core.skip_txen_test=1 console=ttyS0,115200"
    });
    if common.enable_graphics_console {
        line.push_str(" console=tty");
    }
    let debugging = !common.console_pipe.is_empty() || common.enable_graphics_console;
    if !debugging {
        line.push_str(" panic=-1 quiet");
    }
    if !options.kernel_boot_options.is_empty() {
        line.push(' ');
        line.push_str(&options.kernel_boot_options);
    }
    if !options.pci_enabled {
        line.push_str(" pci=off");
    }
    // What was asked for, not what the host allows.
    write!(line, " nr_cpus={} brd.rd_nr=0 pmtmr=0 -- ", common.processor_count)
        .expect("a string takes everything");
    line.push_str(&init(options, debugging, host));
    Ok(line)
}

fn root(options: &LinuxOptions) -> Result<String> {
    if options.root_fs == RootFs::Initrd {
        let named = if options.kernel_direct {
            String::new()
        } else {
            format!("initrd=/{}", options.root_fs_file)
        };
        return Ok(named);
    }
    if root_on_pmem(options) {
        return Ok("root=/dev/pmem0 ro rootwait init=/init".into());
    }
    if !options.dm_verity_mode {
        return Ok("root=/dev/sda ro rootwait init=/init".into());
    }
    if options.dm_verity_create_args.is_empty() {
        let why = "a root that is checked needs the table of its device";
        return Err(PlanError::missing("lcow.dmverity-create-args", why));
    }
    let table = quote(&options.dm_verity_create_args);
    Ok(format!("root=/dev/dm-0 dm-mod.create={table} init=/init"))
}

/// The arguments of the VM's first process.
fn init(options: &LinuxOptions, debugging: bool, host: &HostFacts) -> String {
    let mut args = "-e 1".to_owned();
    if options.writable_overlay_dirs && options.root_fs == RootFs::Vhd {
        args.push_str(" -w");
    }
    let agent = agent(options, host);
    if debugging { args + &format!(" sh -c \"{agent} & exec sh\"") } else { args + " " + &agent }
}

fn agent(options: &LinuxOptions, host: &HostFacts) -> String {
    let mut line = "/bin/vsockexec".to_owned();
    if options.forward_stdout {
        line.push_str(" -o 109");
    }
    if options.forward_stderr {
        line.push_str(" -e 109");
    }
    line.push(' ');
    line.push_str(&options.exec_command_line);
    if options.disable_time_sync_service {
        line.push_str(" -disable-time-sync");
    }
    if !host.scrub_logs {
        line.push_str(" -scrub-logs=false");
    }
    if !options.common.process_dump_location.is_empty() {
        line.push_str(" -core-dump-location ");
        line.push_str(&options.common.process_dump_location);
    }
    line
}

/// Quotes a text as the original's language does.
fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            control if control.is_control() && u32::from(control) < 0x100 => {
                write!(quoted, "\\x{:02x}", u32::from(control)).expect("a string takes everything");
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
