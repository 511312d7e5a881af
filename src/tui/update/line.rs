//! Editing a line of text with keys.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input as Line, InputRequest};

/// Longer than anything somebody types into one line.
const LONGEST: usize = 4096;

/// What a key does to the line; false when it means nothing to it.
pub(super) fn edit(line: &mut Line, key: KeyEvent) -> bool {
    let Some(request) = request(key) else {
        return false;
    };
    if matches!(request, InputRequest::InsertChar(_)) && line.value().len() >= LONGEST {
        return false;
    }
    line.handle(request);
    true
}

/// Puts text in at the cursor.
pub(super) fn insert(line: &mut Line, text: &str) {
    for letter in text.chars() {
        if line.value().len() >= LONGEST {
            return;
        }
        line.handle(InputRequest::InsertChar(letter));
    }
}

fn request(key: KeyEvent) -> Option<InputRequest> {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    Some(match key.code {
        KeyCode::Left if ctrl || alt => InputRequest::GoToPrevWord,
        KeyCode::Right if ctrl || alt => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        KeyCode::Backspace if ctrl || alt => InputRequest::DeletePrevWord,
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char('h') if ctrl => InputRequest::DeletePrevChar,
        KeyCode::Char(letter) if !ctrl && !alt => InputRequest::InsertChar(letter),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_shell() {
        let mut line = Line::default();
        for letter in "leak cloud".chars() {
            assert!(edit(&mut line, KeyEvent::from(KeyCode::Char(letter))));
        }
        edit(
            &mut line,
            KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL),
        );
        edit(&mut line, KeyEvent::from(KeyCode::Home));
        edit(&mut line, KeyEvent::from(KeyCode::Delete));
        assert_eq!(line.value(), "eak ");
        assert!(!edit(&mut line, KeyEvent::from(KeyCode::Tab)));
    }

    #[test]
    fn a_line_has_an_end() {
        let mut line = Line::default();
        insert(&mut line, &"x".repeat(3 * LONGEST));
        assert_eq!(line.value().len(), LONGEST);
    }
}
