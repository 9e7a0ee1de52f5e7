//! The server as a process: started in a folder of its own, asked what it used, ended.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::Failure;

/// A running server. It is killed when this is dropped.
pub struct Process {
    /// Where it listens.
    pub addr: SocketAddr,
    child: Child,
    /// A process that writes to a closed pipe would die of it.
    _stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Starts `hubbub` over the data in `folder`, with demo people and without limits on load.
    pub(crate) fn hubbub(binary: &Path, folder: &Path, core: Option<usize>) -> Result<Self, Failure> {
        Self::hubbub_with(binary, folder, core, &[])
    }

    /// The same, with other settings.
    pub(crate) fn hubbub_with(
        binary: &Path,
        folder: &Path,
        core: Option<usize>,
        settings: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let mut command = over(command(binary, core), folder)?;
        command.env("RUST_LOG", "error").envs(unlimited(binary)?).envs(settings.iter().copied());
        Self::start(command)
    }

    /// Starts the yardstick: this very program, in another process.
    pub(crate) fn yardstick(core: Option<usize>) -> Result<Self, Failure> {
        let mut command = command(&std::env::current_exe()?, core);
        command.arg("yardstick");
        Self::start(command)
    }

    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// If it ends before.
    pub fn start(mut command: Command) -> Result<Self, Failure> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("it has no standard output")?);
        let mut line = String::new();
        let addr = loop {
            line.clear();
            if stdout.read_line(&mut line)? == 0 {
                return Err(format!("the server ended before it listened: {}", child.wait()?).into());
            }
            if let Some((_, addr)) = line.split_once("listening on http://") {
                break addr.trim().parse()?;
            }
        };
        Ok(Self { addr, child, _stdout: stdout })
    }

    /// Tells it to stop, and waits until it has.
    ///
    /// # Errors
    /// If it does not stop cleanly.
    pub async fn terminate(mut self) -> Result<(), Failure> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        if !told.success() {
            return Err("the server cannot be told to stop".into());
        }
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server did not stop cleanly: {status}").into()),
                None => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    /// Ends it as `kill -9` does.
    ///
    /// # Errors
    /// If the system does not let it be killed.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// How many sockets it has open.
    pub(crate) fn sockets(&self) -> Result<usize, Failure> {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()))?;
        let targets = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> Result<Usage, Failure> {
        Usage::of(self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The build as it comes, over the data in `folder`, on any free port, with demo people and without pages.
///
/// # Errors
/// If the folder cannot be written to.
pub fn hubbub(binary: &Path, folder: &Path) -> Result<Command, Failure> {
    over(Command::new(binary), folder)
}

fn over(mut command: Command, folder: &Path) -> Result<Command, Failure> {
    let site = folder.join("site");
    std::fs::create_dir_all(site.join("pkg"))?;
    // Settings of whoever runs this are none of the server's.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HUBBUB_")) {
        command.env_remove(name);
    }
    command
        .current_dir(folder)
        .env("HUBBUB_ADDR", "127.0.0.1:0")
        .env("HUBBUB_DATABASE_URL", format!("sqlite://{}", folder.join("hubbub.db").display()))
        .env("HUBBUB_SITE_ROOT", site)
        .env("HUBBUB_DEMO", "true");
    Ok(command)
}

/// `program`, held to one core if that is wanted and possible.
fn command(program: &Path, core: Option<usize>) -> Command {
    match core {
        Some(core) if can_pin() => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

/// Whether processes can be held to one core here.
pub(crate) fn can_pin() -> bool {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores > 1
        && Command::new("taskset").arg("-V").stdout(Stdio::null()).status().is_ok_and(|done| done.success())
}

/// While it lives, this process and the threads it starts run on one core.
pub(crate) struct Held {
    cores: usize,
}

impl Held {
    pub(crate) fn to(core: usize) -> Result<Self, Failure> {
        let cores = std::thread::available_parallelism()?.get();
        hold(&core.to_string())?;
        Ok(Self { cores })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What could be taken can be given back.
        let _ = hold(&format!("0-{}", self.cores - 1));
    }
}

fn hold(cores: &str) -> Result<(), Failure> {
    let me = std::process::id().to_string();
    let done = Command::new("taskset").args(["-apc", cores, &me]).stdout(Stdio::null()).status()?;
    if done.success() { Ok(()) } else { Err("the load generator cannot be held to one core".into()) }
}

/// The settings of this build that would keep a load test from being one, at values that do not.
fn unlimited(binary: &Path) -> Result<Vec<(String, &'static str)>, Failure> {
    let help = Command::new(binary).arg("--help").output()?.stdout;
    let help = String::from_utf8_lossy(&help);
    let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split('=').next());
    let value = |name: &str| match name {
        name if name.ends_with("_PER_MINUTE") => Some("0"),
        "HUBBUB_CONNECTIONS" | "HUBBUB_CONNECTIONS_PER_ADDRESS" => Some("0"),
        "HUBBUB_CONNECTIONS_PER_PERSON" => Some("1000000"),
        _ => None,
    };
    Ok(names.filter_map(|name| value(name).map(|value| (name.to_owned(), value))).collect())
}

/// A folder for data that is removed with its value.
pub(crate) fn folder() -> Result<TempDir, Failure> {
    Ok(tempfile::Builder::new().prefix("hubbub-bench-").tempdir()?)
}

/// What a process has used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time, in seconds.
    pub(crate) cpu_s: f64,
    /// Resident memory, in KiB.
    pub(crate) resident_kib: f64,
}

impl Usage {
    /// Of this process.
    pub(crate) fn own() -> Result<Self, Failure> {
        Self::of(std::process::id())
    }

    #[cfg(target_os = "linux")]
    fn of(pid: u32) -> Result<Self, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name, in brackets, may hold anything; after it come the third field and the others.
        let fields: Vec<&str> =
            stat.rsplit_once(") ").ok_or("/proc/<pid>/stat is not understood")?.1.split(' ').collect();
        let ticks = |nth: usize| fields.get(nth - 3).and_then(|text| text.parse::<f64>().ok());
        // Ticks are hundredths of a second on every Linux that people run (`getconf CLK_TCK`).
        let cpu_s = (ticks(14).unwrap_or_default() + ticks(15).unwrap_or_default()) / 100.0;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident_kib = resident.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        Ok(Self { cpu_s, resident_kib: resident_kib.unwrap_or_default() })
    }

    #[cfg(not(target_os = "linux"))]
    fn of(pid: u32) -> Result<Self, Failure> {
        let ps = |what: &str| -> Result<String, Failure> {
            let output = Command::new("ps").args(["-o", what, "-p", &pid.to_string()]).output()?;
            Ok(String::from_utf8(output.stdout)?.trim().to_owned())
        };
        // The time is [hours:]minutes:seconds.
        let cpu_s = ps("time=")?
            .split(':')
            .try_fold(0.0, |sum, part| part.trim().parse::<f64>().map(|part| sum * 60.0 + part))?;
        Ok(Self { cpu_s, resident_kib: ps("rss=")?.parse()? })
    }
}
