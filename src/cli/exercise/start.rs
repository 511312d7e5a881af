//! Beginning an exercise, joining its controllers, practising alone.

use std::path::Path;
use std::rc::Rc;

use serde_json::json;

use super::super::args::Common;
use super::super::{CliError, incident, out};
use crate::driver::exercise::{Beginning, KEY_FILE};
use crate::driver::{Desk, Session};
use crate::evidence::escape;
use crate::exercise::Key;
use crate::host::files;

/// A scenario is a file that a person wrote.
const LONGEST: u64 = 4 << 20;

/// Begins one; prints its id.
///
/// # Errors
/// When the scenario cannot be used, or nothing can be recorded.
pub fn start(
    common: &Common,
    desk: &Rc<Desk>,
    scenario: &str,
    paused: bool,
    speed: Option<u32>,
) -> Result<(), CliError> {
    let (path, text) = find(desk, scenario)?;
    let beginning = Beginning {
        paused,
        scale: speed,
    };
    let mut session = Session::begin_exercise(Rc::clone(desk), &path, &text, &beginning)?;
    incident::publish(&mut session);
    let id = session.id().clone();
    let key = session.dir().join(KEY_FILE);
    if common.json {
        return out::json(&json!({
            "incident": id, "short": id.short(4), "controller_key": key,
        }));
    }
    let short = id.short(4);
    let incident = session.state().incident.as_deref();
    let title = incident.map_or("", |incident| incident.title.as_str());
    out::talk(&format!("EXERCISE {short}: {}", escape::line(title)));
    out::talk(&format!(
        "Controllers join with the key in {}: runsheet exercise join {short} --controller-key FILE",
        key.display()
    ));
    out::talk(&format!(
        "It is conducted by the screen (runsheet open {short}) or without one: runsheet exercise conduct {short}"
    ));
    if paused {
        out::talk(&format!(
            "The clock stands still: runsheet exercise {short} resume lets it go"
        ));
    }
    out::data(&format!("INC-{id}"))
}

/// The scenario that is meant: a file, else one of the library; where it stands, and its text.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn find(desk: &Desk, name: &str) -> Result<(String, String), CliError> {
    let file = Path::new(name);
    let (path, bytes) = if file.is_file() {
        let bytes = files::read_limited(file, LONGEST)?;
        (name.to_owned(), bytes)
    } else {
        let library = desk.library()?;
        let (entry, blob, _) = library.scenario(&library.pin()?, name)?;
        (entry.path, blob.bytes)
    };
    let text = String::from_utf8(bytes)
        .map_err(|_| CliError::Input(format!("{}: it is not UTF-8", escape::line(&path))))?;
    Ok((path, text))
}

/// Takes the controllers' key.
///
/// # Errors
/// When it is not the key of this exercise.
pub fn join(desk: &Rc<Desk>, inc: &str, file: &Path) -> Result<(), CliError> {
    let bytes = files::read_limited(file, 1_024)
        .map_err(|error| CliError::Input(format!("{}: {error}", file.display())))?;
    let key = Key::from_hex(&String::from_utf8_lossy(&bytes))
        .ok_or_else(|| CliError::Input(format!("{}: a key is 64 hex digits", file.display())))?;
    let mut session = incident::open(desk, inc)?;
    session.join_controllers(&key)?;
    let (scenario, _) = session.script()?;
    out::talk(&format!(
        "joined the controllers of {}: {}",
        session.id().short(4),
        escape::line(&scenario.title)
    ));
    out::talk("whoever conducts gives the duty: runsheet role INC PERSON evaluator");
    Ok(())
}
