//! The socket itself: nobody but its owner can open it, from its first moment on.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use socket2::{Domain, SockAddr, Socket, Type};

use super::AdminError;

/// Visitors that the system keeps waiting.
const BACKLOG: i32 = 16;

/// For the owner alone.
const PRIVATE: u32 = 0o600;

/// Which file a path names, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    owner: u32,
    mode: u32,
}

impl Stamp {
    pub fn of(path: &Path) -> io::Result<Self> {
        let about = fs::symlink_metadata(path)?;
        Ok(Self { device: about.dev(), inode: about.ino(), owner: about.uid(), mode: about.mode() & 0o777 })
    }

    pub const fn owner(&self) -> u32 {
        self.owner
    }
}

/// Listens at a path of which nobody else makes use.
pub(super) fn listen(path: &Path) -> Result<(UnixListener, Stamp), AdminError> {
    let io = |reason| AdminError::Io { path: path.to_owned(), reason };
    clear_the_way(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(io)?;
    // The file gets the permissions that its socket has when it is bound, so there is no moment in which another could
    // open it, and the umask of the process is left alone.
    let socket = File::from(OwnedFd::from(socket));
    socket.set_permissions(Permissions::from_mode(PRIVATE)).map_err(io)?;
    let socket = Socket::from(OwnedFd::from(socket));
    socket.bind(&SockAddr::unix(path).map_err(io)?).map_err(io)?;
    let stamp = Stamp::of(path).map_err(io)?;
    if stamp.mode & !PRIVATE != 0 {
        let _ = fs::remove_file(path);
        return Err(AdminError::Open { path: path.to_owned(), mode: stamp.mode });
    }
    socket.listen(BACKLOG).map_err(io)?;
    socket.set_nonblocking(true).map_err(io)?;
    Ok((UnixListener::from(OwnedFd::from(socket)), stamp))
}

/// Takes away what a process that was killed has left; leaves everything else.
fn clear_the_way(path: &Path) -> Result<(), AdminError> {
    let io = |reason| AdminError::Io { path: path.to_owned(), reason };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(error)),
        Ok(about) if !about.file_type().is_socket() => Err(AdminError::NoSocket { path: path.to_owned() }),
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => Err(AdminError::InUse { path: path.to_owned() }),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(io),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(io(error)),
        },
    }
}
