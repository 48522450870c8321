//! A file that appears under its name whole or not at all, and what a killed maker of one leaves behind.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// A file being made beside its name, `NAME.new-PID` with mode 0600. It is locked, so that one whose maker was killed is
/// known from one that is being made: the system lets go of the locks of a process that has ended.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    file: File,
}

/// Between the name and the number of the process.
const MARK: &str = ".new-";

impl NewFile {
    /// Begins a file, and removes what killed makers of the same one have left.
    ///
    /// # Errors
    /// `AlreadyExists` when there is a file at `path`, and what the system says otherwise.
    pub fn make(path: &Path) -> io::Result<Self> {
        if path.try_exists()? {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        remove_left(path, name);
        let mut unfinished = name.to_owned();
        unfinished.push(format!("{MARK}{}", std::process::id()));
        let unfinished = path.with_file_name(unfinished);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        {
            // It holds subscribers' identities.
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let file = options.open(&unfinished)?;
        // Where the disk knows no locks nothing is removed either.
        let _ = file.try_lock();
        Ok(NewFile { path: path.to_owned(), unfinished, file })
    }

    /// Where its content goes.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Makes it durable and gives it its name.
    ///
    /// # Errors
    /// `AlreadyExists` when a file of that name came meanwhile, and what the system says otherwise.
    pub fn finish(self) -> io::Result<()> {
        // Whoever wrote it may have let go of the lock.
        let _ = self.file.try_lock();
        self.file.sync_all()?;
        // In so many words: a child of this process that has yet to become another program would keep the lock alive, and
        // whoever opens the file by its name would find it in use.
        let _ = self.file.unlock();
        // A link, unlike a new name, never takes the place of a file that came meanwhile.
        fs::hard_link(&self.unfinished, &self.path)?;
        // The name itself has to outlive a power cut too.
        File::open(directory(&self.path))?.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.unfinished);
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that was not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The file.
    pub path: PathBuf,
    /// Whether a process is still making it; otherwise its maker was killed, and nobody wants it any more.
    pub is_being_made: bool,
}

/// The unfinished files in the folder of `path`, by name: its own, exports of it, and those of others.
#[must_use]
pub fn unfinished_beside(path: &Path) -> Vec<Unfinished> {
    let Ok(entries) = fs::read_dir(directory(path)) else { return Vec::new() };
    let mut found: Vec<Unfinished> = entries
        .flatten()
        .filter(|entry| maker_of(&entry.file_name()).is_some() && entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| Unfinished { is_being_made: !is_left(&entry.path()), path: entry.path() })
        .collect();
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// The name that an unfinished file would have had.
fn maker_of(name: &OsStr) -> Option<&[u8]> {
    let octets = name.as_encoded_bytes();
    let at = octets.windows(MARK.len()).rposition(|window| window == MARK.as_bytes())?;
    let pid = octets.get(at + MARK.len()..)?;
    (!pid.is_empty() && pid.iter().all(u8::is_ascii_digit)).then(|| octets.get(..at)).flatten()
}

/// Whether nobody has a lock on it.
fn is_left(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Removes the unfinished files of `path` that nobody has a lock on.
fn remove_left(path: &Path, name: &OsStr) {
    for Unfinished { path, is_being_made } in unfinished_beside(path) {
        let of_this = path.file_name().and_then(maker_of) == Some(name.as_encoded_bytes());
        if of_this && !is_being_made && fs::remove_file(&path).is_ok() {
            tracing::info!(file = %path.display(), "removed what a killed process left unfinished");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_maker_left_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.ndjson");
        // Nobody holds the first; the second is being made; the others are not ours to judge.
        for name in ["backup.ndjson.new-1", "backup.ndjson.new-2", "backup.ndjson.new-x", "other.new-1"] {
            fs::write(folder.path().join(name), "half").unwrap();
        }
        let held = File::open(folder.path().join("backup.ndjson.new-2")).unwrap();
        held.try_lock().unwrap();
        let beside: Vec<_> = unfinished_beside(&path)
            .into_iter()
            .map(|it| (it.path.file_name().unwrap().to_owned().into_string().unwrap(), it.is_being_made))
            .collect();
        let expected = [("backup.ndjson.new-1", false), ("backup.ndjson.new-2", true), ("other.new-1", false)];
        assert_eq!(beside, expected.map(|(name, made)| (name.to_owned(), made)));
        let new = NewFile::make(&path).unwrap();
        new.file().write_all(b"whole").unwrap();
        assert!(!path.exists(), "it has no name before it is whole");
        new.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(
            names(folder.path()),
            ["backup.ndjson", "backup.ndjson.new-2", "backup.ndjson.new-x", "other.new-1"]
        );
    }

    #[test]
    fn a_file_that_is_there_or_comes_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.ndjson");
        let new = NewFile::make(&path).unwrap();
        fs::write(&path, "another's").unwrap();
        assert_eq!(new.finish().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(NewFile::make(&path).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"another's");
        assert_eq!(names(folder.path()), ["backup.ndjson"]);
    }
}
