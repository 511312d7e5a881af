//! The example incident as it leaves: every format, template and audience that people see first, frozen, and the same each
//! time it is played.

use runsheet::timeline::export::template::{OWN, own, render};
use runsheet::timeline::export::{Format, figures, html, markdown};

use super::example::{drilled, played};
use super::golden;

/// Which file a format is kept in.
const FILES: [(Format, &str); 10] = [
    (Format::Markdown, "postmortem.md"),
    (Format::Html, "page.html"),
    (Format::Json, "timeline.json"),
    (Format::Csv, "timeline.csv"),
    (Format::Timesketch, "timesketch.jsonl"),
    (Format::TimesketchCsv, "timesketch.csv"),
    (Format::Iris, "iris.csv"),
    (Format::Stix, "stix.json"),
    (Format::Ics, "timeline.ics"),
    (Format::Mermaid, "gantt.mmd"),
];

#[test]
fn the_same_script_gives_the_same_bytes() {
    assert_eq!(played().world.lines, played().world.lines);
}

#[test]
fn every_format_is_frozen() {
    let (example, mut formats) = (played(), Format::ALL.into_iter());
    let (timeline, countdowns) = (example.timeline(), example.countdowns());
    assert!(formats.all(|(format, ..)| FILES.iter().any(|(kept, _)| *kept == format)));
    for (format, name) in FILES {
        let text = format.render(&timeline, &countdowns).unwrap();
        golden(&format!("export/{name}"), &text);
    }
    golden("export/metrics.txt", &figures::text(&timeline));
}

#[test]
fn every_template_of_runsheets_own_is_frozen() {
    let example = played();
    for (name, _, _) in OWN {
        let text = render(
            &example.timeline(),
            &example.countdowns(),
            own(name).unwrap(),
        );
        golden(&format!("export/{name}-template.md"), &text.unwrap());
    }
}

#[test]
fn what_others_see_of_it_is_frozen() {
    let example = played();
    let customers = markdown(&example.seen_by("customers"));
    golden("export/customers.md", &customers);
    let stakeholders = example.seen_by("stakeholders");
    golden("export/stakeholders.md", &markdown(&stakeholders));
    let page = html(&stakeholders, &example.countdowns_of(&stakeholders));
    golden("export/stakeholders.html", &page);
}

#[test]
fn the_drill_of_it_says_so_in_every_format() {
    let example = drilled();
    let (timeline, countdowns) = (example.timeline(), example.countdowns());
    for (format, name) in FILES {
        let text = format.render(&timeline, &countdowns).unwrap();
        assert!(text.to_lowercase().contains("exercise"), "{name}");
    }
}
