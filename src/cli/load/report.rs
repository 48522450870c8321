//! The figures of a load, as a table and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;

use super::engine::Tally;
use crate::avp::dictionary::{Declared as _, ExperimentalResultCode, ResultCode};
use crate::interfaces::names;
use crate::message::json;

/// The version of the JSON object. A key that changes its meaning or goes away raises it; a new key does not.
const JSON_VERSION: u32 = 1;

pub const QUANTILES: [(&str, f64); 6] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999), ("max", 1.0)];

/// The longest bar of the histogram.
const BAR: u64 = 50;

/// All that is told of a load.
pub struct Report {
    pub tally: Tally,
    /// What our connections took of the processor.
    pub cpu: Duration,
    /// Who answered, and over what.
    pub peer: String,
    pub connections: u64,
    pub outstanding: usize,
    pub rate: Option<f64>,
    /// From the first call to the last parting.
    pub wall: Duration,
}

impl Report {
    /// Whether every request left in its time and was answered.
    pub fn is_good(&self) -> bool {
        self.tally.lost() == 0 && self.tally.overdue == 0 && self.tally.end.is_none()
    }

    /// Answers a second.
    fn throughput(&self) -> f64 {
        let seconds = self.tally.elapsed.as_secs_f64();
        if seconds > 0.0 { self.tally.answered as f64 / seconds } else { 0.0 }
    }

    fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.tally.answered.max(1) as f64
    }

    /// The table.
    pub fn text(&self) -> String {
        let tally = &self.tally;
        let mut out = String::new();
        let many = if self.connections == 1 { "connection" } else { "connections" };
        let pace = match self.rate {
            Some(rate) => format!("{} requests a second", number(rate)),
            None => "as fast as answers come".to_owned(),
        };
        let _ = writeln!(
            out,
            "{}, {} {many}, {pace}, at most {} waiting on each\n",
            self.peer, self.connections, self.outstanding
        );
        let _ = writeln!(
            out,
            "requests     {} sent, {} answered, {} not",
            number(tally.sent as f64),
            number(tally.answered as f64),
            number(tally.lost() as f64)
        );
        for (count, words) in [
            (tally.timed_out, "had no answer in time"),
            (tally.cut_off, "waited when the connection ended"),
            (
                tally.overdue,
                "were due and never left: the peer or this machine did not keep up; more --outstanding helps a slow path",
            ),
            (tally.stray, "answers came too late or unasked"),
        ] {
            if count > 0 {
                let _ = writeln!(out, "             {} {words}", number(count as f64));
            }
        }
        if let Some(end) = &tally.end {
            let _ = writeln!(out, "             a connection ended: {end}");
        }
        let _ = writeln!(out, "throughput   {} answers a second", number(self.throughput()));
        let _ = writeln!(
            out,
            "processor    {:.2} s of ours, {:.1} us for each answer",
            self.cpu.as_secs_f64(),
            self.cpu_each()
        );
        for (at, (result, count)) in self.results().into_iter().enumerate() {
            let head = if at == 0 { "results" } else { "" };
            let share = count as f64 * 100.0 / tally.answered.max(1) as f64;
            let _ = writeln!(out, "{head:<12} {}  {} ({share:.1} %)", name_of(result), number(count as f64));
        }
        if tally.answered > 0 {
            self.latency_table(&mut out);
            histogram(&tally.latency, &mut out);
        }
        out
    }

    fn latency_table(&self, out: &mut String) {
        let (latency, service) = (&self.tally.latency, &self.tally.service);
        let paced = self.rate.is_some();
        let head = if paced { "  from when due   from sending" } else { "  from sending" };
        let _ = writeln!(out, "\nlatency    {head}");
        let mut row = |name: &str, of: &dyn Fn(&Histogram<u64>) -> f64| {
            let _ = write!(out, "  {name:<9}{:>12}", milliseconds(of(latency)));
            if paced {
                let _ = write!(out, "{:>17}", milliseconds(of(service)));
            }
            out.push('\n');
        };
        row("min", &|histogram| histogram.min() as f64);
        row("mean", &|histogram| histogram.mean());
        for (name, quantile) in QUANTILES {
            row(name, &|histogram| histogram.value_at_quantile(quantile) as f64);
        }
    }

    /// The results, the frequent first.
    fn results(&self) -> Vec<(Option<(u32, u32)>, u64)> {
        let mut results = self.tally.results.clone();
        results.sort_by_key(|(result, count)| (std::cmp::Reverse(*count), *result));
        results
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let tally = &self.tally;
        let mut out = format!(r#"{{"v":{JSON_VERSION},"peer":"#);
        json::write_text(&self.peer, &mut out);
        let _ = write!(out, r#","connections":{},"outstanding":{},"rate":"#, self.connections, self.outstanding);
        match self.rate {
            Some(rate) => {
                let _ = write!(out, "{rate}");
            }
            None => out.push_str("null"),
        }
        let _ = write!(
            out,
            r#","seconds":{:.6},"wall_seconds":{:.6},"sent":{},"answered":{},"unanswered":{{"timeout":{},"connection_ended":{}}},"never_sent":{},"stray":{},"connection_end":"#,
            tally.elapsed.as_secs_f64(),
            self.wall.as_secs_f64(),
            tally.sent,
            tally.answered,
            tally.timed_out,
            tally.cut_off,
            tally.overdue,
            tally.stray
        );
        match &tally.end {
            Some(end) => json::write_text(end, &mut out),
            None => out.push_str("null"),
        }
        let _ = write!(
            out,
            r#","throughput":{:.3},"cpu_seconds":{:.6},"cpu_us_per_answer":{:.3},"results":["#,
            self.throughput(),
            self.cpu.as_secs_f64(),
            self.cpu_each()
        );
        for (at, (result, count)) in self.results().into_iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            match result {
                Some((vendor, code)) => {
                    let _ = write!(out, r#"{{"vendor":{vendor},"code":{code},"name":"#);
                    match result_name(vendor, code) {
                        Some(name) => json::write_text(name, &mut out),
                        None => out.push_str("null"),
                    }
                }
                None => out.push_str(r#"{"vendor":null,"code":null,"name":null"#),
            }
            let _ = write!(out, r#","count":{count}}}"#);
        }
        out.push(']');
        for (name, histogram) in [("latency_us", &tally.latency), ("latency_from_sending_us", &tally.service)] {
            let _ = write!(
                out,
                r#","{name}":{{"min":{:.3},"mean":{:.3},"stdev":{:.3}"#,
                histogram.min() as f64 / 1e3,
                histogram.mean() / 1e3,
                histogram.stdev() / 1e3
            );
            for (name, quantile) in QUANTILES {
                let _ = write!(out, r#","{name}":{:.3}"#, histogram.value_at_quantile(quantile) as f64 / 1e3);
            }
            out.push('}');
        }
        out.push_str(r#","histogram":["#);
        for (at, (upper, count)) in steps(&tally.latency).into_iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(out, r#"{comma}{{"up_to_us":{:.3},"count":{count}}}"#, upper as f64 / 1e3);
        }
        out.push_str("]}\n");
        out
    }
}

fn result_name(vendor: u32, code: u32) -> Option<&'static str> {
    let definition = if vendor == 0 { ResultCode::DEFINITION } else { ExperimentalResultCode::DEFINITION };
    definition.value_name(i64::from(code))
}

fn name_of(result: Option<(u32, u32)>) -> String {
    let Some((vendor, code)) = result else { return "no result".to_owned() };
    let name = result_name(vendor, code).unwrap_or("unnamed");
    match (vendor, names::vendor_name(vendor)) {
        (0, _) => format!("{code} {name}"),
        (_, Some(vendor)) => format!("{code} {name} of {vendor}"),
        (vendor, None) => format!("{code} of vendor {vendor}"),
    }
}

/// The latencies in steps of two, from the first that holds one to the last: upper bound in nanoseconds, and count.
fn steps(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = Vec::new();
    for step in histogram.iter_log(1000, 2.0) {
        found.push((step.value_iterated_to() + 1, step.count_since_last_iteration()));
    }
    let first = found.iter().position(|(_, count)| *count > 0).unwrap_or(0);
    found.split_off(first)
}

fn histogram(latency: &Histogram<u64>, out: &mut String) {
    let steps = steps(latency);
    let most = steps.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    out.push('\n');
    for (upper, count) in steps {
        let length = (count * BAR).div_ceil(most) as usize;
        let bar: String = std::iter::repeat_n('#', length).collect();
        let _ = writeln!(out, "  up to {:>10}  {bar:<51}{}", milliseconds(upper as f64), number(count as f64));
    }
}

pub fn milliseconds(nanoseconds: f64) -> String {
    format!("{:.3} ms", nanoseconds / 1e6)
}

/// A number with its thousands apart.
pub fn number(value: f64) -> String {
    let rounded = if value.fract() == 0.0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    let (whole, rest) = rounded.split_once('.').map_or((rounded.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !rest.is_empty() {
        out.push('.');
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut tally = Tally::new().unwrap();
        (tally.sent, tally.answered, tally.timed_out) = (1200, 1199, 1);
        tally.elapsed = Duration::from_secs(2);
        tally.results = vec![(Some((10_415, 5001)), 199), (Some((0, 2001)), 1000)];
        for answer in 1..1200_u64 {
            tally.latency.saturating_record(answer * 1000);
            tally.service.saturating_record(500_000);
        }
        Report {
            tally,
            cpu: Duration::from_millis(12),
            peer: "hss.example (x) over TCP".to_owned(),
            connections: 1,
            outstanding: 64,
            rate: Some(600.0),
            wall: Duration::from_secs(3),
        }
    }

    #[test]
    fn the_table_tells_what_was_lost_and_how_long_it_took() {
        let report = report();
        let text = report.text();
        for line in [
            "requests     1,200 sent, 1,199 answered, 1 not",
            "             1 had no answer in time",
            "throughput   600 answers a second",
            "results      2001 DIAMETER_SUCCESS  1,000 (83.4 %)",
            "             5001 DIAMETER_ERROR_USER_UNKNOWN of 3GPP  199 (16.6 %)",
            "  p50          0.600 ms         0.500 ms",
        ] {
            assert!(text.lines().any(|it| it.starts_with(line)), "{line}\nis missing in\n{text}");
        }
        assert!(!report.is_good());
    }

    #[test]
    fn the_json_can_be_read() {
        let value: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!((&value["answered"], &value["unanswered"]["timeout"]), (&1199.into(), &1.into()));
        assert_eq!(value["results"][0]["name"], "DIAMETER_SUCCESS");
        let counted: u64 =
            value["histogram"].as_array().unwrap().iter().map(|step| step["count"].as_u64().unwrap()).sum();
        assert_eq!(counted, 1199);
    }

    #[test]
    fn thousands_stand_apart() {
        let numbers = [(0.0, "0"), (999.0, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567"), (12.34, "12.3")];
        for (value, text) in numbers {
            assert_eq!(number(value), text);
        }
    }
}
