//! The files: where they are, the lock that keeps a second writer out, and the sidecar that notices when a
//! database was replaced by an older copy of itself.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use domain::{Epoch, Position};
use sqlx::sqlite::SqliteConnectOptions;

use crate::store::OpenError;

/// Where everything is.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The log.
    pub(super) database: PathBuf,
    /// The snapshots.
    pub(super) views: PathBuf,
    /// The stored projections.
    pub(super) projections: PathBuf,
    /// The handlings.
    pub(super) trace: PathBuf,
    lock: PathBuf,
    sidecar: PathBuf,
}

impl Files {
    /// From `sqlite://path`; other files stand beside the database.
    pub(super) fn of(url: &str) -> Result<Self, OpenError> {
        let wrong = || OpenError::Url(url.to_owned());
        if !url.starts_with("sqlite:") || url.contains('?') || url.contains(":memory:") {
            return Err(wrong());
        }
        let options = SqliteConnectOptions::from_str(url).map_err(|_| wrong())?;
        let database = options.get_filename().to_path_buf();
        let name = database.file_name().ok_or_else(wrong)?.to_string_lossy().into_owned();
        let stem = database.file_stem().map_or(name.clone(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self {
            views: database.with_file_name(format!("{stem}.views.db")),
            projections: database.with_file_name(format!("{stem}.projections.db")),
            trace: database.with_file_name(format!("{stem}.trace.db")),
            lock: database.with_file_name(format!("{name}.lock")),
            sidecar: database.with_file_name(format!("{name}.epoch")),
            database,
        })
    }

    /// Makes the folder, and takes the lock. It is held until the file is dropped, and by the system's
    /// doing also when the process is killed.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        if let Some(folder) = self.database.parent() {
            std::fs::create_dir_all(folder).map_err(|why| not_writable(folder, &why))?;
        }
        let lock = writable_file(&self.lock)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked(self.database.display().to_string()));
            }
            Err(TryLockError::Error(why)) => return Err(not_writable(&self.lock, &why)),
        }
        // Before SQLite opens a read-only file, and makes read-only files beside it.
        if self.database.exists() {
            writable_file(&self.database)?;
        }
        Ok(lock)
    }

    /// Opens the sidecar, and reads what was written last; nothing if there is none or it is not whole.
    pub(super) fn sidecar(&self) -> Result<(Sidecar, Option<(Epoch, Position)>), OpenError> {
        let mut file = writable_file(&self.sidecar)?;
        let mut text = String::new();
        let known = file.read_to_string(&mut text).ok().and_then(|_| parse(&text));
        Ok((Sidecar { file }, known))
    }
}

/// Holds the epoch and the last known head. Written after every commit and never synced: it may be behind
/// the database, but not ahead of it.
#[derive(Debug)]
pub(super) struct Sidecar {
    file: File,
}

impl Sidecar {
    /// Notes how far the log has come. Overwrites in place, so it needs no room on a full disk.
    pub(super) fn note(&mut self, epoch: Epoch, head: Position) {
        let text = format!("{epoch}.{:020}\n", head.0);
        let noted = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(text.as_bytes()));
        if let Err(error) = noted {
            tracing::warn!(%error, "the epoch's sidecar could not be written");
        }
    }
}

fn parse(text: &str) -> Option<(Epoch, Position)> {
    let (epoch, head) = text.strip_suffix('\n')?.split_once('.')?;
    Some((epoch.parse().ok()?, head.parse().ok()?))
}

fn writable_file(path: &Path) -> Result<File, OpenError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(|why| not_writable(path, &why))
}

fn not_writable(place: &Path, why: &std::io::Error) -> OpenError {
    OpenError::NotWritable { place: place.display().to_string(), why: why.to_string() }
}
