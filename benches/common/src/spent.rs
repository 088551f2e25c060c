//! Processor time of processes, as Linux counts it: in ticks of 10 ms, so that
//! only what takes seconds says something.

/// Ticks a second in `/proc`: `USER_HZ`, which no Linux for desktops and servers
/// has different.
pub const TICKS: f64 = 100.0;

/// Ticks, user and system, of a process with its threads, without its children.
/// `process` is its number, or `self`. None where it is gone.
#[must_use]
pub fn process_ticks(process: &str) -> Option<u64> {
    parse(&std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// `PID (NAME) STATE …`: user and system are the 14th and 15th field; a name may
/// have spaces and parentheses.
fn parse(text: &str) -> Option<u64> {
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_behind_any_name() {
        let text = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 3 0 5 0 0";
        assert_eq!(parse(text), Some(42));
        assert_eq!(parse("7 (a"), None);
    }
}
