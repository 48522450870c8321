//! What a process learns of AVPs, commands, applications and vendors beside the tables, from dictionaries of other tools.
//!
//! The tables are asked first, always: an overlay adds and changes nothing that they hold, so reading what is known costs
//! what it did. It is installed once, before the first message, and stays to the end of the process.

use std::sync::OnceLock;

use super::{Definition, all, lookup as known};
use crate::avp::Key;

/// Names of a command, an application or a vendor that the tables lack.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    avps: Vec<&'static Definition>,
    names: Vec<&'static Definition>,
    applications: Vec<(u32, &'static str)>,
    commands: Vec<(u32, Option<u32>, &'static str)>,
    vendors: Vec<(u32, &'static str)>,
}

static INSTALLED: OnceLock<Overlay> = OnceLock::new();

/// An overlay is there already: the names of a process do not change while it reads messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a dictionary was installed already; name all of them at once")]
pub struct AlreadyInstalled;

impl Overlay {
    /// An overlay of these rows. Rows whose key the tables or an earlier row have are left out; commands are code,
    /// application (none: any) and name without `-Request` and `-Answer`.
    #[must_use]
    pub fn new(
        avps: impl IntoIterator<Item = &'static Definition>,
        commands: impl IntoIterator<Item = (u32, Option<u32>, &'static str)>,
        applications: impl IntoIterator<Item = (u32, &'static str)>,
        vendors: impl IntoIterator<Item = (u32, &'static str)>,
    ) -> Self {
        let mut avps: Vec<_> = avps.into_iter().filter(|row| known(row.key).is_none()).collect();
        // Stable sorts: of two rows alike the first stays.
        avps.sort_by_key(|row| row.key.0);
        avps.dedup_by_key(|row| row.key.0);
        let mut names = avps.clone();
        names.sort_by_key(|row| row.name);
        let mut applications: Vec<_> = applications.into_iter().collect();
        applications.sort_by_key(|(id, _)| *id);
        let mut commands: Vec<_> = commands.into_iter().collect();
        commands.sort_by_key(|(code, application, _)| (*code, *application));
        let mut vendors: Vec<_> = vendors.into_iter().collect();
        vendors.sort_by_key(|(id, _)| *id);
        Self { avps, names, applications, commands, vendors }
    }

    /// Makes it the process's own.
    ///
    /// # Errors
    /// When there is one already.
    pub fn install(self) -> Result<(), AlreadyInstalled> {
        INSTALLED.set(self).map_err(|_| AlreadyInstalled)
    }
}

fn find<T: Copy>(rows: &[T], is: impl Fn(&T) -> std::cmp::Ordering) -> Option<T> {
    rows.binary_search_by(is).ok().and_then(|at| rows.get(at)).copied()
}

/// The row of a key that the tables lack.
#[cold]
pub(super) fn lookup(key: Key) -> Option<&'static Definition> {
    find(&INSTALLED.get()?.avps, |row| row.key.0.cmp(&key.0))
}

/// The row of a name that the tables lack.
pub(super) fn by_name(name: &str) -> Option<&'static Definition> {
    let names = &INSTALLED.get()?.names;
    names.get(names.partition_point(|row| row.name < name)).copied().filter(|row| row.name == name)
}

/// The rows that the tables lack, by key.
pub(super) fn rows() -> impl Iterator<Item = &'static Definition> {
    INSTALLED.get().map_or(&[][..], |overlay| &overlay.avps).iter().copied()
}

/// All definitions: those of the tables, then what was learnt.
pub fn everything() -> impl Iterator<Item = &'static Definition> {
    all().chain(rows())
}

/// The name of an application that our list lacks.
#[cold]
pub(crate) fn application_name(application: u32) -> Option<&'static str> {
    find(&INSTALLED.get()?.applications, |(id, _)| id.cmp(&application)).map(|(_, name)| name)
}

/// The applications that were learnt.
pub(crate) fn applications() -> impl Iterator<Item = (u32, &'static str)> {
    INSTALLED.get().map_or(&[][..], |overlay| &overlay.applications).iter().copied()
}

/// The name of a command that our lists lack: that of its application, else one for any.
#[cold]
pub(crate) fn command_stem(application: u32, code: u32) -> Option<&'static str> {
    let commands = &INSTALLED.get()?.commands;
    let of = |application| find(commands, |(known, user, _)| (*known, *user).cmp(&(code, application)));
    of(Some(application)).or_else(|| of(None)).map(|(_, _, name)| name)
}

/// The commands that were learnt: code and name.
pub(crate) fn commands() -> impl Iterator<Item = (u32, &'static str)> {
    INSTALLED.get().map_or(&[][..], |overlay| &overlay.commands).iter().map(|(code, _, name)| (*code, *name))
}

/// The name of a vendor that our list lacks.
#[cold]
pub(crate) fn vendor_name(vendor: u32) -> Option<&'static str> {
    find(&INSTALLED.get()?.vendors, |(id, _)| id.cmp(&vendor)).map(|(_, name)| name)
}

/// The number of a vendor that our list lacks.
pub(crate) fn vendor_of(name: &str) -> Option<u32> {
    let vendors = &INSTALLED.get()?.vendors;
    vendors.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(id, _)| *id)
}
