//! Panics of other people's code that are caught and told as errors. Nothing is printed of them, and the terminal is not
//! given back for them: the program goes on.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Does something that may panic; `None` where it did. What it was doing must not be used again then.
pub fn caught<T>(what: impl FnOnce() -> T) -> Option<T> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !is_caught() {
                before(info);
            }
        }));
    });
    let outer = CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(what)).ok();
    CAUGHT.set(outer);
    result
}

/// Whether a panic of this thread would be caught now. For hooks that were set later.
#[must_use]
pub fn is_caught() -> bool {
    CAUGHT.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_only_while_it_is_looked_for() {
        assert!(!is_caught());
        assert_eq!(caught(|| 1), Some(1));
        let inner = caught(|| {
            assert!(is_caught());
            assert_eq!(caught(|| panic!("inside")), None::<()>);
            is_caught()
        });
        assert_eq!(inner, Some(true));
        assert!(!is_caught());
    }
}
