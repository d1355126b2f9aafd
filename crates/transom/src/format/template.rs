//! The part of Go's templates that docker's users write.
//!
//! `{{.A.B}}`, `{{json .A}}`, `{{.}}`, `{{index .A "b"}}`, `{{len .A}}`, `{{upper .A}}`,
//! `{{lower .A}}`, `{{title .A}}`, `{{join .A ","}}`, `{{split .A ","}}`, `{{println .A}}`,
//! `{{printf "%s" .A}}`, `{{slice .A 0 3}}`, `{{truncate .A 3}}`, `{{.Label "a"}}`, pipes,
//! `{{range .A}}..{{end}}`, `{{range $k, $v := .A}}`, `{{if .A}}..{{else}}..{{end}}`,
//! `{{with .A}}..{{end}}`, with `eq`, `ne`, `lt`, `le`, `gt`, `ge`, `not`, `and`, `or`. Anything
//! else is refused, with its text.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::expression::{Expression, Scope};
use super::functions::{show, truth};

/// A template.
#[derive(Debug)]
pub struct Template {
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Text(String),
    Show(Expression),
    If { condition: Expression, then: Vec<Node>, otherwise: Vec<Node> },
    With { value: Expression, names: Vec<String>, body: Vec<Node>, otherwise: Vec<Node> },
    Range { over: Expression, names: Vec<String>, body: Vec<Node>, otherwise: Vec<Node> },
}

impl Template {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Self> {
        let tokens = tokens(text)?;
        let mut rest = tokens.into_iter();
        let (nodes, end) = block(&mut rest)?;
        match end {
            None => Ok(Self { nodes }),
            Some(word) => bail!("template: {{{{{word}}}}} without a beginning"),
        }
    }

    /// Fills it in.
    pub fn expand(&self, value: &Value) -> Result<String> {
        let mut text = String::new();
        expand(&self.nodes, &Scope::root(value), &mut text)?;
        Ok(text)
    }

    /// The headings of a table with these columns.
    pub fn headings(&self, names: &[(&str, &str)]) -> String {
        let mut text = String::new();
        for node in &self.nodes {
            match node {
                Node::Text(plain) => text.push_str(plain),
                Node::Show(expression) => {
                    let member = expression.last_member().unwrap_or_default();
                    let known = names.iter().find(|(name, _)| *name == member);
                    match known {
                        Some((_, heading)) => text.push_str(heading),
                        None => text.push_str(&member.to_uppercase()),
                    }
                }
                Node::If { .. } | Node::Range { .. } | Node::With { .. } => {}
            }
        }
        text
    }
}

enum Token {
    Text(String),
    Action(String),
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").context("template: {{ without }}")?;
        let (trim_before, action) = match action.strip_prefix("- ") {
            Some(action) => (true, action),
            None => (false, action),
        };
        let (trim_after, action) = match action.strip_suffix(" -") {
            Some(action) => (true, action),
            None => (false, action),
        };
        let before = if trim_before { before.trim_end() } else { before };
        tokens.push(Token::Text(before.to_owned()));
        tokens.push(Token::Action(action.trim().to_owned()));
        rest = if trim_after { after.trim_start() } else { after };
    }
    tokens.push(Token::Text(rest.to_owned()));
    Ok(tokens)
}

/// Nodes up to `end`, `else` or the template's end, and which of them it was.
fn block(tokens: &mut std::vec::IntoIter<Token>) -> Result<(Vec<Node>, Option<String>)> {
    let mut nodes = Vec::new();
    while let Some(token) = tokens.next() {
        let action = match token {
            Token::Text(text) => {
                nodes.push(Node::Text(text));
                continue;
            }
            Token::Action(action) => action,
        };
        let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((&action, ""));
        match word {
            "end" => return Ok((nodes, Some("end".to_owned()))),
            "else" => return Ok((nodes, Some(action))),
            "if" => nodes.push(condition(rest, tokens)?),
            "range" => {
                let (names, over, body, otherwise) = scoped(rest, tokens)?;
                nodes.push(Node::Range { over, names, body, otherwise });
            }
            "with" => {
                let (names, value, body, otherwise) = scoped(rest, tokens)?;
                nodes.push(Node::With { value, names, body, otherwise });
            }
            "template" | "define" | "block" | "break" | "continue" => {
                bail!("template: {{{{{word}}}}} is not supported")
            }
            _ if word.starts_with("/*") => {}
            _ => nodes.push(Node::Show(Expression::parse(&action)?)),
        }
    }
    Ok((nodes, None))
}

fn condition(text: &str, tokens: &mut std::vec::IntoIter<Token>) -> Result<Node> {
    let condition = Expression::parse(text)?;
    let (then, end) = block(tokens)?;
    let otherwise = match end.as_deref() {
        Some("end") => Vec::new(),
        Some("else") => closed(block(tokens)?)?,
        Some(other) => match other.strip_prefix("else if ") {
            Some(text) => vec![self::condition(text, tokens)?],
            None => bail!("template: {{{{{other}}}}} is not supported"),
        },
        None => bail!("template: {{{{if}}}} without {{{{end}}}}"),
    };
    Ok(Node::If { condition, then, otherwise })
}

/// What `range` and `with` have: names, what they are for, a body, and what stands for nothing.
type Scoped = (Vec<String>, Expression, Vec<Node>, Vec<Node>);

fn scoped(text: &str, tokens: &mut std::vec::IntoIter<Token>) -> Result<Scoped> {
    let (names, over) = match text.split_once(":=") {
        Some((names, over)) => {
            let names = names.split(',').map(|name| name.trim().to_owned()).collect();
            (names, over)
        }
        None => (Vec::new(), text),
    };
    let over = Expression::parse(over)?;
    let (body, end) = block(tokens)?;
    let otherwise = match end.as_deref() {
        Some("else") => closed(block(tokens)?)?,
        Some("end") => Vec::new(),
        _ => bail!("template: {{{{range}}}} or {{{{with}}}} without {{{{end}}}}"),
    };
    Ok((names, over, body, otherwise))
}

