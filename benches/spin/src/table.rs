//! The report as Markdown.

use std::fmt::Write;

use crate::contestant::Contestant;
use crate::numbers::Series;
use crate::report::{Cell, Figure, Measured, Report, Row};

pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, report);
    text
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let plan = &report.plan;
    writeln!(
        text,
        "{}. {} repetitions of {:.1} s after {:.1} s.",
        report.machine.programs.join("; "),
        plan.repetitions,
        plan.measured.as_secs_f64(),
        plan.warm.as_secs_f64(),
    )?;
    for measured in &report.guests {
        writeln!(text, "\n### {}\n", measured.guest.title())?;
        let contestants = || plan.contestants.iter().copied();
        reuse(text, measured, plan.reuse.is_some() || plan.concurrent.is_some())?;
        rates(text, measured, contestants)?;
        writeln!(text)?;
        latencies(text, measured, contestants)?;
    }
    writeln!(text)?;
    summary(text, report)?;
    noise(text, report)?;
    for failure in &report.failures {
        writeln!(text, "\n**Failed**: {failure}")?;
    }
    Ok(())
}

fn reuse(text: &mut String, measured: &Measured, is_set: bool) -> std::fmt::Result {
    if measured.reuse.is_empty() {
        return writeln!(text, "An instance answers one request.\n");
    }
    let each: Vec<String> =
        measured.reuse.iter().map(|(contestant, count)| format!("{} {count}", contestant.title())).collect();
    let whose = if is_set { "as the run was told" } else { "each by its default" };
    writeln!(text, "An instance answered so many requests, one after the other, {whose}: {}.\n", each.join(", "))
}

fn rates<I: Iterator<Item = Contestant>>(
    text: &mut String,
    measured: &Measured,
    contestants: impl Fn() -> I,
) -> std::fmt::Result {
    write!(text, "| Requests a second | clients |")?;
    let larder = || contestants().filter(|contestant| contestant.is_larder());
    for contestant in contestants() {
        write!(text, " {} |", contestant.title())?;
    }
    for contestant in larder() {
        write!(text, " {} of Wasmtime | by CPU |", contestant.short())?;
    }
    writeln!(text, " spread | targets |")?;
    let columns = contestants().count() + 2 * larder().count() + 1;
    writeln!(text, "| --- | ---: |{} --- |", " ---: |".repeat(columns))?;
    for row in &measured.rows {
        write!(text, "| {} | {} |", row.case.title(), row.clients)?;
        for contestant in contestants() {
            let cell = row.cells.get(&contestant);
            write!(
                text,
                " {} |",
                cell.map_or_else(|| "–".to_owned(), |cell| format!("{:.0}{}", cell.rate.median, mark(cell)))
            )?;
        }
        for contestant in larder() {
            write!(
                text,
                " {} | {} |",
                ratio(row, contestant, Figure::Rate),
                ratio(row, contestant, Figure::Processor)
            )?;
        }
        let widest = row.cells.values().map(|cell| cell.rate.spread()).max_by(f64::total_cmp);
        writeln!(
            text,
            " {} | {} |",
            widest.map_or_else(|| "–".to_owned(), |spread| format!("{:.0} %", spread * 100.0)),
            verdicts(row, &[Figure::Rate]),
        )?;
    }
    Ok(())
}

fn latencies<I: Iterator<Item = Contestant>>(
    text: &mut String,
    measured: &Measured,
    contestants: impl Fn() -> I,
) -> std::fmt::Result {
    write!(text, "| p50 / p99 in ms | clients |")?;
    let larder = || contestants().filter(|contestant| contestant.is_larder());
    for contestant in contestants() {
        write!(text, " {} |", contestant.title())?;
    }
    for contestant in larder() {
        write!(text, " {} of Wasmtime |", contestant.short())?;
    }
    writeln!(text, " targets |")?;
    let columns = contestants().count() + larder().count();
    writeln!(text, "| --- | ---: |{} --- |", " ---: |".repeat(columns))?;
    for row in &measured.rows {
        write!(text, "| {} | {} |", row.case.title(), row.clients)?;
        for contestant in contestants() {
            let cell = row.cells.get(&contestant);
            let both = |cell: &Cell| format!("{} / {}", milliseconds(&cell.p50), milliseconds(&cell.p99));
            write!(text, " {} |", cell.map_or_else(|| "–".to_owned(), both))?;
        }
        for contestant in larder() {
            write!(text, " {} / {} |", ratio(row, contestant, Figure::P50), ratio(row, contestant, Figure::P99))?;
        }
        writeln!(text, " {} |", verdicts(row, &[Figure::P50, Figure::P99]))?;
    }
    Ok(())
}

fn milliseconds(series: &Series) -> String {
    format!("{:.2}", series.median * 1e3)
}

fn ratio(row: &Row, contestant: Contestant, figure: Figure) -> String {
    row.ratio(contestant, figure).map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Lines that were lost are no speed.
fn mark(cell: &Cell) -> &'static str {
    if cell.lost() > 0 { " †" } else { "" }
}

fn verdicts(row: &Row, figures: &[Figure]) -> String {
    let shown = row.verdicts.iter().filter(|verdict| figures.contains(&verdict.figure)).map(|verdict| {
        let figure = match verdict.figure {
            Figure::Rate => format!(" ≥ {}×", verdict.target),
            Figure::P50 => " p50".to_owned(),
            Figure::P99 => " p99".to_owned(),
            Figure::Processor => " by CPU".to_owned(),
        };
        format!("{}{figure}: {}", verdict.contestant.short(), if verdict.met { "met" } else { "**missed**" })
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn summary(text: &mut String, report: &Report) -> std::fmt::Result {
    let rows = || report.guests.iter().flat_map(|measured| &measured.rows);
    for (figure, name) in [(Figure::Rate, "requests a second"), (Figure::P50, "p50"), (Figure::P99, "p99")] {
        let all = || rows().flat_map(|row| &row.verdicts).filter(move |verdict| verdict.figure == figure);
        let met = all().filter(|verdict| verdict.met).count();
        writeln!(text, "Targets of {name}: {met} met, {} missed.", all().count() - met)?;
    }
    let marked: Vec<String> = rows()
        .flat_map(|row| row.cells.iter().map(move |(contestant, cell)| (row, contestant, cell)))
        .filter(|(_, _, cell)| cell.lost() > 0)
        .map(|(row, contestant, cell)| format!("{} with {} clients {}", contestant.title(), row.clients, cell.lost()))
        .collect();
    if !marked.is_empty() {
        writeln!(text, "`†`: lines were acknowledged and are not in the log: {}.", marked.join(", "))?;
    }
    Ok(())
}

/// What else the machine did.
fn noise(text: &mut String, report: &Report) -> std::fmt::Result {
    let others = Series::of(report.samples().map(|sample| sample.usage.others));
    let stolen = Series::of(report.samples().map(|sample| sample.usage.stolen));
    if let (Some(others), Some(stolen)) = (others, stolen) {
        writeln!(
            text,
            "Of all processors' time, other processes had {:.1} % (median of cells; at most {:.1} %), other machines \
             {:.1} % (at most {:.1} %).",
            others.median * 100.0,
            others.most * 100.0,
            stolen.median * 100.0,
            stolen.most * 100.0,
        )?;
    }
    Ok(())
}
