//! What the service manager is told: ready, reloading, stopping, and that the node's task is alive. Without one, nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// Tells the service manager. That nobody listens is no failure of ours.
pub fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// Tells that the configuration is being read again; [`NotifyState::Ready`] ends that.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "no monotonic time for the service manager"),
    }
}

/// How often the service manager wants a sign of life: twice in the time after which it takes us for dead.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| (limit / 2).max(Duration::from_millis(1)))
}
