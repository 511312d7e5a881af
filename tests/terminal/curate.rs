//! The account of an incident put in order on the screen, at 80×24, and an update told from there: the command line finds
//! in the record what was said.

use serde_json::Value;

use super::place::{Demo, PROGRAM, poll};
use super::tmux::Tmux;

fn screen(demo: &Demo, inc: &str) -> Tmux {
    let mut words = vec![PROGRAM.to_owned()];
    words.extend(demo.robin.iter().cloned());
    words.extend(["open".to_owned(), inc.to_owned()]);
    Tmux::start(&demo.place, "tmux", (80, 24), &words.join(" "))
}

fn json(demo: &Demo, command: &str) -> Value {
    serde_json::from_str(&demo.does(&demo.robin, command)).unwrap()
}

fn row<'v>(timeline: &'v Value, text: &str) -> &'v Value {
    let rows = timeline["rows"].as_array().unwrap();
    let found = rows
        .iter()
        .find(|row| row["kind"] == "note.added" && row["text"].as_str().unwrap().contains(text));
    found.unwrap_or_else(|| panic!("no {text} in {timeline}"))
}

/// Does what the key of the footer does, and waits for the form.
fn form(tmux: &Tmux, key: &str, title: &str) {
    tmux.keys(&[key]);
    tmux.wait(title);
}

#[test]
fn an_incident_is_curated_on_the_screen_and_the_record_holds_it() {
    let demo = Demo::new();
    let note = |text: &str| {
        let mut args = demo.args(&demo.robin, "note INC");
        args.push(text.to_owned());
        demo.place.done(&args);
    };
    note("a key stands in a public paste");
    note("the billing job fails");
    let file = demo.place.path("home/paste.txt");
    std::fs::write(&file, "AKIA in a paste\n").unwrap();
    let tmux = screen(&demo, &demo.inc);
    tmux.wait_enter("tick");
    tmux.keys(&["t"]);
    tmux.wait("the billing job fails");
    tmux.wait_enter("open");

    // The cursor stands on the last entry; one up is the paste.
    tmux.keys(&["Up"]);
    form(&tmux, "t", "Tags of this entry");
    tmux.wait("a key stands in a public paste");
    tmux.types("leak public");
    tmux.keys(&["Enter"]);
    tmux.wait("recorded: robin described entry");

    form(&tmux, "d", "What is so of this entry");
    tmux.keys(&["Down"]);
    tmux.wait("← - →");
    tmux.keys(&["Right", "Right", "Right"]);
    tmux.wait("← amber →");
    tmux.keys(&["Down", "Down"]);
    tmux.wait("← no →");
    tmux.keys(&["Right"]);
    tmux.wait("← yes →");
    tmux.keys(&["C-s"]);
    tmux.wait("TLP amber, pinned");

    form(&tmux, "l", "Link this entry");
    tmux.wait_enter("it led to another one");
    tmux.keys(&["Enter"]);
    tmux.wait("LINK: pick the other entry");
    tmux.find("Down", "it led to this one");
    tmux.keys(&["Enter"]);
    tmux.wait("recorded: robin linked entry");
    tmux.until("no banner", |screen| !screen.contains("LINK:"));

    form(&tmux, "a", "On what does this entry rest?");
    tmux.wait_enter("a file of this machine");
    tmux.keys(&["Enter"]);
    tmux.wait("Attach a file as evidence");
    tmux.types(&file.display().to_string());
    tmux.keys(&["Enter"]);
    tmux.wait("captured paste.txt");

    form(&tmux, "w", "What is to be done afterwards?");
    tmux.types("scan new pastes for keys");
    tmux.keys(&["Down", "Right", "Down"]);
    tmux.types("sasha");
    tmux.keys(&["Down"]);
    tmux.types("2026-12-24");
    tmux.keys(&["Enter"]);
    tmux.wait("asked for a follow-up (detect)");
    tmux.keys(&["F"]);
    tmux.wait("scan new pastes");
    tmux.keys(&["Escape"]);
    tmux.wait_enter("open");

    // All of it is in one entry's view.
    tmux.keys(&["Right"]);
    let seen = tmux.wait("leak, public");
    for text in ["TLP:AMBER", "in the summary", "paste.txt", "led to"] {
        assert!(seen.contains(text), "{text}: {seen}");
    }
    // A letter right behind Escape would be taken for one with Alt.
    tmux.wait_enter("more");
    tmux.keys(&["Escape"]);
    tmux.wait_enter("open");

    // Before the incident nothing was known.
    form(&tmux, "g", "What was known at a time");
    tmux.types("2020-01-01T00:00:00Z");
    tmux.keys(&["Enter"]);
    let past = tmux.wait("nothing was recorded by then");
    assert!(
        past.contains("AS OF 2020-01-01 00:00:00 UTC: 0 of"),
        "{past}"
    );
    tmux.keys(&["Escape"]);
    tmux.until("now", |screen| !screen.contains("AS OF"));
    tmux.wait("the billing job fails");

    let timeline = json(&demo, "timeline INC --json");
    let paste = row(&timeline, "public paste");
    let about = &paste["about"];
    assert_eq!(
        about["tags"],
        serde_json::json!(["leak", "public"]),
        "{paste}"
    );
    assert_eq!(
        (&about["tlp"], &about["pinned"]),
        (&"amber".into(), &true.into()),
        "{paste}"
    );
    let job = row(&timeline, "billing job");
    assert_eq!(paste["links"][0]["other"], job["event"], "{paste}");
    assert_eq!(paste["links"][0]["relation"], "cause", "{paste}");
    assert_eq!(paste["evidence"].as_array().unwrap().len(), 1, "{paste}");
    let followups = json(&demo, "followup INC --json");
    let one = &followups["followups"][0];
    assert_eq!(one["about"], paste["event"], "{one}");
    assert_eq!(
        (&one["kind"], &one["owner"], &one["due"]),
        (&"detect".into(), &"sasha".into(), &"2026-12-24".into()),
        "{one}"
    );
    // The screen and the command line know the same of the past.
    let known = json(&demo, "timeline INC --as-of 2020-01-01T00:00:00Z --json");
    assert_eq!(known["rows"].as_array().unwrap().len(), 0);
}

