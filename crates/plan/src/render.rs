//! A plan for a person: what would happen, before it does.

use std::fmt::{self, Write as _};

use schema::container::{Container, Processor, RegistryValue};
use serde_json::Value;

use crate::plan::Plan;

impl Plan {
    /// The plan as JSON: the steps with how each is given back, the document, the first process.
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(self).expect("a plan holds only what JSON can");
        let steps = value.get_mut("steps").and_then(Value::as_array_mut);
        for (told, step) in steps.into_iter().flatten().zip(&self.steps) {
            told["given_back"] = step.undo_summary().into();
        }
        // Schema 1.0 is only of interest where it is what is sent.
        if let Some(plan) = value.as_object_mut().filter(|_| self.sent != crate::plan::Sent::V1) {
            plan.remove("v1");
        }
        value
    }

    /// The plan as a table of steps, and the values decided on.
    pub fn to_table(&self) -> String {
        let mut text = String::new();
        self.write_table(&mut text).expect("a string takes everything");
        text
    }

    fn write_table(&self, out: &mut String) -> fmt::Result {
        writeln!(out, "container {}", self.id)?;
        writeln!(out)?;
        write_steps(self, out)?;
        if let Some(container) = &self.document.container {
            writeln!(out)?;
            write_pairs(out, &decided(container))?;
        }
        if let Some(process) = &self.process {
            writeln!(out)?;
            let user = some_or(&process.user, "(the image's)");
            let console = if process.emulate_console { "yes" } else { "no" };
            write_pairs(
                out,
                &[
                    ("command line", some_or(&process.command_line, "(none)")),
                    ("directory", some_or(&process.working_directory, r"C:\")),
                    ("user", user),
                    ("console", console.into()),
                ],
            )?;
        }
        for remark in &self.remarks {
            writeln!(out, "\nnote: {remark}")?;
        }
        Ok(())
    }
}

fn write_steps(plan: &Plan, out: &mut String) -> fmt::Result {
    let mut rows = vec![["", "step", "what", "given back by"].map(str::to_owned)];
    for (at, step) in plan.steps.iter().enumerate() {
        let (name, what) = step.summary();
        let given_back = step.undo_summary().to_owned();
        rows.push([(at + 1).to_string(), name.to_owned(), what, given_back]);
    }
    if plan.steps.is_empty() {
        return writeln!(out, "nothing to acquire");
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..3).map(|column| width(column).unwrap_or_default()).collect();
    for [number, step, what, given_back] in &rows {
        let (a, b, c) = (widths[0], widths[1], widths[2]);
        let line = format!("{number:>a$}  {step:<b$}  {what:<c$}  {given_back}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The values that a person asks for most.
fn decided(container: &Container) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if let Some(guest) = &container.guest_os {
        pairs.push(("host name", guest.host_name.clone()));
    }
    if let Some(processor) = &container.processor {
        pairs.push(("processor", limit(processor)));
    }
    let memory = container
        .memory
        .as_ref()
        .map_or("no limit".into(), |memory| format!("{} MiB", memory.size_in_mb));
    pairs.push(("memory", memory));
    if let Some(qos) = &container.storage.qos {
        let text = format!("{} operations/s, {} bytes/s", qos.iops_maximum, qos.bandwidth_maximum);
        pairs.push(("storage (0 is no limit)", text));
    }
    for mount in &container.mapped_directories {
        let mode = if mount.read_only { " (read-only)" } else { "" };
        let (from, to) = (&mount.host_path, &mount.container_path);
        let kind = match mount.host_path_type.as_str() {
            "" => String::new(),
            kind => format!("{kind} "),
        };
        pairs.push(("mount", format!("{kind}{from} at {to}{mode}")));
    }
    for pipe in &container.mapped_pipes {
        pairs.push(("pipe", format!("{} as {}", pipe.host_path, pipe.container_pipe_name)));
    }
    if let Some(network) = &container.networking {
        pairs.push(("namespace", some_or(&network.namespace, "(a new one)")));
        if !network.dns_search_list.is_empty() {
            pairs.push(("DNS search list", network.dns_search_list.clone()));
        }
    }
    for device in &container.assigned_devices {
        pairs.push(("device", format!("{}{}", device.interface_class_guid, device.location_path)));
    }
    for value in container.registry_changes.iter().flat_map(|changes| &changes.add_values) {
        pairs.push(("registry", registry(value)));
    }
    pairs
}

/// At most one of the three is set.
fn limit(processor: &Processor) -> String {
    match (processor.count, processor.maximum, processor.weight) {
        (0, 0, 0) => "no limit".into(),
        (0, 0, weight) => format!("weight {weight}"),
        (0, share, _) => format!("at most {share} of 10000 parts of all"),
        (count, ..) => format!("count {count}"),
    }
}

fn registry(value: &RegistryValue) -> String {
    let key = value.key.as_ref();
    let at = key.map(|key| format!(r"{}\{}\", key.hive, key.name)).unwrap_or_default();
    let (text, number) = (&value.string_value, value.dword_value);
    let shown = match value.value_type.as_str() {
        "DWord" => number.to_string(),
        "QWord" => value.qword_value.to_string(),
        "Binary" => value.binary_value.clone(),
        _ => text.clone(),
    };
    format!("{at}{} = {shown}", value.name)
}

fn some_or(text: &str, default: &str) -> String {
    if text.is_empty() { default.into() } else { text.into() }
}

fn write_pairs(out: &mut String, pairs: &[(&str, String)]) -> fmt::Result {
    let width = pairs.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    for (name, value) in pairs {
        writeln!(out, "{name:<width$}  {value}")?;
    }
    Ok(())
}