fn closed((nodes, end): (Vec<Node>, Option<String>)) -> Result<Vec<Node>> {
    match end.as_deref() {
        Some("end") => Ok(nodes),
        _ => bail!("template: {{{{else}}}} without {{{{end}}}}"),
    }
}

fn expand(nodes: &[Node], scope: &Scope<'_>, text: &mut String) -> Result<()> {
    for node in nodes {
        match node {
            Node::Text(plain) => text.push_str(plain),
            Node::Show(expression) => text.push_str(&show(&expression.evaluate(scope)?)),
            Node::If { condition, then, otherwise } => {
                let holds = truth(&condition.evaluate(scope)?);
                expand(if holds { then } else { otherwise }, scope, text)?;
            }
            Node::With { value, names, body, otherwise } => {
                let value = value.evaluate(scope)?;
                if truth(&value) {
                    expand(body, &scope.inner(names, &Value::Null, &value), text)?;
                } else {
                    expand(otherwise, scope, text)?;
                }
            }
            Node::Range { over, names, body, otherwise } => {
                let items = items(over.evaluate(scope)?);
                if items.is_empty() {
                    expand(otherwise, scope, text)?;
                }
                for (key, value) in &items {
                    expand(body, &scope.inner(names, key, value), text)?;
                }
            }
        }
    }
    Ok(())
}

fn items(value: Value) -> Vec<(Value, Value)> {
    match value {
        Value::Array(list) => {
            list.into_iter().enumerate().map(|(at, value)| (Value::from(at), value)).collect()
        }
        Value::Object(map) => {
            let mut items: Vec<_> = map.into_iter().collect();
            // Go visits maps in the order of their keys.
            items.sort_by(|(a, _), (b, _)| a.cmp(b));
            items.into_iter().map(|(key, value)| (Value::from(key), value)).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn expanded(template: &str) -> Result<String> {
        let value = json!({
            "Name": "/web", "State": {"ExitCode": 305_419_896_u32, "Running": true, "Error": ""},
            "Ports": {"80/tcp": [{"HostPort": "8080"}], "90/tcp": null}, "Args": ["a", "b c"],
        });
        Template::parse(template)?.expand(&value)
    }

    #[test]
    fn members_functions_and_pipes() {
        assert_eq!(expanded("{{.Name}} {{ .State.ExitCode }}").unwrap(), "/web 305419896");
        assert_eq!(expanded("{{json .Args}}").unwrap(), r#"["a","b c"]"#);
        assert_eq!(expanded("{{.State.Running}} {{len .Args}}").unwrap(), "true 2");
        assert_eq!(expanded(r#"{{join .Args ", "}} {{.Name | upper}}"#).unwrap(), "a, b c /WEB");
        assert_eq!(expanded(r#"{{(index (index .Ports "80/tcp") 0).HostPort}}"#).unwrap(), "8080");
        assert_eq!(expanded("{{.Args}}").unwrap(), "[a b c]");
    }

    #[test]
    fn conditions_and_loops() {
        let loops =
            "{{range $p, $c := .Ports}}{{$p}}={{range $c}}{{.HostPort}}{{else}}-{{end}} {{end}}";
        assert_eq!(expanded(loops).unwrap(), "80/tcp=8080 90/tcp=- ");
        assert_eq!(expanded("{{if .State.Running}}up{{else}}down{{end}}").unwrap(), "up");
        assert_eq!(
            expanded("{{if eq .State.ExitCode 0}}ok{{else if .Name}}bad{{end}}").unwrap(),
            "bad"
        );
        assert_eq!(expanded("{{range .Args}}<{{.}}>{{end}}").unwrap(), "<a><b c>");
    }

    #[test]
    fn a_part_of_a_value_can_be_looked_at_compared_and_named() {
        let with = "{{with .State}}{{.ExitCode}}{{end}}{{with .State.Error}}x{{else}}-{{end}}";
        assert_eq!(expanded(with).unwrap(), "305419896-");
        assert_eq!(expanded("{{with $s := .State}}{{$s.Running}}{{end}}").unwrap(), "true");
        assert_eq!(expanded("{{slice .Name 1 3}} {{truncate .Name 2}}").unwrap(), "we /w");
        assert_eq!(expanded(r#"{{printf "%-6s|" .Name}}"#).unwrap(), "/web  |");
        assert_eq!(expanded("{{if gt .State.ExitCode 7}}{{len .Args}}{{end}}").unwrap(), "2");
        assert_eq!(expanded("{{.name}}").unwrap(), "/web", "the other of two names");
        let row = json!({ "Labels": "a=1,2,com.x=y" });
        let label = |text| Template::parse(text).unwrap().expand(&row).unwrap();
        let own = Template::parse(r#"{{eq .Label "x"}}"#).unwrap();
        assert_eq!(own.expand(&json!({ "Label": "x" })).unwrap(), "true", "a member of that name");
        assert_eq!(label(r#"{{.Label "a"}} {{.Label "com.x"}} {{.Label "b"}}."#), "1,2 y .");
    }

    #[test]
    fn what_is_not_there_is_said_and_what_is_not_supported_is_refused() {
        assert!(expanded("{{.Nope}}").unwrap_err().to_string().contains("Nope"));
        for template in [
            "{{.Name",
            "{{if .Name}}",
            "{{with .Name}}",
            "{{.Name 1}}",
            "{{nonsense .Name}}",
            "{{end}}",
        ] {
            assert!(expanded(template).is_err(), "{template}");
        }
    }
}
