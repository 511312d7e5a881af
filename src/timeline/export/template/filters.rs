//! What a template may do with a value: print times, lengths and code as Markdown, and choose among lists.

use chrono::{DateTime, FixedOffset};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, filters, tests};

use crate::engine::event::Fidelity;
use crate::timeline::export::markdown::syntax;

pub(super) fn add(environment: &mut Environment<'_>) {
    own(environment);
    lists(environment);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.add_test("in", tests::is_in);
    environment.add_test("true", tests::is_true);
    environment.add_test("false", tests::is_false);
    for name in ["eq", "equalto", "=="] {
        environment.add_test(name, tests::is_eq);
    }
    for name in ["ne", "!="] {
        environment.add_test(name, tests::is_ne);
    }
    environment.add_test("gt", tests::is_gt);
    environment.add_test("ge", tests::is_ge);
    environment.add_test("lt", tests::is_lt);
    environment.add_test("le", tests::is_le);
    environment.add_test("startingwith", tests::is_startingwith);
    environment.add_test("endingwith", tests::is_endingwith);
}

fn lists(environment: &mut Environment<'_>) {
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("items", filters::items);
    environment.add_filter("join", filters::join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("list", filters::list);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("map", filters::map);
    environment.add_filter("max", filters::max);
    environment.add_filter("min", filters::min);
    environment.add_filter("reject", filters::reject);
    environment.add_filter("rejectattr", filters::rejectattr);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("reverse", filters::reverse);
    environment.add_filter("round", filters::round);
    environment.add_filter("select", filters::select);
    environment.add_filter("selectattr", filters::selectattr);
    environment.add_filter("sort", filters::sort);
    environment.add_filter("sum", filters::sum);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("unique", filters::unique);
    environment.add_filter("upper", filters::upper);
}

fn own(environment: &mut Environment<'_>) {
    environment.add_filter("block", |text: String| safe(syntax::block(&text)));
    environment.add_filter("code", |text: String| safe(syntax::code(&text)));
    environment.add_filter("counted", |count: usize, what: String| {
        if count == 1 {
            return format!("1 {what}");
        }
        match what.strip_suffix('y') {
            Some(stem) => format!("{count} {stem}ies"),
            None => format!("{count} {what}s"),
        }
    });
    environment.add_filter("day", |at: String| {
        moment(&at).map(|at| at.to_utc().format("%Y-%m-%d").to_string())
    });
    environment.add_filter("time", |at: String| {
        moment(&at).map(|at| at.to_utc().format("%H:%M").to_string())
    });
    environment.add_filter("utc", |at: String| moment(&at).map(syntax::utc));
    environment.add_filter("known", |at: String, fidelity: String| {
        let fidelity = match fidelity.as_str() {
            "exact" => Fidelity::Exact,
            "minute" => Fidelity::Minute,
            _ => Fidelity::Estimated,
        };
        moment(&at).map(|at| syntax::known(at, fidelity))
    });
    environment.add_filter("span", syntax::length);
    environment.add_filter("short", |digest: String| {
        let hex = digest.strip_prefix("sha256:").unwrap_or(&digest);
        hex.chars().take(12).collect::<String>()
    });
    environment.add_filter("words", |word: String| word.replace('_', " "));
}

fn safe(text: String) -> Value {
    Value::from_safe_string(text)
}

fn moment(text: &str) -> Result<DateTime<FixedOffset>, Error> {
    DateTime::parse_from_rfc3339(text).map_err(|_| {
        let what = "it is no time as the document has them";
        Error::new(ErrorKind::InvalidOperation, what)
    })
}
