//! Packed logs, UTF-16 and lines a little out of order, against what is in them.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::logs::dating::Dating;
use crate::logs::stamp::Zone;
use crate::logs::view::open;
use crate::logs::view::page::Made;

const SECOND: i64 = 1_000_000_000;

/// 2026-08-17T14:00:00Z.
const AT_TWO: i64 = 1_786_975_200;

const DATING: Dating = Dating {
    format: None,
    zone: Zone::UTC,
};

fn line(second: i64) -> String {
    let time = chrono::DateTime::from_timestamp(AT_TWO + second, 0).unwrap();
    format!("{} line {second}\n", time.format("%FT%TZ"))
}

fn lines(seconds: std::ops::Range<i64>) -> String {
    seconds.map(line).collect()
}

fn gz(path: &Path, text: &[u8]) {
    let file = std::fs::File::create(path).unwrap();
    let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packer.write_all(text).unwrap();
    packer.finish().unwrap();
}

fn opened(paths: &[&Path], room: &Room) -> (Viewer, Vec<Option<Watched>>) {
    let opened = paths.iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (log, watched) = open(path, name, &DATING, room, 0).unwrap();
        (log, Some(watched))
    });
    let (logs, watched): (Vec<_>, Vec<_>) = opened.unzip();
    (Viewer::new(logs, 0).unwrap(), watched)
}

/// Looks until everything has come out of its file.
fn come(viewer: &mut Viewer, watched: &mut [Option<Watched>]) -> Page {
    for log in &viewer.logs {
        if let Some(spool) = &log.spool {
            spool.wait(u64::MAX, Duration::from_secs(600));
        }
    }
    while viewer.logs.iter().any(Log::is_partial) || viewer.partial.contains(&true) {
        viewer.look(watched).unwrap();
    }
    done(viewer)
}

#[test]
fn a_rotated_set_with_a_packed_file_is_one_log_by_time() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    gz(&at("app.log.2.gz"), lines(0..40_000).as_bytes());
    std::fs::write(at("app.log.1"), lines(40_000..40_010)).unwrap();
    std::fs::write(at("app.log"), lines(40_010..40_020)).unwrap();
    let paths = [at("app.log.2.gz"), at("app.log.1"), at("app.log")];
    let paths: Vec<&Path> = paths.iter().map(std::path::PathBuf::as_path).collect();
    let (mut viewer, mut watched) = opened(&paths, &Room::of(dir.path()).leaving(0));
    let page = asked(&mut viewer, Ask::Rows(4));
    assert_eq!(
        shown(&page).concat() + "\n",
        lines(0..4).replace('\n', "") + "\n"
    );
    come(&mut viewer, &mut watched);
    let page = asked(&mut viewer, Ask::Bottom);
    assert_eq!(shown(&page).join("\n") + "\n", lines(40_016..40_020));
    let time = Stamp((AT_TWO + 39_998) * SECOND);
    asked(&mut viewer, Ask::Time(time));
    asked(&mut viewer, Ask::Scroll(-100));
    asked(&mut viewer, Ask::Scroll(101));
    let page = asked(&mut viewer, Ask::Time(time));
    let at = page.jumped.unwrap().1;
    let row = page.rows.iter().position(|row| row.at == at).unwrap();
    assert_eq!(shown(&page)[row..].join("\n") + "\n", lines(39_998..40_001));
    let spooled = page.logs[0].spooled.clone().unwrap();
    assert_eq!(
        (spooled.percent, spooled.done, spooled.fault),
        (100, true, None)
    );
}

