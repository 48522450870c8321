//! Embedded SCTP beside the stack it is made of: echoes of message b's size over UDP on loopback, 64 outstanding.
//!
//! `bare` is `sctp-proto` in the least loop that works, `ours` the transport as a node uses it. They take turns, round by
//! round, in one run; what counts is the ratio of the medians. CPU time is that of the whole process, both ends.
//!
//!     cargo run --release --manifest-path benches/Cargo.toml --bin sctp-echo [-- SECONDS_A_TURN [ROUNDS [OUTSTANDING]]]

mod bare;
mod ours;

use std::time::Duration;

/// Octets of a message and of its echo.
const LENGTH: usize = 380;
const STREAMS: u16 = 16;

/// What a turn came to.
#[derive(Clone, Copy)]
struct Turn {
    echoes: u64,
    wall: f64,
    cpu: f64,
}

impl Turn {
    fn rate(self) -> f64 {
        self.echoes as f64 / self.wall
    }

    /// Microseconds of both ends an echo.
    fn cpu(self) -> f64 {
        self.cpu * 1e6 / self.echoes as f64
    }
}

/// Counts echoes after a warm-up and says when to stop.
struct Meter {
    turn: Duration,
    warm: u64,
    begun: Option<(std::time::Instant, f64)>,
    echoes: u64,
}

impl Meter {
    fn new(turn: Duration) -> Self {
        Self { turn, warm: 5_000, begun: None, echoes: 0 }
    }

    /// An echo has come; `Some` ends the turn.
    fn echo(&mut self) -> Option<Turn> {
        self.echoes += 1;
        match self.begun {
            None if self.echoes >= self.warm => {
                self.begun = Some((std::time::Instant::now(), cpu_time()));
                self.echoes = 0;
                None
            }
            Some((begun, cpu)) if self.echoes.is_multiple_of(1024) && begun.elapsed() >= self.turn => {
                Some(Turn { echoes: self.echoes, wall: begun.elapsed().as_secs_f64(), cpu: cpu_time() - cpu })
            }
            _ => None,
        }
    }
}

/// Seconds of processor time of this process, user and system.
fn cpu_time() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the structure outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn main() {
    let number = |at: usize, default: f64| {
        std::env::args().nth(at).map_or(default, |text| text.parse().expect("numbers: SECONDS ROUNDS OUTSTANDING"))
    };
    let turn = Duration::from_secs_f64(number(1, 2.0));
    let rounds = number(2, 5.0) as usize;
    let outstanding = number(3, 64.0) as u64;
    println!("{LENGTH} octets, {outstanding} outstanding, {rounds} rounds of {turn:?} each; CPU is of both ends\n");
    let row = |name: &str, bare: fn(u64, Duration) -> Turn, ours: fn(u64, Duration) -> Turn| {
        let turns: Vec<(Turn, Turn)> =
            (0..rounds).map(|_| (bare(outstanding, turn), ours(outstanding, turn))).collect();
        let of = |figure: &dyn Fn(&(Turn, Turn)) -> f64| median(turns.iter().map(figure).collect());
        let rates = (of(&|turns| turns.0.rate()), of(&|turns| turns.1.rate()));
        let cpus = (of(&|turns| turns.0.cpu()), of(&|turns| turns.1.cpu()));
        println!("{name}");
        println!("  bare {:>9.0} echoes/s {:>7.2} us CPU an echo", rates.0, cpus.0);
        println!("  ours {:>9.0} echoes/s {:>7.2} us CPU an echo", rates.1, cpus.1);
        println!(
            "  ours is {:.0} % of the bare rate, {:.0} % of its CPU\n",
            rates.1 / rates.0 * 100.0,
            cpus.1 / cpus.0 * 100.0
        );
    };
    row("both ends in one thread", bare::one_thread, ours::one_thread);
    row("a thread for each end", bare::two_threads, ours::two_threads);
    row("ours: one runtime of two threads; bare: a thread for each end", bare::two_threads, ours::one_runtime);
}
