//! The program in tmux, with a server of the test's own: keys by name, the screen as text.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::place::{LONG, Place};

/// A terminal in tmux.
pub struct Tmux {
    socket: PathBuf,
    home: PathBuf,
    env: Vec<(String, String)>,
}

impl Tmux {
    /// Starts a shell command in a terminal of this size. The screen stays when the command ends.
    pub fn start(place: &Place, name: &str, (columns, rows): (u16, u16), command: &str) -> Self {
        let tmux = Self {
            socket: place.path(name),
            home: place.path("home"),
            env: place.env(),
        };
        let size = [columns.to_string(), rows.to_string()];
        tmux.tell(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            &size[0],
            "-y",
            &size[1],
            &format!("{command}; echo \"ended: $?\"; exec cat"),
        ]);
        tmux
    }

    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(&self.home)
            .args(["-u", "-S"])
            .arg(&self.socket)
            .stdin(Stdio::null());
        command
    }

    fn tell(&self, args: &[&str]) -> String {
        let output = self
            .command()
            .args(args)
            .output()
            .expect("the program `tmux` is needed for this test");
        assert!(
            output.status.success(),
            "tmux {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Presses keys by name, one after the other.
    pub fn keys(&self, keys: &[&str]) {
        let mut args = vec!["send-keys"];
        args.extend(keys);
        self.tell(&args);
    }

    /// Types letters.
    pub fn types(&self, text: &str) {
        self.tell(&["send-keys", "-l", text]);
    }

    /// The screen as text, without blanks at line ends.
    pub fn screen(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    /// The screen with its colours.
    pub fn colours(&self) -> String {
        self.tell(&["capture-pane", "-p", "-e"])
    }

    /// Keeps everything that is written to the terminal from now on.
    pub fn record(&self, file: &std::path::Path) {
        self.tell(&["pipe-pane", &format!("cat >{}", file.display())]);
    }

    /// What was last put on its clipboard.
    pub fn buffer(&self) -> String {
        self.tell(&["show-buffer"])
    }

    /// The process that runs in the pane.
    pub fn pid(&self) -> String {
        self.tell(&["display-message", "-p", "#{pane_pid}"])
            .trim()
            .to_owned()
    }

    /// Waits until the screen is as wanted, and gives it.
    pub fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + LONG;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return screen;
            }
            assert!(
                Instant::now() < end,
                "waited in vain for {what}; the screen is\n{screen}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for a text.
    pub fn wait(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    /// Waits until the footer says what Enter will do, and that nothing is being drawn any more.
    pub fn wait_enter(&self, what: &str) -> String {
        self.until(&format!("Enter {what}"), |screen| {
            footer(screen).starts_with(&format!(" Enter {what}"))
        })
    }

    /// The screen once it is not in the middle of a frame: two looks in a row that are alike.
    fn settled(&self) -> String {
        let mut before = self.screen();
        loop {
            std::thread::sleep(Duration::from_millis(40));
            let now = self.screen();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// Presses a key until Enter would do this. Each press waits for a whole frame, or a key still under way would be
    /// taken for one that was lost.
    pub fn find(&self, key: &str, what: &str) {
        for _ in 0..60 {
            let screen = self.settled();
            if footer(&screen).starts_with(&format!(" Enter {what}")) {
                return;
            }
            self.keys(&[key]);
            self.until("another screen", |now| now != screen);
        }
        panic!("{key} does not lead to {what:?}:\n{}", self.screen());
    }
}

/// The last line that says something.
pub fn footer(screen: &str) -> &str {
    screen
        .lines()
        .rev()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self
            .command()
            .arg("kill-server")
            .stderr(Stdio::null())
            .status();
    }
}
