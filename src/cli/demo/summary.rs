//! What a demo has measured: a histogram a step, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Latencies by step.
#[derive(Debug, Default)]
pub struct Latencies {
    steps: BTreeMap<(usize, &'static str), Histogram<u64>>,
    order: Vec<&'static str>,
}

impl Latencies {
    /// Notes one latency. Up to a minute is told apart, to three digits.
    pub fn record(&mut self, step: &'static str, took: Duration) {
        const MINUTE: u64 = 60_000_000;
        let at = self.order.iter().position(|known| *known == step).unwrap_or_else(|| {
            self.order.push(step);
            self.order.len() - 1
        });
        let histogram = match self.steps.entry((at, step)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let Ok(histogram) = Histogram::new_with_bounds(1, MINUTE, 3) else { return };
                entry.insert(histogram)
            }
        };
        histogram.saturating_record(took.as_micros() as u64);
    }

    /// The table, in milliseconds.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<34}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}\n",
            "step, milliseconds", "count", "p50", "p90", "p99", "p99.9", "max"
        );
        for ((_, step), histogram) in &self.steps {
            let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1e3;
            let _ = writeln!(
                text,
                "{step:<34}{:>8}{:>10.2}{:>10.2}{:>10.2}{:>10.2}{:>10.2}",
                histogram.len(),
                at(0.5),
                at(0.9),
                at(0.99),
                at(0.999),
                histogram.max() as f64 / 1e3
            );
        }
        text
    }

    /// The same as JSON, in microseconds.
    #[must_use]
    pub fn json(&self) -> Value {
        let steps = self.steps.iter().map(|((_, step), histogram)| {
            json!({
                "step": step.split_whitespace().collect::<Vec<_>>().join(" "),
                "count": histogram.len(),
                "p50_us": histogram.value_at_quantile(0.5),
                "p90_us": histogram.value_at_quantile(0.9),
                "p99_us": histogram.value_at_quantile(0.99),
                "p999_us": histogram.value_at_quantile(0.999),
                "max_us": histogram.max(),
            })
        });
        Value::Array(steps.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_in_the_order_met() {
        let mut latencies = Latencies::default();
        latencies.record("second in the alphabet", Duration::from_millis(2));
        latencies.record("first", Duration::from_micros(1500));
        latencies.record("first", Duration::from_secs(3600));
        let table = latencies.table();
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[1].starts_with("second") && lines[2].starts_with("first"), "{table}");
        assert_eq!(latencies.json()[1]["count"], 2);
        assert_eq!(latencies.json()[0]["p50_us"], 2000);
    }
}
