//! `printf` of templates: Go's verbs for what JSON knows.

use std::iter::Peekable;
use std::str::Chars;

use anyhow::{Context, Result, bail};
use serde_json::{Number, Value};

use super::functions::show;

/// Wider than any table.
const WIDEST: usize = 1000;

/// How one value is shown.
#[derive(Debug, Default)]
struct Verb {
    left: bool,
    zeros: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

/// Puts values into a text.
pub(super) fn printf(format: &str, values: &[Value]) -> Result<String> {
    let (mut text, mut values) = (String::new(), values.iter());
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let verb = Verb::read(&mut rest)?;
        if verb.kind == '%' {
            text.push('%');
            continue;
        }
        let value = values.next().context("template: printf has more verbs than values")?;
        text.push_str(&verb.show(value)?);
    }
    match values.next() {
        None => Ok(text),
        Some(_) => bail!("template: printf has more values than verbs"),
    }
}

impl Verb {
    fn read(rest: &mut Peekable<Chars<'_>>) -> Result<Self> {
        let mut verb = Self::default();
        while let Some(flag) = rest.next_if(|c| matches!(c, '-' | '0' | '+' | ' ' | '#')) {
            verb.left |= flag == '-';
            verb.zeros |= flag == '0';
        }
        verb.width = number(rest);
        if rest.next_if_eq(&'.').is_some() {
            verb.precision = Some(number(rest));
        }
        verb.kind = rest.next().context("template: printf ends in the middle of a verb")?;
        Ok(verb)
    }

    fn show(&self, value: &Value) -> Result<String> {
        let text = match (self.kind, value) {
            ('s' | 'v', _) | ('d', Value::Number(_)) | ('t', Value::Bool(_)) => show(value),
            ('q', _) => serde_json::to_string(&show(value))?,
            ('x', Value::Number(number)) => {
                hexadecimal(number).context("template: %x wants a whole number")?
            }
            ('f', Value::Number(number)) => {
                let number = number.as_f64().unwrap_or_default();
                format!("{number:.*}", self.precision.unwrap_or(6))
            }
            (kind, _) => bail!("template: printf cannot show {value} as %{kind}"),
        };
        let text: String = match self.precision {
            Some(most) if matches!(self.kind, 's' | 'v') => text.chars().take(most).collect(),
            _ => text,
        };
        let blanks = self.width.saturating_sub(text.chars().count());
        if self.left {
            return Ok(text + &" ".repeat(blanks));
        }
        if !self.zeros {
            return Ok(" ".repeat(blanks) + &text);
        }
        // Of a number, behind its sign.
        let digits = text.strip_prefix('-').filter(|_| value.is_number());
        let (sign, rest) = digits.map_or(("", text.as_str()), |digits| ("-", digits));
        Ok(format!("{sign}{}{rest}", "0".repeat(blanks)))
    }
}

fn hexadecimal(number: &Number) -> Option<String> {
    let negative = || number.as_i64().map(|number| format!("-{:x}", number.unsigned_abs()));
    number.as_u64().map(|number| format!("{number:x}")).or_else(negative)
}

fn number(rest: &mut Peekable<Chars<'_>>) -> usize {
    let mut number = 0;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        number = (number * 10 + digit as usize).min(WIDEST);
        rest.next();
    }
    number
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn verbs_show_values_as_go_does() {
        let values = [json!("web"), json!(7)];
        assert_eq!(printf("%s-%d", &values).unwrap(), "web-7");
        assert_eq!(printf("[%-5s|%03d]", &values).unwrap(), "[web  |007]");
        assert_eq!(printf("%.2s%5v%%", &values).unwrap(), "we    7%");
        assert_eq!(printf("%q %x", &[json!("a\"b"), json!(255)]).unwrap(), "\"a\\\"b\" ff");
        let negative = [json!(-7), json!(-255), json!(-7), json!("-7")];
        assert_eq!(printf("%04d %05x %-4d|%03s", &negative).unwrap(), "-007 -00ff -7  |0-7");
        assert_eq!(printf("%x", &[json!(u64::MAX)]).unwrap(), "ffffffffffffffff");
        assert_eq!(printf("%.1f %t", &[json!(1.25), json!(true)]).unwrap(), "1.2 true");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (format, value) in
            [("%d", json!("x")), ("%s%s", json!(1)), ("no", json!(1)), ("%", json!(1))]
        {
            assert!(printf(format, &[value]).is_err(), "{format}");
        }
        let wide = printf("%99999999999s", &[json!("x")]).unwrap();
        assert_eq!(wide.len(), WIDEST);
    }
}
