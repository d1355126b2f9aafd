//! What commands print: templates, tables, JSON.
//!
//! A command turns each thing that it lists into one JSON object with docker's member names. Which
//! of them are shown, and how, is decided by `--format` alone.

mod expression;
mod functions;
mod printf;
mod table;
mod template;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

pub use template::Template;

use table::Table;

/// How a list is printed.
#[derive(Debug)]
pub enum Format {
    /// Columns with headings.
    Table(Template),
    /// One object a line.
    Json,
    /// One expanded template a line.
    Template(Template),
}

impl Format {
    /// Reads `--format`; `default` is the template of the command's table.
    pub fn parse(flag: Option<&str>, default: &str) -> Result<Self> {
        match flag {
            None | Some("" | "table") => Ok(Self::Table(Template::parse(default)?)),
            Some("json") => Ok(Self::Json),
            Some(text) => match text.strip_prefix("table ") {
                Some(columns) => Ok(Self::Table(Template::parse(&unescape(columns))?)),
                None => Ok(Self::Template(Template::parse(&unescape(text))?)),
            },
        }
    }

    /// The whole list as text. `headings` names the columns by their members.
    pub fn list(&self, rows: &[Value], headings: &[(&str, &str)]) -> Result<String> {
        let mut text = String::new();
        match self {
            Self::Json => {
                for row in rows {
                    text.push_str(&serde_json::to_string(row)?);
                    text.push('\n');
                }
            }
            Self::Template(template) => {
                for row in rows {
                    text.push_str(&template.expand(row)?);
                    text.push('\n');
                }
            }
            Self::Table(template) => {
                let mut table = Table::default();
                table.add(&template.headings(headings));
                for row in rows {
                    table.add(&template.expand(row)?);
                }
                text = table.to_string();
            }
        }
        Ok(text)
    }
}

/// One thing, by a template or as indented JSON.
pub fn one(format: Option<&str>, value: &Value) -> Result<String> {
    match format {
        None | Some("") => pretty(value),
        Some("json") => Ok(serde_json::to_string(value)?),
        Some(text) => Template::parse(&unescape(text))?.expand(value),
    }
}

/// JSON for people, with docker's indentation.
pub fn pretty(value: &impl Serialize) -> Result<String> {
    let mut text = Vec::new();
    let indented = PrettyFormatter::with_indent(b"    ");
    value.serialize(&mut Serializer::with_formatter(&mut text, indented))?;
    Ok(String::from_utf8(text)?)
}

/// `\t` and `\n`, as shells pass them on.
fn unescape(text: &str) -> String {
    text.replace(r"\t", "\t").replace(r"\n", "\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows() -> Vec<Value> {
        vec![json!({"Names": "a", "ID": "1"}), json!({"Names": "long-name", "ID": "2"})]
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let format = Format::parse(None, "{{.Names}}\t{{.ID}}").unwrap();
        let text = format.list(&rows(), &[("Names", "NAMES"), ("ID", "CONTAINER ID")]).unwrap();
        assert_eq!(text, "NAMES       CONTAINER ID\na           1\nlong-name   2\n");
    }

    #[test]
    fn a_template_is_expanded_for_each_row_and_json_is_one_object_a_line() {
        let format = Format::parse(Some(r"{{.ID}}\t{{json .Names}}"), "").unwrap();
        assert_eq!(format.list(&rows(), &[]).unwrap(), "1\t\"a\"\n2\t\"long-name\"\n");
        let format = Format::parse(Some("json"), "").unwrap();
        assert!(format.list(&rows(), &[]).unwrap().starts_with("{\"Names\":\"a\",\"ID\":\"1\"}\n"));
    }

    #[test]
    fn a_table_of_ones_own_has_headings_too() {
        let format = Format::parse(Some("table {{.ID}}"), "").unwrap();
        let text = format.list(&rows(), &[("ID", "CONTAINER ID")]).unwrap();
        assert_eq!(text, "CONTAINER ID\n1\n2\n");
    }
}
