//! Signing elsewhere: what somebody needs who has their key on another machine and nothing there but `ssh-keygen`, and
//! taking their answer in.

use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use serde_json::json;

use super::args::{Answer, Cmd, Common, MakeStatement};
use super::incident::{open, principal, told};
use super::{CliError, clipboard, out, steps};
use crate::driver::Desk;
use crate::driver::issued::Issued;
use crate::evidence::escape;
use crate::host::files;
use crate::trust::{Decision, post};

/// A signature is a few hundred bytes; what mail adds to it is not much more.
const LIMIT: u64 = 64 << 10;

/// Makes a statement for somebody to sign elsewhere: two files, and a letter about them on standard output.
///
/// # Errors
/// When there is nothing to answer, this person may not, or the files cannot be written.
pub fn statement(common: &Common, desk: &Rc<Desk>, wanted: &MakeStatement) -> Result<(), CliError> {
    let session = open(desk, &wanted.inc)?;
    let key = session.step(&wanted.step)?;
    let signer = principal(&session, &wanted.signer)?;
    let issued = session.issue(
        &key,
        match wanted.decision {
            Answer::Approve => Decision::Approve,
            Answer::Deny => Decision::Deny,
        },
        &signer,
        wanted.reason.as_ref(),
    )?;
    let name = name(&issued);
    let folder = wanted.output.as_deref().unwrap_or(Path::new("."));
    let write = |ending: &str, text: &str| {
        let path = folder.join(format!("{name}.{ending}"));
        files::write_atomic(&path, text.as_bytes(), 0o600)
            .map_err(|error| CliError::Input(format!("{}: {error}", path.display())))?;
        Ok::<_, CliError>(path)
    };
    let statement = write("statement", &issued.text)?;
    let text = write("txt", &issued.display)?;
    if wanted.copy {
        clipboard::copy(&issued.text)?;
    }
    if common.json {
        return out::json(&json!({
            "incident": session.id(), "run": key.run, "step": key.step, "decision": issued.statement.decision,
            "approver": issued.statement.approver, "nonce": issued.statement.nonce,
            "expires": issued.statement.not_after, "display": issued.statement.display,
            "namespace": issued.mode.namespace(), "statement_file": statement, "text_file": text,
            "statement": issued.text, "text": issued.display,
        }));
    }
    out::data(&letter(&issued, &name))?;
    let shown = |path: &Path| escape::line(&path.display().to_string()).into_owned();
    out::talk(&format!("wrote {} and {}", shown(&statement), shown(&text)));
    if wanted.copy {
        out::talk("the statement is on the clipboard");
    }
    Ok(())
}

/// `drop-1.approve.carol.3f9c2e1a`: step and attempt, answer, signer, and enough of the nonce that no two are alike.
fn name(issued: &Issued) -> String {
    let statement = &issued.statement;
    let signer = statement
        .approver
        .as_ref()
        .map_or("", |signer| signer.as_str());
    let nonce = statement.nonce.to_string();
    format!(
        "{}-{}.{}.{}.{}",
        statement.step.step.as_str(),
        statement.step.attempt,
        statement.decision,
        signer.split('@').next().unwrap_or_default(),
        &nonce[..8]
    )
}

/// What to do with the two files, and both again in a form that survives chat programs. It is no part of what is signed
/// or digested: a file cannot name its own digest.
fn letter(issued: &Issued, name: &str) -> String {
    let statement = &issued.statement;
    let signer = statement
        .approver
        .as_ref()
        .map_or("", |signer| signer.as_str());
    let display = statement
        .display
        .map_or_else(String::new, |digest| digest.hex());
    let until = statement.not_after.map_or_else(String::new, |until| {
        format!(" It holds until {}.", until.format("%Y-%m-%d %H:%M:%S UTC"))
    });
    let word = match statement.decision {
        Decision::Deny => "say no to",
        _ => "approve",
    };
    let namespace = issued.mode.namespace();
    let mut text = format!(
        "For {signer}, to {word} step {} of incident {}.{until}\n\n\
         1. Check that the text is the one the statement is about. `sha256sum {name}.txt` must print the digest of\n   \
            the `display:` line of {name}.statement:\n   {display}\n\
         2. Read {name}.txt. That, and nothing else, is what you sign about.\n\
         3. Sign where your key is:\n   ssh-keygen -Y sign -n {namespace} -f KEY {name}.statement\n\
         4. Send {name}.statement.sig back, or paste what is in it.\n\n\
         Where it was made, it is recorded with\n   \
         runsheet {} INC {} --signature {name}.statement.sig     (or - and paste it)\n\n\
         If this came by chat or mail, save it as `letter` and make the two files of it:\n",
        statement.step.step.as_str(),
        statement.incident,
        statement.decision,
        statement.step.step.as_str(),
    );
    for (label, ending) in [(post::STATEMENT, "statement"), (post::TEXT, "txt")] {
        let _ = writeln!(
            text,
            "   sed -n '/BEGI[N] {label}/,/EN[D] {label}/p' letter | grep -v -e -- | base64 -d > {name}.{ending}"
        );
    }
    text.push('\n');
    text.push_str(&post::wrap(post::STATEMENT, issued.text.as_bytes()));
    text.push_str(&post::wrap(post::TEXT, issued.display.as_bytes()));
    text
}

/// Whether this is an answer that was signed elsewhere.
#[must_use]
pub fn is_signed(command: &Cmd) -> bool {
    let (Cmd::Approve { elsewhere, .. } | Cmd::Deny { elsewhere, .. }) = command else {
        return false;
    };
    elsewhere.signature.is_some()
}

/// Takes in an answer that was signed elsewhere.
///
/// # Errors
/// When a file cannot be read, or the answer does not hold.
pub fn take_in(common: &Common, desk: &Rc<Desk>, command: &Cmd) -> Result<(), CliError> {
    let (inc, step, request, decision, given) = match command {
        Cmd::Approve {
            inc,
            step,
            request,
            elsewhere,
        } => (inc, step, request.as_deref(), Decision::Approve, elsewhere),
        Cmd::Deny {
            inc,
            step,
            elsewhere,
            ..
        } => (inc, step, None, Decision::Deny, elsewhere),
        _ => return Err(CliError::Input("no such command".to_owned())),
    };
    let statement = given.statement.as_deref().map(read).transpose()?;
    let signature = given.signature.as_deref().map(read).transpose()?;
    let mut session = open(desk, inc)?;
    let key = session.step(step)?;
    steps::same_request(&session, &key, request)?;
    let acted = session.record_signed(
        &key,
        decision,
        statement.as_deref(),
        signature.as_deref().unwrap_or_default(),
    )?;
    told(common, &mut session, &acted)
}

fn read(path: &Path) -> Result<String, CliError> {
    let bytes = if path == Path::new("-") {
        if out::can_ask() {
            out::talk("Paste the signature, then Ctrl-D:");
        }
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(
            &mut std::io::Read::take(std::io::stdin(), LIMIT),
            &mut bytes,
        )?;
        bytes
    } else {
        files::read_limited(path, LIMIT)
            .map_err(|error| CliError::Input(format!("{}: {error}", path.display())))?
    };
    // Chat and mail programs may have put other letters in; what matters of it is ASCII.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
