//! The drawn timeline: how bad it was, milestones and phases, a lane for each person, clocks, on one axis of time in
//! which long silences are short. Everything on it stands in the table too; each mark leads there.

mod bands;
mod lanes;
mod marks;
mod scale;

use chrono::{DateTime, Utc};

use self::bands::{Clock, Flag, Grade};
use self::lanes::Lane;
use self::scale::{Scale, to_f64};
use super::markup::{Markup, put};
use super::words::{counted, length};
use crate::timeline::Timeline;
use crate::timeline::clocks::Countdown;

/// How wide the part beside the names is, in pixels.
const WIDTH: f64 = 932.0;
/// How wide the names are.
const NAMES: f64 = 132.0;
const AXIS: f64 = 38.0;
const IMPACT: f64 = 36.0;
const LINE: f64 = 15.0;
const PHASE: f64 = 10.0;
const CLOCK: f64 = 26.0;

/// Everything at its place.
struct Plan<'a> {
    scale: Scale,
    from: i64,
    to: i64,
    impact: Vec<Grade>,
    flags: Vec<Flag<'a>>,
    lanes: Vec<Lane<'a>>,
    clocks: Vec<Clock<'a>>,
    more_clocks: usize,
}

/// The figure with its legend. Nothing where nothing happened.
pub(super) fn drawing(page: &mut Markup, timeline: &Timeline, countdowns: &[Countdown]) {
    let Some(plan) = plan(timeline, countdowns) else {
        page.none("Nothing is recorded.");
        return;
    };
    let height = plan.height();
    put!(
        page,
        "<figure class=\"drawing\"><div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Drawn timeline, scrolls sideways\">"
    );
    put!(page, "<svg class=\"names\" aria-hidden=\"true\" preserveAspectRatio=\"xMinYMin slice\" viewBox=\"0 0 " {n(NAMES)} " " {n(height)} "\" width=\"" {n(NAMES)} "\" height=\"" {n(height)} "\">");
    names(page, &plan);
    put!(page, "</svg><svg class=\"chart\" role=\"group\" aria-labelledby=\"chart-title chart-desc\" viewBox=\"0 0 " {n(WIDTH)} " " {n(height)} "\" width=\"" {n(WIDTH)} "\" height=\"" {n(height)} "\">");
    put!(page, "<title id=\"chart-title\">Drawn timeline</title><desc id=\"chart-desc\">" {describe(timeline, &plan)} "</desc>");
    put!(
        page,
        "<defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"hatch\" width=\"2\" height=\"6\"/></pattern></defs>"
    );
    axis(page, &plan, height);
    marks::impact(page, &plan.impact, AXIS);
    if timeline.is_exercise() {
        put!(page, "<text class=\"drill\" x=\"" {n(WIDTH / 2.0)} "\" y=\"" {n(height - 8.0)} "\" text-anchor=\"middle\">EXERCISE</text>");
    }
    marks::flags(page, &plan.flags, plan.phases(), height);
    let mut top = plan.lanes_top();
    for lane in &plan.lanes {
        put!(page, "<line class=\"rule\" x1=\"0\" x2=\"" {n(WIDTH)} "\" y1=\"" {n(top)} "\" y2=\"" {n(top)} "\"/>");
        marks::lane(page, lane, top);
        top += lane.height();
    }
    put!(page, "<line class=\"rule\" x1=\"0\" x2=\"" {n(WIDTH)} "\" y1=\"" {n(top)} "\" y2=\"" {n(top)} "\"/>");
    for (index, clock) in plan.clocks.iter().enumerate() {
        marks::clock(page, clock, top + 4.0 + CLOCK * to_f64(index as i64), WIDTH);
    }
    put!(page, "</svg></div><figcaption>");
    marks::legend(page, timeline, &plan.flags);
    remarks(page, &plan);
    put!(page, "</figcaption></figure>");
}

