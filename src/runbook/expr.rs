//! `when` expressions: small, total, over values that are text. Evaluated by minijinja with nothing in it but
//! comparison, logic and a few filters. Knows nothing of where the values come from.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::{Environment, UndefinedBehavior, Value, filters, tests as checks};

use super::problem::visible;

const MOST_LENGTH: usize = 1024;
const FUEL: u64 = 10_000;
const RECURSION: usize = 64;

/// Why an expression cannot be used, or has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// It is not an expression.
    #[error("this is not an expression: {0}")]
    Syntax(String),
    /// It compares text with a number, which is never true.
    #[error("values are text: write `'{0}'`, or `name|int` to compare as numbers")]
    Number(String),
    /// A value stands where true or false is wanted.
    #[error("`{0}` is text: write `{0} == 'true'`")]
    Bare(String),
    /// A name has no value.
    #[error("`{0}` has no value")]
    Unknown(String),
    /// It came out as neither true nor false, or failed on the way.
    #[error("it has no answer: {0}")]
    NoAnswer(String),
}

/// An expression that parses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    text: String,
    names: Vec<String>,
}

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(RECURSION);
    environment.add_filter("int", filters::int);
    environment.add_filter("float", filters::float);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("trim", filters::trim);
    environment.add_test("startingwith", checks::is_startingwith);
    environment.add_test("endingwith", checks::is_endingwith);
    environment
});

/// Reads an expression such as `uses == '0' and account != 'prod'`.
///
/// # Errors
/// When it is none, or says something that can never be meant.
pub fn parse(text: &str) -> Result<Expr, ExprError> {
    if text.len() > MOST_LENGTH {
        return Err(ExprError::Syntax(format!(
            "it is longer than {MOST_LENGTH} bytes"
        )));
    }
    if text.trim().is_empty() {
        return Err(ExprError::Syntax("it is empty".to_owned()));
    }
    let tokens = tokens(text)?;
    let compiled = ENVIRONMENT
        .compile_expression(text)
        .map_err(|error| syntax(&error))?;
    let mut names: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
    names.sort_unstable();
    refuse_traps(&tokens, &names)?;
    Ok(Expr {
        text: text.to_owned(),
        names,
    })
}

fn syntax(error: &minijinja::Error) -> ExprError {
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    ExprError::Syntax(visible(&detail, 120))
}

impl Expr {
    /// The text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the values it asks for, sorted.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it is true of these values.
    ///
    /// # Errors
    /// When a name has no value, or the answer is neither true nor false.
    pub fn eval(&self, values: &BTreeMap<String, String>) -> Result<bool, ExprError> {
        let mut context = BTreeMap::new();
        for name in &self.names {
            if let Some(value) = values.get(name) {
                context.insert(name.clone(), Value::from(value.as_str()));
            }
        }
        self.eval_with(context)
    }

    /// The same over values that may be lists.
    pub(crate) fn eval_with(&self, context: BTreeMap<String, Value>) -> Result<bool, ExprError> {
        if let Some(name) = self
            .names
            .iter()
            .find(|name| !context.contains_key(name.as_str()))
        {
            return Err(ExprError::Unknown(name.clone()));
        }
        let compiled = ENVIRONMENT
            .compile_expression(&self.text)
            .map_err(|error| syntax(&error))?;
        let answer = compiled
            .eval(Value::from(context))
            .map_err(|error| ExprError::NoAnswer(visible(&error.to_string(), 120)))?;
        match answer.as_str() {
            Some("true") => return Ok(true),
            Some("false") => return Ok(false),
            _ => {}
        }
        bool::try_from(answer.clone()).map_err(|_| {
            ExprError::NoAnswer(format!(
                "`{}` is neither true nor false",
                visible(&answer.to_string(), 40)
            ))
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Number(&'a str),
    Text,
    Sign(&'a str),
}

/// Only enough of a lexer to look for traps; minijinja decides what parses.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, ExprError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = if first.is_whitespace() {
            first.len_utf8()
        } else if first == '\'' || first == '"' {
            let length = quoted_length(rest, first)
                .ok_or_else(|| ExprError::Syntax("a quote is not closed".to_owned()))?;
            found.push(Token::Text);
            length
        } else if first.is_ascii_digit() {
            let length = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_')
                .unwrap_or(rest.len());
            found.push(Token::Number(&rest[..length]));
            length
        } else if first.is_alphabetic() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            found.push(Token::Name(&rest[..length]));
            length
        } else {
            let two = rest
                .get(..2)
                .filter(|two| ["==", "!=", "<=", ">=", "**", "//"].contains(two));
            let sign = two.unwrap_or(&rest[..first.len_utf8()]);
            // Repetition could make a text of any size.
            if sign.starts_with('*') {
                return Err(ExprError::Syntax("`*` is not known here".to_owned()));
            }
            found.push(Token::Sign(sign));
            sign.len()
        };
        rest = &rest[taken..];
    }
    Ok(found)
}

fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (index, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return Some(index + 1),
            _ => {}
        }
    }
    None
}