const BOOK: &str = "\
id: told
title: Something to tell
summary: Something happened that others have to know of.
owner: platform
steps:
  - {id: look, title: Look at it}
";

#[test]
fn an_update_is_previewed_on_the_screen_and_then_delivered() {
    let demo = Demo::new();
    let board = demo.place.path("board.jsonl");
    let policy = demo.flag("--library").join("policy.yaml");
    let mut yaml = std::fs::read_to_string(&policy).unwrap();
    yaml.push_str(&format!(
        "channels:\n  board: {{file: {{path: {}}}}}\naudiences:\n  customers: {{tlp: clear, channels: [board]}}\n",
        board.display()
    ));
    std::fs::write(&policy, yaml).unwrap();
    let inc = demo.begins("told", BOOK);
    let tmux = screen(&demo, &inc);
    tmux.wait("Look at it");
    tmux.keys(&["p"]);
    tmux.wait("Update for stakeholders");
    tmux.wait("← customers →");
    tmux.keys(&["Down", "Right", "Down"]);
    tmux.types("Sign-in fails for some of you.");
    tmux.keys(&["Down"]);
    tmux.types("30m");
    tmux.keys(&["Enter"]);
    let leaves = tmux.wait("Tell customers?");
    for text in ["through board", "Sign-in fails for some of you."] {
        assert!(leaves.contains(text), "{text}: {leaves}");
    }
    assert!(!board.exists(), "nothing leaves before it was looked at");
    tmux.wait_enter("Tell them");
    tmux.keys(&["Enter"]);
    let line = poll("the update", || {
        std::fs::read_to_string(&board)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    assert!(line.contains("Sign-in fails for some of you."), "{line}");
    tmux.keys(&["t"]);
    tmux.wait("told customers (investigating)");
    tmux.wait("was delivered through");
    let mut args = demo.robin.clone();
    args.extend(["outbox".to_owned(), inc]);
    let outbox = demo.place.done(&args);
    assert!(outbox.contains("delivered"), "{outbox}");
}
