//! From text to statements: directives, comments, continued lines, heredocs.

use super::fault::Fault;
use super::heredoc::{self, Heredoc};

const LONGEST_LINE: usize = 64 << 10;
const WITH_HEREDOCS: [&str; 3] = ["RUN", "COPY", "ADD"];

/// What the first lines of a Dockerfile say about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directives {
    /// `\` or `` ` ``.
    pub escape: char,
    /// The frontend asked for. Transom's own is always used: it reads the same language.
    pub syntax: Option<String>,
    /// What linting is to leave out.
    pub check: Option<String>,
}

/// An instruction as written, continued lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its first line, counted from 1.
    pub line: usize,
    /// Its last line, heredocs included.
    pub last_line: usize,
    /// Its name in upper case.
    pub name: String,
    /// Its name as it was written.
    pub keyword: String,
    /// Empty lines on the way to its end, but for those of heredocs.
    pub gaps: Vec<usize>,
    /// What follows the name.
    pub text: String,
    /// Blanks behind the text, which only docker's older builder heeds.
    pub blanks: String,
    /// What follows the line.
    pub heredocs: Vec<Heredoc>,
}

pub(super) fn read(text: &str) -> Result<(Directives, Vec<Statement>), Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    if let Some(at) = lines.iter().position(|line| line.len() > LONGEST_LINE) {
        return Err(Fault::new(at + 1, "the line is longer than 65536 bytes"));
    }
    let directives = directives(&lines)?;
    let mut reader = Reader { lines: &lines, at: 0, escape: directives.escape };
    let mut statements = Vec::new();
    while let Some(statement) = reader.statement()? {
        statements.push(statement);
    }
    Ok((directives, statements))
}

fn directives(lines: &[&str]) -> Result<Directives, Fault> {
    let mut found = Directives { escape: '\\', syntax: None, check: None };
    let mut seen: Vec<String> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((name, value)) = directive(line) else { break };
        if seen.contains(&name) {
            return Err(Fault::new(
                at + 1,
                format!("only one {name} parser directive can be used"),
            ));
        }
        match name.as_str() {
            "escape" => found.escape = escape(value, at + 1)?,
            "syntax" => found.syntax = Some(value.to_owned()),
            _ => found.check = Some(value.to_owned()),
        }
        seen.push(name);
    }
    Ok(found)
}

/// `# name=value` of a name that is known; any other line ends the directives.
fn directive(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.trim_start().strip_prefix('#')?.split_once('=')?;
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    let known = matches!(name.as_str(), "escape" | "syntax" | "check") && !value.is_empty();
    known.then_some((name, value))
}

fn escape(value: &str, line: usize) -> Result<char, Fault> {
    match value {
        "\\" => Ok('\\'),
        "`" => Ok('`'),
        other => {
            Err(Fault::new(line, format!("invalid escape token '{other}' does not match ` or \\")))
        }
    }
}

struct Reader<'a> {
    lines: &'a [&'a str],
    at: usize,
    escape: char,
}

