//! The report as Markdown.

use std::fmt::Write;

use crate::cases::Unit;
use crate::contestant::Contestant;
use crate::report::{Measured, Report};

pub(crate) fn markdown(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, report);
    text
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let sizes = &report.sizes;
    writeln!(
        text,
        "Large: {} MiB by {} MiB, {} MiB where each write is synced; huge: {} MiB, Larder's memory {} MiB; small: \
         {} files of {} bytes in {} directories; tree: {} objects in {} directories. {} repetitions.\n",
        sizes.large >> 20,
        sizes.piece >> 20,
        sizes.synced >> 20,
        sizes.huge >> 20,
        sizes.budget >> 20,
        sizes.directories * sizes.files,
        sizes.small,
        sizes.directories,
        sizes.tree_directories * sizes.tree_files,
        sizes.tree_directories,
        sizes.repetitions,
    )?;
    write!(text, "| Case |")?;
    for contestant in Contestant::ALL {
        write!(text, " {} |", contestant.title())?;
    }
    writeln!(text, " async of s3fs | through of s3fs | targets |")?;
    writeln!(text, "| --- |{} ---: | ---: | --- |", " ---: |".repeat(Contestant::ALL.len()))?;
    for row in &report.rows {
        write!(text, "| {} |", row.row.title)?;
        for contestant in Contestant::ALL {
            write!(text, " {} |", cell(row, contestant))?;
        }
        for one in [Contestant::LarderAsync, Contestant::LarderThrough] {
            let ratio = row.ratio(one, Contestant::S3fs);
            write!(text, " {} |", ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")))?;
        }
        let verdicts = row.verdicts.iter().map(|verdict| {
            let value = if row.row.unit == Unit::Memory { String::new() } else { format!(" ({:.2})", verdict.value) };
            format!("{}{value}: {}", verdict.target, if verdict.is_met { "met" } else { "**missed**" })
        });
        writeln!(text, " {} |", verdicts.collect::<Vec<_>>().join("; "))?;
    }
    let all = || report.rows.iter().flat_map(|row| &row.verdicts);
    let met = all().filter(|verdict| verdict.is_met).count();
    writeln!(text, "\nTargets: {met} met, {} missed.", all().count() - met)?;
    writeln!(
        text,
        "`~`: extrapolated from what was done in {} s. `†`: its `fsync` does not wait for the bucket.",
        sizes.bound.as_secs()
    )?;
    if !sizes.drop_caches {
        writeln!(text, "A quick run: the kernel's caches were not dropped before what is cold.")?;
    }
    for failure in &report.failures {
        writeln!(text, "\n**Failed**: {failure}")?;
    }
    Ok(())
}

fn cell(row: &Measured, contestant: Contestant) -> String {
    let Some(cell) = row.cells.get(&contestant) else { return "–".to_owned() };
    let value = match row.row.unit {
        Unit::Rate => format!("{:.0} MB/s", 1e-6 / cell.median),
        Unit::Each | Unit::All => time(cell.median),
        Unit::Memory => format!("{:.0} MiB", cell.worst / f64::from(1 << 20)),
    };
    let about = if cell.is_extrapolated { "~" } else { "" };
    let unsynced = if row.row.is_synced && contestant == Contestant::Rclone { " †" } else { "" };
    format!("{about}{value}{unsynced}")
}

fn time(seconds: f64) -> String {
    if seconds < 1e-3 {
        format!("{:.1} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}
