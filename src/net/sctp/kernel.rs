//! SCTP sockets of the kernel.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::net::{Association, Backend, Listener, NetError, Options};

/// Whether the kernel gives SCTP sockets; if not, why.
///
/// # Errors
/// A sentence for the log.
pub fn probe() -> Result<(), String> {
    // sctp-rs 0.3.1 does not look at what socket() answers and reports EBADF for everything: ask first.
    // SAFETY: no pointer is passed, and the descriptor is closed at once.
    let fd = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP) };
    if fd >= 0 {
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(fd) };
        return Ok(());
    }
    let error = std::io::Error::last_os_error();
    Err(match error.raw_os_error() {
        Some(libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT) => {
            format!("the kernel has no SCTP, or its module is not loaded ({error}); try: modprobe sctp")
        }
        _ => format!("the kernel refuses an SCTP socket ({error})"),
    })
}

/// Placeholder until the next step.
pub fn listen(local: SocketAddr, _options: Arc<Options>) -> Result<Listener, NetError> {
    Err(NetError::Unavailable { backend: Backend::KernelSctp, reason: local.to_string() })
}

/// Placeholder until the next step.
pub async fn connect(
    _local: Option<SocketAddr>,
    remote: SocketAddr,
    _options: Arc<Options>,
) -> Result<Association, NetError> {
    Err(NetError::Unavailable { backend: Backend::KernelSctp, reason: remote.to_string() })
}