fn plan<'a>(timeline: &'a Timeline, countdowns: &'a [Countdown]) -> Option<Plan<'a>> {
    let moments = moments(timeline, countdowns);
    let (from, last) = (*moments.first()?, *moments.last()?);
    let busy = timeline.rows.iter().map(until).max().unwrap_or(last);
    let to = last.max(busy);
    let scale = Scale::new(from, to, &silences(timeline, &moments, busy), WIDTH);
    let (clocks, more_clocks) = bands::clocks(countdowns, &scale);
    Some(Plan {
        impact: bands::impact(timeline, &scale, busy),
        flags: bands::flags(timeline, &scale, busy, WIDTH),
        lanes: lanes::lanes(timeline, &scale, busy),
        clocks,
        more_clocks,
        scale,
        from,
        to,
    })
}

fn until(row: &crate::timeline::Row) -> i64 {
    let from = row.occurred_at.timestamp_millis();
    row.occurred_until
        .map_or(from, |until| until.timestamp_millis().max(from))
}

/// Every moment at which something stands, but for entries between the first and the last.
fn moments(timeline: &Timeline, countdowns: &[Countdown]) -> Vec<i64> {
    let head = &timeline.header;
    let rows = timeline
        .rows
        .first()
        .into_iter()
        .chain(timeline.rows.last());
    let clocks = countdowns
        .iter()
        .filter(|countdown| countdown.due_at.is_some())
        .flat_map(|countdown| {
            let anchors = [&countdown.from, &countdown.submitted];
            let said = anchors.into_iter().flatten().map(|anchor| anchor.at);
            said.chain(countdown.due_at)
        });
    let mut all: Vec<i64> = rows
        .map(|row| row.occurred_at)
        .chain(head.milestones.iter().map(|one| one.at))
        .chain(head.severities.iter().map(|one| one.at))
        .chain(clocks)
        .map(|at| at.timestamp_millis())
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Silences of the record, cut where something else stands, and what lies behind its end.
fn silences(timeline: &Timeline, moments: &[i64], busy: i64) -> Vec<(i64, i64)> {
    let gaps = timeline
        .gaps
        .iter()
        .map(|gap| (gap.from.timestamp_millis(), gap.to.timestamp_millis()));
    let behind = moments.last().map(|last| (busy, *last));
    let mut all = Vec::new();
    for (from, to) in gaps.chain(behind) {
        let first = moments.partition_point(|at| *at <= from);
        let mut from = from;
        for at in &moments[first..] {
            if *at >= to {
                break;
            }
            all.push((from, *at));
            from = *at;
        }
        all.push((from, to));
    }
    all
}

impl Plan<'_> {
    /// Where the band of phases begins.
    fn phases(&self) -> f64 {
        let lines = self.flags.iter().map(|flag| flag.level + 1).max();
        AXIS + IMPACT + LINE * to_f64(lines.unwrap_or(0) as i64)
    }

    fn lanes_top(&self) -> f64 {
        if self.flags.is_empty() {
            AXIS + IMPACT + 4.0
        } else {
            self.phases() + PHASE + 8.0
        }
    }

    fn height(&self) -> f64 {
        self.clocks_top() + CLOCK * to_f64(self.clocks.len() as i64) + 10.0
    }

    fn clocks_top(&self) -> f64 {
        self.lanes_top() + self.lanes.iter().map(Lane::height).sum::<f64>()
    }
}

