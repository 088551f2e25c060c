//! A process that serves a mount, and a shell that ends it.
//!
//! The shell waits for the end of its standard input, then unmounts and ends
//! the process: when this is dropped, and also when the harness is killed. A
//! signal to the harness's group is not for it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use parking_lot::Mutex;

use super::PATIENCE;
use crate::bound;

/// `umount` waits for what is going to the bucket where the peer does so;
/// detached is what somebody has open still.
const SCRIPT: &str = r#"mount=$1 log=$2; shift 2
"$@" >>"$log" 2>&1 </dev/null & pid=$!
echo $pid; read -r _
umount "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
done
children=$(cat /proc/$pid/task/$pid/children 2>/dev/null)
kill $pid $children 2>/dev/null; sleep 0.1; kill -9 $pid $children 2>/dev/null
wait $pid 2>/dev/null; true"#;

/// The end of the standard inputs of all shells; dropping one ends a mount.
static INPUTS: Mutex<Vec<Arc<Mutex<Option<ChildStdin>>>>> = Mutex::new(Vec::new());

/// When what runs has to have ended.
static DEADLINE: Mutex<Option<Instant>> = Mutex::new(None);

/// Time between ending the mounts and ending the run.
const LAST: Duration = Duration::from_secs(60);

/// Ends all mounts when `run` takes longer than `limit`, so that calls that
/// hang fail; ends the process a minute later.
pub(crate) fn watch<T>(limit: Duration, run: impl FnOnce() -> T) -> T {
    static STARTED: std::sync::Once = std::sync::Once::new();
    STARTED.call_once(|| {
        std::thread::spawn(|| {
            loop {
                std::thread::sleep(Duration::from_millis(500));
                let late = DEADLINE.lock().map(|deadline| Instant::now().saturating_duration_since(deadline));
                match late {
                    Some(late) if late > LAST => {
                        crate::say("it hangs: the run ends");
                        std::process::exit(3);
                    }
                    Some(late) if late > Duration::ZERO => {
                        bound::late();
                        for input in INPUTS.lock().iter() {
                            *input.lock() = None;
                        }
                    }
                    _ => {}
                }
            }
        });
    });
    bound::again();
    *DEADLINE.lock() = Some(Instant::now() + limit);
    let done = run();
    *DEADLINE.lock() = None;
    done
}

/// A mount and its process.
pub(crate) struct Keeper {
    shell: Child,
    input: Arc<Mutex<Option<ChildStdin>>>,
    process: u32,
    mount: PathBuf,
    log: PathBuf,
}

impl Keeper {
    /// Starts a program that mounts at `mount` and stays in the foreground;
    /// returns when it is mounted.
    pub(crate) fn start(command: &mut Command, mount: &Path, log: &Path) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT, "mount"]).arg(mount).arg(log).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let mut shell =
            shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = Arc::new(Mutex::new(shell.stdin.take()));
        INPUTS.lock().push(Arc::clone(&input));
        let output = shell.stdout.take().context("no output")?;
        let mut keeper = Self { shell, input, process: 0, mount: mount.to_owned(), log: log.to_owned() };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        keeper.process = line.trim().parse().context("the shell named no process")?;
        keeper.wait_for_mount()?;
        Ok(keeper)
    }

    fn wait_for_mount(&self) -> Result<()> {
        let begun = Instant::now();
        while !is_mounted(&self.mount)? {
            bound::go_on()?;
            if !is_running(self.process) || begun.elapsed() > PATIENCE {
                bail!("it does not mount: {}", self.log_text());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        std::fs::metadata(&self.mount).with_context(|| self.log_text())?;
        Ok(())
    }

    fn log_text(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines.get(lines.len().saturating_sub(10)..).unwrap_or_default().join("\n")
    }

    /// Unmounts, and waits for the process's end.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end();
        ensure!(!is_mounted(&self.mount)?, "{} stays mounted", self.mount.display());
        Ok(())
    }

    fn end(&mut self) {
        // Closed: the shell reads the end.
        *self.input.lock() = None;
        let _ = self.shell.wait();
        INPUTS.lock().retain(|input| !Arc::ptr_eq(input, &self.input));
    }

    /// The most memory that it and its children had.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let process = self.process;
        let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
        let others = children.split_whitespace().filter_map(|child| child.parse().ok()).filter_map(peak_memory);
        Some(peak_memory(process)? + others.sum::<u64>())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}

/// The most memory that a process had, in bytes.
pub(crate) fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}

/// Whether a process is there and not only waits for being buried.
fn is_running(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

pub(crate) fn is_mounted(path: &Path) -> Result<bool> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").context("cannot read the mounts")?;
    let path = path.to_string_lossy();
    Ok(mounts.lines().any(|line| line.split(' ').nth(4) == Some(&*path)))
}
