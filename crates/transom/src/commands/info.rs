//! `info`, `version`, `completion`

use anyhow::Result;
use clap::CommandFactory;
use engine::os::machine;
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::cli::system::Completion;
use crate::format;
use crate::host::Host;
use crate::settings::size;
use crate::store::Status;

/// `version`
pub(super) fn version(format: Option<&str>) -> Result<u8> {
    let kernel = machine::release();
    let value = json!({
        "Client": {
            "Version": env!("CARGO_PKG_VERSION"),
            "Os": machine::OS,
            "Arch": "amd64",
        },
        "Server": {
            "Version": env!("CARGO_PKG_VERSION"),
            "Os": "windows",
            "OsVersion": engine::platform::os_version(),
            "Arch": "amd64",
            "KernelVersion": kernel,
        },
    });
    if let Some(format) = format {
        println!("{}", format::one(Some(format), &value)?);
    } else {
        println!("transom {}", env!("CARGO_PKG_VERSION"));
        println!(" Containers:  windows/amd64 {}", engine::platform::os_version());
        println!(" Host:        {}/amd64 {kernel}", machine::OS);
    }
    Ok(0)
}

/// `completion`
pub(super) fn completion(args: &Completion) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "transom", &mut script);
    print!("{}", String::from_utf8_lossy(&script));
}

/// `info`
pub(super) async fn command(host: &Host, format: Option<&str>) -> Result<()> {
    let value = describe(host).await?;
    match format {
        Some(format) => println!("{}", format::one(Some(format), &value)?),
        None => print(&value),
    }
    Ok(())
}

async fn describe(host: &Host) -> Result<Value> {
    let containers = host.list().await?;
    let count = |wanted: &dyn Fn(Status) -> bool| {
        containers.iter().filter(|found| wanted(found.state.status)).count()
    };
    let running = count(&|status| matches!(status, Status::Running | Status::Restarting));
    let paused = count(&|status| status == Status::Paused);
    let usage = host.images().await?.disk_usage().await?;
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(json!({
        "Containers": containers.len(),
        "ContainersRunning": running,
        "ContainersPaused": paused,
        "ContainersStopped": containers.len() - running - paused,
        "Images": usage.images,
        "Driver": "windowsfilter",
        "LoggingDriver": "json-file",
        "ServerVersion": env!("CARGO_PKG_VERSION"),
        "OSType": "windows",
        "OSVersion": engine::platform::os_version(),
        "OperatingSystem": machine::SYSTEM,
        "KernelVersion": machine::release(),
        "Architecture": "x86_64",
        "NCPU": cpus,
        "MemTotal": machine::memory(),
        "Name": machine::name(),
        "Isolation": "process",
        "DefaultRuntime": "io.containerd.runhcs.v1",
        "DockerRootDir": host.dirs.root,
        "LayersSize": usage.size,
    }))
}

fn print(value: &Value) {
    let text = |name: &str| match &value[name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    println!("Containers: {}", text("Containers"));
    println!(" Running: {}", text("ContainersRunning"));
    println!(" Paused: {}", text("ContainersPaused"));
    println!(" Stopped: {}", text("ContainersStopped"));
    println!("Images: {}", text("Images"));
    println!("Server Version: {}", text("ServerVersion"));
    println!("Storage Driver: {}", text("Driver"));
    println!("Logging Driver: {}", text("LoggingDriver"));
    println!("Default Runtime: {}", text("DefaultRuntime"));
    println!("Default Isolation: {}", text("Isolation"));
    println!("OSType: {}", text("OSType"));
    println!("Windows Version: {}", text("OSVersion"));
    println!("Operating System: {}", text("OperatingSystem"));
    println!("Kernel Version: {}", text("KernelVersion"));
    println!("Architecture: {}", text("Architecture"));
    println!("CPUs: {}", text("NCPU"));
    println!("Total Memory: {}", size::binary(value["MemTotal"].as_u64().unwrap_or(0)));
    println!("Name: {}", text("Name"));
    println!("Root Dir: {}", text("DockerRootDir"));
}