#[test]
fn a_jump_to_what_is_still_packed_is_made_once_it_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log.gz");
    let text = lines(0..200_000);
    gz(&path, text.as_bytes());
    let (mut viewer, mut watched) = opened(&[&path], &Room::of(dir.path()).leaving(0));
    asked(&mut viewer, Ask::Rows(3));
    let stamp = Stamp((AT_TWO + 199_000) * SECOND);
    asked(&mut viewer, Ask::Time(stamp));
    let page = come(&mut viewer, &mut watched);
    let at = page.jumped.unwrap().1;
    let row = page.rows.iter().find(|row| row.at == at).unwrap();
    assert_eq!(row.bytes, line(199_000).trim_end().as_bytes());
    assert_eq!((page.logs[0].lines, page.said), (Some(200_000), None));
    let page = asked(
        &mut viewer,
        Ask::Search {
            text: "line 19999".to_owned(),
            regex: false,
            from: None,
        },
    );
    assert_eq!(page.search.unwrap().found, 11 - 1 + 1);
    let page = asked(&mut viewer, Ask::Mark(at));
    let mark = &page.marks[0];
    assert_eq!(mark.made.of("app.log.gz"), "app.log.gz (unpacked)");
    let range = mark.line.start as usize..mark.line.end as usize;
    assert_eq!(&text.as_bytes()[range.clone()], line(199_000).as_bytes());
    assert_eq!(
        mark.sha256,
        crate::evidence::Digest::of(&text.as_bytes()[range])
    );
}

#[test]
fn what_cannot_be_unpacked_is_said_and_the_rest_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log.gz");
    gz(&path, lines(0..9_000).as_bytes());
    let packed = std::fs::read(&path).unwrap();
    std::fs::write(&path, &packed[..packed.len() / 2]).unwrap();
    let (mut viewer, mut watched) = opened(&[&path], &Room::of(dir.path()).leaving(0));
    asked(&mut viewer, Ask::Rows(2));
    let page = come(&mut viewer, &mut watched);
    assert_eq!(shown(&page).join("\n") + "\n", lines(0..2));
    let fault = page.logs[0].spooled.clone().unwrap().fault.unwrap();
    assert!(fault.starts_with("DAMAGED ("), "{fault}");
}

#[test]
fn utf_16_is_read_searched_and_dated_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let text = format!("\u{feff}{}", lines(0..50).replace('\n', " ü\r\n"));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, &wide).unwrap();
    let (mut viewer, mut watched) = opened(&[&path], &Room::of(dir.path()).leaving(0));
    asked(&mut viewer, Ask::Rows(2));
    come(&mut viewer, &mut watched);
    let page = asked(
        &mut viewer,
        Ask::Search {
            text: "LINE 44 Ü".to_owned(),
            regex: false,
            from: None,
        },
    );
    let row = page.rows.iter().find(|row| !row.hits.is_empty());
    assert!(row.is_none(), "capital letters match themselves only");
    let page = asked(
        &mut viewer,
        Ask::Search {
            text: "line 44 ü".to_owned(),
            regex: false,
            from: None,
        },
    );
    let row = page.rows.iter().find(|row| !row.hits.is_empty()).unwrap();
    assert_eq!(row.stamp, Some(Stamp((AT_TWO + 44) * SECOND)));
    assert_eq!(
        viewer.logs[0].made(),
        Made {
            unpacked: false,
            utf16: true
        }
    );
}

#[test]
fn a_jump_to_a_time_is_exact_where_lines_are_late_by_less_than_the_slack() {
    let (mut seed, mut text, mut seconds) = (3u64, String::new(), Vec::new());
    for at in 0..40_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let late = i64::try_from(seed >> 40).unwrap() % 25;
        let second = if seed >> 63 == 0 { at - late } else { at };
        seconds.push((second, text.len() as u64));
        text.push_str(&line(second));
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    std::fs::write(&path, text).unwrap();
    let (mut viewer, _) = opened(&[&path], &Room::of(dir.path()));
    for wanted in (5..39_950).step_by(397) {
        let (_, start) = seconds
            .iter()
            .find(|(second, _)| *second >= wanted)
            .unwrap();
        let sought = viewer.logs[0]
            .seek(Stamp((AT_TWO + wanted) * SECOND))
            .unwrap();
        assert_eq!((sought.at, sought.astray), (*start, None), "{wanted}");
    }
}

#[test]
fn a_jump_in_a_log_out_of_order_says_that_it_is_only_near() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let text = lines(0..9_000) + &lines(0..9_000);
    std::fs::write(&path, text).unwrap();
    let (mut viewer, _) = opened(&[&path], &Room::of(dir.path()));
    asked(&mut viewer, Ask::Rows(3));
    let page = asked(&mut viewer, Ask::Time(Stamp((AT_TWO + 40) * SECOND)));
    let said = page.said.unwrap();
    assert_eq!(said, "out of order by 2 h or more: only near");
}
