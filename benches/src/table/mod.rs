//! The report as Markdown tables.
//!
//! What lives here: the page, cells, and the tables of the host form and its
//! peers. What does not: the tables of the static form (`composed`).

mod composed;

use std::fmt::Write;

use crate::cases::Group;
use crate::report::{Ratio, Report, Row};
use crate::rig::Contestant;
use crate::statistics::Series;
use crate::targets::{Measure, Verdict, scaling};

/// A cell without a figure.
const NONE: &str = "–";

/// The host form and those it is compared with.
const HOSTS: [Contestant; 4] = [Contestant::Larder, Contestant::Copy, Contestant::Wasmtime, Contestant::WasmtimeInline];

pub(crate) fn markdown(report: &Report) -> String {
    let mut text = heading(report);
    for group in Group::ALL {
        let rows: Vec<&Row> = report.rows.iter().filter(|row| row.case.group == group).collect();
        if rows.is_empty() {
            continue;
        }
        line(&mut text, &format!("\n### {}\n", group.title()));
        match group {
            Group::Threads => threads(&mut text, &rows, &report.rows),
            Group::StartUp | Group::Stdout | Group::Node => {}
            _ => contestants(&mut text, &rows),
        }
        composed::table(&mut text, group, &rows);
    }
    summary(&mut text, report);
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn heading(report: &Report) -> String {
    let Report { machine, repetitions, larder, glibc_tunables, .. } = report;
    let tunables = glibc_tunables.as_deref().unwrap_or("none");
    format!(
        "Larder {larder} ({}) on {} × {}, Linux {}, load {}; glibc tunables: {tunables}.\n\
         Medians of {repetitions} repetitions; in parentheses the ratio of the best ones.\n",
        machine.commit, machine.cores, machine.processor, machine.kernel, machine.load,
    )
}

fn contestants(text: &mut String, rows: &[&Row]) {
    let took_part = |row: &&Row| HOSTS.iter().any(|contestant| row.contestants.contains_key(contestant));
    if !rows.iter().any(took_part) {
        return;
    }
    line(
        text,
        "| Case | Larder | guest copy | Wasmtime | Wasmtime inline | of copy | of Wasmtime | by CPU | spread | targets |",
    );
    line(text, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
    for row in rows {
        let speeds = HOSTS.map(|contestant| row.contestants.get(&contestant).map_or(NONE.into(), speed));
        let peer = row.ratio_to_peer(Contestant::Larder);
        let cells = [
            row.case.label(),
            speeds.join(" | "),
            ratio(row.ratio(Contestant::Larder, Contestant::Copy)),
            ratio(peer),
            peer.map_or(NONE.into(), |peer| format!("{:.1}", peer.processor)),
            spread(row, Contestant::Larder),
            verdicts(row, |contestant| HOSTS.contains(&contestant)),
        ];
        line(text, &format!("| {} |", cells.join(" | ")));
    }
}

fn threads(text: &mut String, rows: &[&Row], all: &[Row]) {
    line(
        text,
        "| Case | Larder | Wasmtime | Wasmtime inline | Larder, of ×1 | Wasmtime, of ×1 | inline, of ×1 | Larder, CPU for one operation | spread | targets |",
    );
    line(text, "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
    let shown = [Contestant::Larder, Contestant::Wasmtime, Contestant::WasmtimeInline];
    for row in rows {
        let speeds = shown.map(|contestant| row.contestants.get(&contestant).map_or(NONE.into(), speed));
        let scales = shown.map(|contestant| ratio(scaling(row, all, contestant)));
        let cells = [
            row.case.label(),
            speeds.join(" | "),
            scales.join(" | "),
            processor(row, all),
            spread(row, Contestant::Larder),
            verdicts(row, |contestant| HOSTS.contains(&contestant)),
        ];
        line(text, &format!("| {} |", cells.join(" | ")));
    }
}

/// Throughput where bytes are moved in bulk, time of an operation otherwise.
fn speed(series: &Series) -> String {
    if series.bytes >= 4096.0 {
        let rate = series.bytes / series.median;
        if rate >= 1.0 { format!("{rate:.1} GB/s") } else { format!("{:.0} MB/s", rate * 1000.0) }
    } else if series.median >= 10_000.0 {
        format!("{:.1} µs", series.median / 1000.0)
    } else {
        format!("{:.2} µs", series.median / 1000.0)
    }
}

fn ratio(ratio: Option<Ratio>) -> String {
    ratio.map_or(NONE.into(), |ratio| format!("{:.2} ({:.2})", ratio.median, ratio.best))
}

fn spread(row: &Row, contestant: Contestant) -> String {
    row.contestants.get(&contestant).map_or(NONE.into(), |series| format!("±{:.0} %", series.spread * 100.0))
}

/// Processor time of an operation as a multiple of what it costs alone: 1.00
/// means that the instances do not hinder each other, however busy the
/// machine is with other things.
fn processor(row: &Row, all: &[Row]) -> String {
    scaling(row, all, Contestant::Larder).map_or(NONE.into(), |ratio| format!("{:.2}", 1.0 / ratio.processor))
}

/// The verdicts on some of the contestants.
fn verdicts(row: &Row, of: impl Fn(Contestant) -> bool) -> String {
    let all: Vec<String> = row.verdicts.iter().filter(|verdict| of(verdict.contestant)).map(verdict).collect();
    all.join("; ")
}

fn verdict(verdict: &Verdict) -> String {
    let (target, outcome) = (verdict.target, outcome(verdict));
    let whose = if verdict.contestant == Contestant::AttachedMulti { "multi " } else { "" };
    match verdict.measure {
        Measure::Copy => format!("{whose}≥ {target} of copy: {outcome}"),
        Measure::Peer => format!("{whose}≥ {target}× Wasmtime: {outcome}"),
        Measure::Scaling => format!("{whose}≥ {target}× one: {outcome}"),
        Measure::Growth => format!("{whose}{:.2} of the first, ≤ {target}: {outcome}", verdict.reached),
        Measure::Plugged => format!("{whose}≥ {target}× plugged: {outcome}"),
        Measure::Time => format!("{whose}≤ {target} ns: {outcome}"),
        Measure::More => format!("{whose}≤ {} ms more than bare: {outcome}", target / 1e6),
        Measure::Bare => format!("{whose}≤ {target} of bare's time: {outcome}"),
    }
}

fn outcome(verdict: &Verdict) -> &'static str {
    match (verdict.met, verdict.met_at_best) {
        (true, _) => "met",
        (false, true) => "met at best",
        (false, false) => "**missed**",
    }
}

fn summary(text: &mut String, report: &Report) {
    let verdicts = || report.rows.iter().flat_map(|row| &row.verdicts);
    let met = verdicts().filter(|verdict| verdict.met).count();
    let at_best = verdicts().filter(|verdict| !verdict.met && verdict.met_at_best).count();
    let missed = verdicts().count() - met - at_best;
    // Writing to a String does not fail.
    let _ = writeln!(text, "\nTargets: {met} met, {at_best} met by the best repetitions, {missed} missed.");
}
