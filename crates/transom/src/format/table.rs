//! Columns.

use std::fmt;

/// Rows of cells that are parted by tabs.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: usize = 3;

impl Table {
    /// Adds a row.
    pub(super) fn add(&mut self, row: &str) {
        self.rows.push(row.split('\t').map(str::to_owned).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                if column + 1 == row.len() {
                    writeln!(f, "{}", cell.trim_end())?;
                } else {
                    write!(f, "{cell:width$}", width = self.width(column) + GAP)?;
                }
            }
        }
        Ok(())
    }
}