impl Reader<'_> {
    fn statement(&mut self) -> Result<Option<Statement>, Fault> {
        let skip = |line: &&str| line.trim().is_empty() || is_comment(line);
        while self.lines.get(self.at).is_some_and(skip) {
            self.at += 1;
        }
        let Some(first) = self.lines.get(self.at) else { return Ok(None) };
        let line = self.at + 1;
        self.at += 1;
        let (joined, gaps) = self.joined(first.trim_start());
        let (joined, blanks) = joined.split_at(joined.trim_end().len());
        let end = joined.find(char::is_whitespace).unwrap_or(joined.len());
        let keyword = joined[..end].to_owned();
        let name = keyword.to_ascii_uppercase();
        let text = joined[end..].trim_start().to_owned();
        let heredocs = self.heredocs(&name, &text, line)?;
        let blanks = blanks.to_owned();
        let last_line = self.at;
        Ok(Some(Statement { line, last_line, name, keyword, gaps, text, blanks, heredocs }))
    }

    /// All of a continued line, and the empty lines in it.
    fn joined(&mut self, first: &str) -> (String, Vec<usize>) {
        let (mut text, mut more) = self.cut(first);
        let mut gaps = Vec::new();
        while more && self.at < self.lines.len() {
            let line = self.lines[self.at];
            self.at += 1;
            if is_comment(line) || line.trim().is_empty() {
                gaps.extend(line.trim().is_empty().then_some(self.at));
                continue;
            }
            let (part, goes_on) = self.cut(line);
            text.push_str(&part);
            more = goes_on;
        }
        (text, gaps)
    }

    /// A line without the escape character that continues it. A doubled one does not.
    fn cut(&self, line: &str) -> (String, bool) {
        let blank = line.trim_end_matches([' ', '\t']);
        match blank.strip_suffix(self.escape) {
            Some(rest) if !rest.ends_with(self.escape) => (rest.to_owned(), true),
            _ => (line.to_owned(), false),
        }
    }

    fn heredocs(&mut self, name: &str, text: &str, line: usize) -> Result<Vec<Heredoc>, Fault> {
        let inner = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let taker = if name == "ONBUILD" { inner.as_str() } else { name };
        if !WITH_HEREDOCS.contains(&taker) {
            return Ok(Vec::new());
        }
        let mut found = heredoc::announced(text, self.escape);
        for heredoc in &mut found {
            loop {
                let Some(body) = self.lines.get(self.at) else {
                    let rule = format!("unterminated heredoc: {} is missing", heredoc.name);
                    return Err(Fault::new(line, rule));
                };
                self.at += 1;
                let body = if heredoc.chomp { body.trim_start_matches('\t') } else { body };
                if body == heredoc.name {
                    break;
                }
                heredoc.content.push_str(body);
                heredoc.content.push('\n');
            }
        }
        Ok(found)
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<(usize, String, String)> {
        let (_, statements) = read(text).unwrap();
        statements.into_iter().map(|s| (s.line, s.name, s.text)).collect()
    }

    #[test]
    fn continued_lines_are_joined_and_comments_between_them_go() {
        let text = "from x\nRUN a \\  \n # no\n\n  b\n# c\nrun d\\\\\n";
        let own = |line, name: &str, text: &str| (line, name.to_owned(), text.to_owned());
        assert_eq!(
            texts(text),
            [own(1, "FROM", "x"), own(2, "RUN", "a   b"), own(7, "RUN", r"d\\")]
        );
    }

    #[test]
    fn the_escape_directive_must_come_first_and_be_one_of_two() {
        assert_eq!(read("# escape=`\nRUN a `\nb").unwrap().1[0].text, "a b");
        assert_eq!(read("#\n# escape=`\nRUN a `").unwrap().1[0].text, "a `");
        let fault = read("# escape=x\n").unwrap_err();
        assert_eq!(
            fault.to_string(),
            r"dockerfile line 1: invalid escape token 'x' does not match ` or \"
        );
        assert_eq!(read("# escape=`\n# Escape=`\n").unwrap_err().line, 2);
    }

    #[test]
    fn heredocs_are_read_to_their_end() {
        let (_, all) =
            read("RUN <<-EOF\n\ta\n\tEOF\nCOPY <<one <<\"two\" /d/\n1\none\n$2\ntwo\n").unwrap();
        assert_eq!(all[0].heredocs[0].content, "a\n");
        assert_eq!((all[0].line, all[0].last_line, all[1].last_line), (1, 3, 8));
        assert!(all[1].heredocs[0].expand && !all[1].heredocs[1].expand);
        assert_eq!(read("RUN <<EOF\na").unwrap_err().line, 1);
    }

    #[test]
    fn windows_line_ends_and_a_mark_in_front_are_nothing() {
        assert_eq!(texts("\u{feff}FROM x\r\nRUN a \\\r\n b\r\n")[1].2, "a  b");
    }
}
