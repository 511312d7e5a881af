//! The screen dies while a command runs; the next one picks up exactly there.

use rustix::process::{Pid, Signal, kill_process};

use super::place::{Demo, PROGRAM};
use super::pty::Term;

fn begin(demo: &Demo) -> String {
    let go = demo.place.path("go");
    let book = format!(
        "id: slow\ntitle: A slow command\nseverity: sev4\nsteps:\n\
         \x20 - id: wait\n    title: Wait for the word\n    timeout: 5m\n    run: |\n\
         \x20     echo begun\n      while [ ! -e {0} ]; do sleep 0.05; done\n      echo went on\n\
         \x20 - {{id: after, title: Afterwards}}\n",
        go.display()
    );
    demo.begins("slow", &book)
}

fn open(demo: &Demo, inc: &str) -> Term {
    let mut args = demo.robin.clone();
    args.extend(["open".to_owned(), inc.to_owned()]);
    Term::start(&demo.place, PROGRAM, &args, &[])
}

fn kill(term: &mut Term) {
    kill_process(
        Pid::from_raw(term.child.id().cast_signed()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
    term.child.wait().unwrap();
}

#[test]
fn a_killed_screen_is_picked_up_where_it_was() {
    let demo = Demo::new();
    let inc = begin(&demo);
    let mut term = open(&demo, &inc);
    term.wait("Enter run");
    term.send("\r");
    term.wait("Enter watch the output");
    kill(&mut term);

    // The command still runs, and the next screen shows it.
    let mut term = open(&demo, &inc);
    let screen = term.wait("Enter watch the output");
    assert!(screen.contains("Steps 0/2"), "{screen}");
    kill(&mut term);

    // It ends while nobody looks; its end is recorded by whoever looks next.
    std::fs::write(demo.place.path("go"), "").unwrap();
    let term = open(&demo, &inc);
    let screen = term.wait("Steps 1/2");
    assert!(screen.contains("✓ wait"), "{screen}");
    assert!(screen.contains("▶ after"), "{screen}");
    drop(term);
    let mut timeline = demo.robin.clone();
    timeline.extend(["timeline".to_owned(), inc]);
    let timeline = demo.place.done(&timeline);
    assert_eq!(timeline.matches("started wait").count(), 1, "{timeline}");
    assert_eq!(
        timeline.matches("ran wait: exit 0").count(),
        1,
        "{timeline}"
    );
}

#[test]
fn an_incident_that_is_only_at_the_hub_is_opened_from_there() {
    let demo = Demo::new();
    let mut newcomer = demo.sasha.clone();
    let at = newcomer.iter().position(|word| word == "--state").unwrap();
    newcomer[at + 1] = demo.place.path("a new state").display().to_string();
    let args = demo.args(&newcomer, "open INC");
    let term = Term::start(&demo.place, PROGRAM, &args, &[]);
    term.wait("Welcome to the walk");
    // What nobody has is said before there is a screen.
    let mut args = newcomer;
    args.extend(["open", "INC-0000"].map(str::to_owned));
    let mut term = Term::start(&demo.place, PROGRAM, &args, &[]);
    let status = term.ends(std::time::Duration::from_secs(20)).unwrap();
    assert_eq!(status.code(), Some(2), "{}", term.text());
    assert!(term.text().contains("or at the hub"), "{}", term.text());
}