/// The lines, the times and the silences drawn short.
fn axis(page: &mut Markup, plan: &Plan<'_>, height: f64) {
    let step = plan.scale.step(64.0);
    let (mut free, mut day_free, mut day) = (0.0, 0.0, None);
    for stretch in plan.scale.stretches() {
        let first = stretch.from.div_euclid(step) * step;
        let ticks = std::iter::successors(Some(first), |at| at.checked_add(step))
            .skip_while(|at| *at < stretch.from)
            .take_while(|at| *at <= stretch.to);
        let mut ticks: Vec<i64> = ticks.collect();
        if ticks.is_empty() {
            ticks.push(stretch.from);
        }
        for at in ticks {
            let x = plan.scale.x(at);
            let Some(time) = DateTime::<Utc>::from_timestamp_millis(at) else {
                continue;
            };
            put!(page, "<line class=\"tick\" x1=\"" {n(x)} "\" x2=\"" {n(x)} "\" y1=\"30\" y2=\"" {n(height)} "\"/>");
            let label = if step < 60_000 { "%H:%M:%S" } else { "%H:%M" };
            if x - 18.0 >= free && x < WIDTH - 16.0 {
                put!(page, "<text class=\"at\" x=\"" {n(x)} "\" y=\"26\" text-anchor=\"middle\">" {time.format(label)} "</text>");
                free = x + 24.0;
            }
            if day != Some(time.date_naive()) && x - 4.0 >= day_free && x < WIDTH - 60.0 {
                put!(page, "<text class=\"day\" x=\"" {n((x - 16.0).max(1.0))} "\" y=\"11\">" {time.format("%-d %b %Y")} "</text>");
                day = Some(time.date_naive());
                day_free = x + 70.0;
            }
        }
    }
    for silence in plan.scale.breaks() {
        let (left, wide) = (silence.left, silence.right - silence.left);
        let (middle, floor) = (left + wide / 2.0, plan.clocks_top() - 8.0);
        put!(page, "<g class=\"break\"><title>nothing recorded for " {length(silence.to - silence.from)} "</title>");
        put!(page, "<rect fill=\"url(#hatch)\" x=\"" {n(left)} "\" y=\"30\" width=\"" {n(wide)} "\" height=\"" {n(height - 30.0)} "\"/>");
        put!(page, "<text transform=\"translate(" {n(middle + 4.0)} " " {n(floor)} ") rotate(-90)\">" {length(silence.to - silence.from)} "</text></g>");
    }
}

fn names(page: &mut Markup, plan: &Plan<'_>) {
    let mut name = |y: f64, class: &'static str, text: &str| {
        put!(page, "<text class=\"" {class} "\" x=\"0\" y=\"" {n(y)} "\">" {super::words::cut(text, 19)} "</text>");
    };
    name(26.0, "sub", "UTC");
    if !plan.impact.is_empty() {
        name(AXIS + 22.0, "name", "Impact");
    }
    if !plan.flags.is_empty() {
        name(plan.phases() + 4.0, "name", "Phases");
    }
    let mut top = plan.lanes_top();
    for lane in &plan.lanes {
        let middle = top + lane.height() / 2.0;
        let who = lane.person.map_or("everybody else", |person| {
            person.as_str().split('@').next().unwrap_or_default()
        });
        name(middle, "name", who);
        let entries = counted(lane.entries, "entry", "entries");
        let sub = match lane.role.filter(|_| lane.person.is_some()) {
            Some(role) => format!("{role} · {}", lane.entries),
            None => entries,
        };
        name(middle + 13.0, "sub", &sub);
        top += lane.height();
    }
    if !plan.clocks.is_empty() {
        name(top + 21.0, "name", "Clocks");
    }
}

fn describe(timeline: &Timeline, plan: &Plan<'_>) -> String {
    let day = |at| {
        DateTime::<Utc>::from_timestamp_millis(at).map(|at| at.format("%Y-%m-%d %H:%M").to_string())
    };
    format!(
        "From {} to {} UTC: severity, milestones and the phases between them, {} with {}, {}. The table Timeline has the same in words.",
        day(plan.from).unwrap_or_default(),
        day(plan.to).unwrap_or_default(),
        counted(plan.lanes.len(), "lane", "lanes"),
        counted(timeline.rows.len(), "entry", "entries"),
        counted(plan.clocks.len(), "clock", "clocks"),
    )
}

/// What is not drawn.
fn remarks(page: &mut Markup, plan: &Plan<'_>) {
    let hidden: usize = plan.lanes.iter().map(|lane| lane.hidden).sum();
    let mut said = Vec::new();
    if hidden > 0 {
        said.push(format!("{} found no room.", counted(hidden, "bar", "bars")));
    }
    if plan.more_clocks > 0 {
        said.push(format!(
            "{} not drawn.",
            counted(plan.more_clocks, "clock is", "clocks are")
        ));
    }
    if plan.scale.breaks().next().is_some() {
        said.push("Hatched: long silences, drawn short, with their length.".to_owned());
    }
    if !said.is_empty() {
        put!(page, "<p>" {said.join(" ")} "</p>");
    }
}

/// A number of pixels.
fn n(pixels: f64) -> String {
    let text = format!("{pixels:.1}");
    text.strip_suffix(".0")
        .map_or_else(|| text.clone(), str::to_owned)
}
