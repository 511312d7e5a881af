//! The picture of the screen in the README, drawn from a real run in tmux. `UPDATE_PICTURE=1` writes it.

use std::fmt::Write as _;
use std::path::Path;

use super::place::{PROGRAM, Place};
use super::snapshot::masked;
use super::tmux::Tmux;

const SIZE: (u16, u16) = (90, 28);
/// Pixels of a cell.
const CELL: (f32, f32) = (8.4, 18.0);
const PAPER: &str = "#14171f";
const INK: &str = "#d5d9e0";
/// The sixteen colours.
const COLOURS: [&str; 16] = [
    "#1c2029", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
    "#6b7280", "#ff7b85", "#b5e08d", "#ffd98a", "#82c4ff", "#dc9bf0", "#7fd6e0", "#ffffff",
];

/// The picture that is kept is what the program shows now, but for times and ids.
#[test]
fn the_picture_of_the_readme_is_what_the_screen_shows() {
    let place = Place::new();
    let tmux = Tmux::start(&place, "tmux", SIZE, &format!("{PROGRAM} demo"));
    tmux.wait_enter("tick");
    for _ in 0..4 {
        tmux.keys(&["Enter"]);
    }
    tmux.wait_enter("done");
    tmux.keys(&["Enter"]);
    for (what, then) in [("run", "✓ look"), ("collect", "✓ keep")] {
        tmux.wait_enter(what);
        tmux.keys(&["Enter"]);
        tmux.wait(then);
    }
    tmux.wait_enter("choose");
    tmux.keys(&["Enter"]);
    tmux.wait_enter("Yes");
    tmux.keys(&["Enter"]);
    tmux.wait_enter("ask for approval");
    tmux.keys(&["Enter"]);
    tmux.wait("0/1");
    tmux.wait_enter("waiting for sasha");
    // Without the message: what stays is what one looks at.
    tmux.keys(&["D"]);
    tmux.until("no message", |screen| !screen.contains("be sasha"));
    let drawn = svg(&tmux.colours());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screen.svg");
    if std::env::var_os("UPDATE_PICTURE").is_some() {
        std::fs::write(&path, &drawn).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        masked(&kept) == masked(&drawn),
        "docs/screen.svg is not what the screen shows now; UPDATE_PICTURE=1 draws it anew"
    );
}

/// What tmux captured, as a drawing.
fn svg(captured: &str) -> String {
    let mut terminal =
        vt100::Parser::new(SIZE.1.try_into().unwrap(), SIZE.0.try_into().unwrap(), 0);
    for (row, line) in captured.lines().take(SIZE.1.into()).enumerate() {
        let place = format!("\x1b[{};1H{line}", row + 1);
        terminal.process(place.as_bytes());
    }
    let (wide, high) = (
        f32::from(SIZE.0) * CELL.0 + 24.0,
        f32::from(SIZE.1) * CELL.1 + 24.0,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" \
         height=\"{high:.0}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\">\n<title>runsheet: the walk, waiting for an approval</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n"
    );
    for row in 0..SIZE.1 {
        draw_row(&mut out, terminal.screen(), row);
    }
    out.push_str("</svg>\n");
    out
}

/// How a run of cells looks.
#[derive(Clone, PartialEq)]
struct Look {
    ink: String,
    paper: String,
    bold: bool,
    underline: bool,
}

fn look(cell: &vt100::Cell) -> Look {
    let mut ink = colour(cell.fgcolor(), INK);
    let mut paper = colour(cell.bgcolor(), PAPER);
    if cell.inverse() {
        std::mem::swap(&mut ink, &mut paper);
    }
    if cell.dim() {
        ink = "#8a919e".to_owned();
    }
    Look {
        ink,
        paper,
        bold: cell.bold(),
        underline: cell.underline(),
    }
}

fn draw_row(out: &mut String, screen: &vt100::Screen, row: u16) {
    let mut column = 0;
    while column < SIZE.0 {
        let from = column;
        let Some(first) = screen.cell(row, column) else {
            return;
        };
        let as_first = look(first);
        let mut text = String::new();
        while let Some(cell) = screen
            .cell(row, column)
            .filter(|cell| look(cell) == as_first)
        {
            if !cell.is_wide_continuation() {
                text.push_str(if cell.has_contents() {
                    cell.contents()
                } else {
                    " "
                });
            }
            column += 1;
        }
        draw_run(out, &text, &as_first, (from, row), column - from);
    }
}

fn draw_run(out: &mut String, text: &str, look: &Look, (column, row): (u16, u16), cells: u16) {
    let x = 12.0 + f32::from(column) * CELL.0;
    let y = 12.0 + f32::from(row) * CELL.1;
    let wide = f32::from(cells) * CELL.0;
    if look.paper != PAPER {
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            CELL.1, look.paper
        );
    }
    if text.trim().is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" xml:space=\"preserve\" fill=\"{}\"{}{}>{}</text>",
        y + 13.5,
        look.ink,
        if look.bold {
            " font-weight=\"bold\""
        } else {
            ""
        },
        if look.underline {
            " text-decoration=\"underline\""
        } else {
            ""
        },
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    );
}

fn colour(colour: vt100::Color, default: &str) -> String {
    match colour {
        vt100::Color::Default => default.to_owned(),
        vt100::Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        vt100::Color::Idx(index) => indexed(index),
    }
}

/// The colours of the cube and the greys are the same everywhere.
fn indexed(index: u8) -> String {
    if let Some(colour) = COLOURS.get(usize::from(index)) {
        return (*colour).to_owned();
    }
    if index >= 232 {
        let grey = 8 + (index - 232) * 10;
        return format!("#{grey:02x}{grey:02x}{grey:02x}");
    }
    let level = |part: u8| if part == 0 { 0 } else { 55 + part * 40 };
    let cube = index - 16;
    format!(
        "#{:02x}{:02x}{:02x}",
        level(cube / 36),
        level(cube / 6 % 6),
        level(cube % 6)
    )
}
