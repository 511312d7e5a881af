//! Documents by template: runsheet's own are frozen, and a hostile template or text gets nothing.

use pulldown_cmark::{Event, Options as Syntax, Parser, Tag};
use runsheet::engine::fact::NoteAdded;
use runsheet::timeline::Timeline;
use runsheet::timeline::export::template::{OWN, Template, own, render};
use runsheet::trust::Mode;

use super::audiences::for_whom;
use super::events::story;
use super::formats::timeline;
use super::walked::{timeline_of, walked};

fn with(timeline: &Timeline, text: &str) -> Result<String, String> {
    let template = Template {
        name: "own.md",
        text,
    };
    render(timeline, &[], template).map_err(|error| error.to_string())
}

#[test]
fn every_template_makes_a_document_of_any_record() {
    for (name, _, _) in OWN {
        for timeline in [
            timeline_of(&walked(Mode::Live)),
            timeline(&super::events::Tape::new(Mode::Live)),
            for_whom(&story(Mode::Live), "customers"),
            for_whom(&story(Mode::Live), "regulator"),
        ] {
            render(&timeline, &[], own(name).unwrap()).unwrap();
        }
    }
}

#[test]
fn a_drill_says_so_in_every_heading_whatever_the_template() {
    let timeline = timeline(&story(Mode::Exercise));
    for (name, _, _) in OWN {
        let text = render(&timeline, &[], own(name).unwrap()).unwrap();
        for heading in text.lines().filter(|line| line.starts_with('#')) {
            assert!(heading.contains("EXERCISE: "), "{heading}");
        }
    }
    assert!(
        with(&timeline, "Nothing.\n")
            .unwrap()
            .starts_with("> **EXERCISE.**")
    );
}

#[test]
fn what_is_left_out_is_said_even_by_a_template_that_does_not() {
    let timeline = for_whom(&story(Mode::Live), "customers");
    let digest = timeline
        .audience
        .as_ref()
        .unwrap()
        .withheld
        .sha256
        .to_string();
    for (name, _, _) in OWN {
        let text = render(&timeline, &[], own(name).unwrap()).unwrap();
        assert!(
            text.contains(&digest) && text.contains("**For customers, TLP:CLEAR.**"),
            "{name}"
        );
        for word in ["AKIA", "billing", "203.0.113.9", "bastion"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
    let text = with(
        &timeline,
        "{% for row in rows %}{{ row.text }}\n{% endfor %}",
    )
    .unwrap();
    assert!(text.starts_with("> **For customers, TLP:CLEAR.**") && text.contains(&digest));
    let said = with(&timeline, "a\n{{ notice() }}b").unwrap();
    assert!(said.starts_with("a\n> **For customers"), "{said}");
}

#[test]
fn foreign_text_is_only_text_whatever_a_template_does_with_it() {
    let mut tape = story(Mode::Live);
    let text = "| x | [a](https://evil.example) ![i](https://e.example/p) <script>alert(1)</script> `c` # h\n\n# h";
    tape.add(
        "bob",
        1,
        NoteAdded {
            text: text.to_owned(),
            step: None,
            details: None,
        },
    );
    let timeline = timeline(&tape);
    let tricks = [
        "{{ row.text }}",
        "{{ row.text ~ '' }}",
        "{{ row.text|code }}",
        "{{ row.text|code ~ row.text }}",
        "{% set x %}{{ row.text }}{% endset %}{{ x }}",
        "{{ [row.text, row.text]|join(' ') }}",
        "{{ [row.text|code, row.text]|join(' ') }}",
        "{{ row.text|replace('x', '<b>') }}",
        "{{ row.text|upper }}",
        "{{ row }}",
        "{{ show(row.text) }}",
    ];
    for trick in tricks {
        let source = format!(
            "{{% macro show(text) %}}{{{{ text }}}}{{% endmacro %}}{{% for row in rows %}}\n- {trick}\n{{% endfor %}}"
        );
        let text = with(&timeline, &source).unwrap_or_else(|error| panic!("{trick}: {error}"));
        for event in Parser::new_ext(&text, Syntax::all()) {
            let syntax = matches!(
                event,
                Event::Html(_)
                    | Event::InlineHtml(_)
                    | Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Heading { .. })
            );
            assert!(!syntax, "{trick}: {event:?}");
        }
    }
}

#[test]
fn a_mistake_is_told_with_file_and_line() {
    let timeline = timeline(&story(Mode::Live));
    let cases = [
        ("a\n{% for %}", "own.md:2: syntax error"),
        ("a\nb\n{{ incident.titel.x }}", "own.md:3: undefined value"),
        ("{{ nothing }}", "own.md:1: undefined value"),
        ("\n{{ rows|tojson }}", "own.md:2: unknown filter"),
        ("\n{{ 1|utc }}", "own.md:2: invalid operation"),
        (
            "{% macro m() %}\n{{ oops }}\n{% endmacro %}\n{{ m() }}",
            "own.md:2: undefined value",
        ),
    ];
    for (source, expected) in cases {
        let error = with(&timeline, source).unwrap_err();
        assert!(error.starts_with(expected), "{source}: {error}");
    }
}

#[test]
fn a_template_reads_no_file_and_cannot_ask_for_too_much() {
    let timeline = timeline(&story(Mode::Live));
    for source in [
        "{% include '/etc/passwd' %}",
        "{% import '/etc/passwd' as x %}",
        "{% extends 'postmortem' %}",
        "{{ '<b>'|safe }}",
    ] {
        let error = with(&timeline, source).unwrap_err();
        assert!(error.starts_with("own.md:1: "), "{source}: {error}");
    }
    let endless = "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}";
    assert!(with(&timeline, endless).is_err());
    let loops = "{% for a in rows %}{% for b in rows %}{% for c in rows %}{% for d in rows %}{% for e in rows %}{{ e.text }}{% endfor %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}";
    assert!(with(&timeline, loops).is_err());
    let grows = format!(
        "{{% set x = 'aaaaaaaaaaaaaaaa' %}}{}",
        "{% set x = x ~ x %}".repeat(60)
    );
    assert!(with(&timeline, &grows).unwrap_err().contains("fuel"));
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(
        with(&timeline, &long).unwrap_err(),
        "own.md: a template has at most 1048576 bytes"
    );
}

#[test]
fn every_member_that_is_documented_is_there() {
    let timeline = timeline(&story(Mode::Live));
    for name in [
        "exercise",
        "audience",
        "reviews_owed",
        "incident",
        "metrics",
        "rows",
        "gaps",
        "decisions",
        "checkpoints",
        "overrides",
        "evidence",
        "updates",
        "follow_ups",
        "flags",
        "drill",
        "milestones",
        "pinned",
        "by_class",
        "indicators",
        "assets",
        "techniques",
        "clocks",
        "not_legal_advice",
    ] {
        let text = with(&timeline, &format!("{{{{ {name} is defined }}}}")).unwrap();
        assert!(text.ends_with("True"), "{name}: {text}");
    }
}