const COMPARING: [&str; 6] = ["==", "!=", "<", ">", "<=", ">="];

fn compares(token: Option<&Token<'_>>) -> bool {
    match token {
        Some(Token::Sign(sign)) => {
            COMPARING.contains(sign)
                || matches!(*sign, "|" | "~" | "," | "[" | "]" | "." | "+" | "-")
        }
        Some(Token::Name(word)) => matches!(*word, "in" | "is"),
        _ => false,
    }
}

/// Text compared with a number is never equal, and the text `false` counts as true: both are refused.
fn refuse_traps(tokens: &[Token<'_>], names: &[String]) -> Result<(), ExprError> {
    let filtered = tokens.contains(&Token::Sign("|"));
    if let (false, Some(Token::Number(number))) = (
        filtered,
        tokens
            .iter()
            .find(|token| matches!(token, Token::Number(_))),
    ) {
        return Err(ExprError::Number((*number).to_owned()));
    }
    if tokens.len() == 1 {
        return Ok(());
    }
    for (index, token) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let before = index.checked_sub(1).and_then(|index| tokens.get(index));
        let after = tokens.get(index + 1);
        let negated_in =
            after == Some(&Token::Name("not")) && tokens.get(index + 2) == Some(&Token::Name("in"));
        if names.iter().any(|known| known == name)
            && !compares(before)
            && !compares(after)
            && !negated_in
        {
            return Err(ExprError::Bare((*name).to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eval(text: &str) -> Result<bool, ExprError> {
        let values = [
            ("uses", "0"),
            ("account", "prod"),
            ("count", "12"),
            ("sure", "false"),
        ];
        let values = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        parse(text)?.eval(&values)
    }

    #[test]
    fn comparison_and_logic_answer() {
        assert_eq!(eval("uses == '0'"), Ok(true));
        assert_eq!(eval("uses == '0' and account != 'prod'"), Ok(false));
        assert_eq!(eval("count|int > 9"), Ok(true));
        assert_eq!(eval("account in ['prod', 'staging']"), Ok(true));
        assert_eq!(eval("account not in ['x'] and not (uses == '1')"), Ok(true));
        assert_eq!(eval("account is startingwith 'pr'"), Ok(true));
        assert_eq!(eval("sure"), Ok(false));
        assert_eq!(eval("true"), Ok(true));
    }

    #[test]
    fn an_unknown_name_has_no_answer_instead_of_being_false() {
        assert_eq!(eval("nope == 'x'"), Err(ExprError::Unknown("nope".into())));
        assert_eq!(parse("b == a or a == 'x'").unwrap().names(), ["a", "b"]);
    }

    #[test]
    fn traps_are_refused_when_written() {
        assert_eq!(eval("uses == 0"), Err(ExprError::Number("0".into())));
        assert_eq!(eval("not sure"), Err(ExprError::Bare("sure".into())));
        assert_eq!(
            eval("uses == '0' and sure"),
            Err(ExprError::Bare("sure".into()))
        );
        assert!(matches!(eval("account"), Err(ExprError::NoAnswer(_))));
    }

    #[test]
    fn what_is_no_expression_says_so() {
        for text in [
            "",
            "uses ==",
            "uses = '0'",
            "'open",
            "a b",
            "uses == 'x' * 9",
            "{% if %}",
            "x|nope == 'a'",
        ] {
            assert!(eval(text).is_err(), "{text}");
        }
        assert!(parse(&"(".repeat(1000)).is_err());
        assert!(parse(&format!("{}a", "not ".repeat(200))).is_err());
        assert!(parse(&"a".repeat(2000)).is_err());
    }
}
