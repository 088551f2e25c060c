//! The tables of the static form.

use super::{NONE, line, ratio, speed, verdicts};
use crate::cases::Group;
use crate::report::{Ratio, Row};
use crate::rig::Contestant;

const ALL: [Contestant; 5] = [
    Contestant::Attached,
    Contestant::AttachedMulti,
    Contestant::Plugged,
    Contestant::NodeAttached,
    Contestant::NodePlugged,
];

/// The cells of a row behind its name.
type Cells = fn(&Row) -> Vec<String>;

/// The table of a group, unless nobody of the static form was there.
pub(super) fn table(text: &mut String, group: Group, rows: &[&Row]) {
    let took_part = |row: &&Row| ALL.iter().any(|contestant| row.contestants.contains_key(contestant));
    let rows: Vec<&Row> = rows.iter().copied().filter(took_part).collect();
    if rows.is_empty() {
        return;
    }
    let (columns, cells): (&[&str], Cells) = match group {
        Group::P3 => (&["plugged", "of copy", "of Wasmtime", "by CPU", "spread"], p3),
        Group::StartUp => {
            (&["bare", "attached", "multi-memory", "plugged", "attached, more", "multi, more", "spread"], start_up)
        }
        Group::Stdout => (
            &[
                "bare",
                "attached",
                "multi-memory",
                "plugged",
                "attached, of bare",
                "multi, of bare",
                "plugged, of bare",
                "spread",
            ],
            stdout,
        ),
        Group::Node => (&["attached", "plugged", "of plugged", "spread"], node),
        _ => (
            &[
                "attached",
                "multi-memory",
                "plugged",
                "of copy",
                "multi, of copy",
                "of plugged",
                "of Wasmtime",
                "by CPU",
                "spread",
            ],
            files,
        ),
    };
    if !matches!(group, Group::StartUp | Group::Stdout | Group::Node) {
        line(text, "\nThe static form:");
        line(text, "");
    }
    line(text, &format!("| Case | {} | targets |", columns.join(" | ")));
    line(text, &format!("| --- |{} --- |", " ---: |".repeat(columns.len())));
    for row in rows {
        let cells = cells(row).join(" | ");
        let verdicts = verdicts(row, |contestant| ALL.contains(&contestant));
        line(text, &format!("| {} | {cells} | {verdicts} |", row.case.label()));
    }
}

fn speeds(row: &Row, contestants: &[Contestant]) -> Vec<String> {
    contestants.iter().map(|contestant| row.contestants.get(contestant).map_or(NONE.into(), speed)).collect()
}

fn processor(ratio: Option<Ratio>) -> String {
    ratio.map_or(NONE.into(), |ratio| format!("{:.1}", ratio.processor))
}

fn files(row: &Row) -> Vec<String> {
    use Contestant::{Attached, AttachedMulti, Copy, Plugged};
    let peer = row.ratio_to_peer(Attached);
    let mut cells = speeds(row, &[Attached, AttachedMulti, Plugged]);
    cells.extend([
        ratio(row.ratio(Attached, Copy)),
        ratio(row.ratio(AttachedMulti, Copy)),
        ratio(row.ratio(Attached, Plugged)),
        ratio(peer),
        processor(peer),
        super::spread(row, Attached),
    ]);
    cells
}

fn p3(row: &Row) -> Vec<String> {
    use Contestant::{Copy, Plugged};
    let peer = row.ratio_to_peer(Plugged);
    let mut cells = speeds(row, &[Plugged]);
    cells.extend([ratio(row.ratio(Plugged, Copy)), ratio(peer), processor(peer), super::spread(row, Plugged)]);
    cells
}

fn start_up(row: &Row) -> Vec<String> {
    use Contestant::{Attached, AttachedMulti, Plugged, WasmtimeInline as Bare};
    let more = |contestant| {
        row.longer(contestant, Bare)
            .map_or(NONE.into(), |(median, best)| format!("{:.0} µs ({:.0})", median / 1000.0, best / 1000.0))
    };
    let mut cells = speeds(row, &[Bare, Attached, AttachedMulti, Plugged]);
    cells.extend([more(Attached), more(AttachedMulti), super::spread(row, Attached)]);
    cells
}

fn stdout(row: &Row) -> Vec<String> {
    use Contestant::{Attached, AttachedMulti, Plugged, WasmtimeInline as Bare};
    let mut cells = speeds(row, &[Bare, Attached, AttachedMulti, Plugged]);
    cells.extend([Attached, AttachedMulti, Plugged].map(|contestant| ratio(row.ratio(contestant, Bare))));
    cells.push(super::spread(row, Attached));
    cells
}

fn node(row: &Row) -> Vec<String> {
    use Contestant::{NodeAttached, NodePlugged};
    let mut cells = speeds(row, &[NodeAttached, NodePlugged]);
    cells.extend([ratio(row.ratio(NodeAttached, NodePlugged)), super::spread(row, NodeAttached)]);
    cells
}
