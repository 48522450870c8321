//! The section `[sctp]`.

use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::file::{Wrong, seconds};
use crate::net::Options;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SctpSection {
    outgoing_streams: Option<Spanned<u16>>,
    incoming_streams: Option<Spanned<u16>>,
    rto_initial: Option<Spanned<f64>>,
    rto_minimum: Option<Spanned<f64>>,
    rto_maximum: Option<Spanned<f64>>,
    heartbeat_interval: Option<Spanned<f64>>,
    path_retransmissions: Option<Spanned<u16>>,
    association_retransmissions: Option<Spanned<u16>>,
    mtu: Option<Spanned<u16>>,
}

/// How SCTP is to behave: what the section `[sctp]` says, and the defaults of [`Options`] elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sctp {
    outgoing_streams: u16,
    incoming_streams: u16,
    rto_initial: Duration,
    rto_minimum: Duration,
    rto_maximum: Duration,
    heartbeat_interval: Duration,
    path_retransmissions: u16,
    association_retransmissions: u16,
    mtu: u16,
}

impl Default for Sctp {
    /// As without a section.
    fn default() -> Self {
        let Options {
            outgoing_streams,
            incoming_streams,
            rto_initial,
            rto_minimum,
            rto_maximum,
            heartbeat_interval,
            path_retransmissions,
            association_retransmissions,
            mtu,
            ..
        } = Options::default();
        Self {
            outgoing_streams,
            incoming_streams,
            rto_initial,
            rto_minimum,
            rto_maximum,
            heartbeat_interval,
            path_retransmissions,
            association_retransmissions,
            mtu,
        }
    }
}

impl Sctp {
    /// Writes it where transports look.
    pub fn apply(&self, options: &mut Options) {
        let Self { outgoing_streams, incoming_streams, rto_initial, rto_minimum, rto_maximum, .. } = *self;
        let Self { heartbeat_interval, path_retransmissions, association_retransmissions, mtu, .. } = *self;
        (options.outgoing_streams, options.incoming_streams) = (outgoing_streams, incoming_streams);
        (options.rto_initial, options.rto_minimum, options.rto_maximum) = (rto_initial, rto_minimum, rto_maximum);
        options.heartbeat_interval = heartbeat_interval;
        options.path_retransmissions = path_retransmissions;
        options.association_retransmissions = association_retransmissions;
        options.mtu = mtu;
    }
}

impl SctpSection {
    pub(super) fn judge(&self) -> Result<Sctp, Wrong> {
        /// RFC 9260 leaves the RTO to the implementation above the granularity of its clock.
        const LEAST_RTO: f64 = 0.01;
        let default = Options::default();
        let rto_initial = seconds(self.rto_initial.as_ref(), "rto_initial", LEAST_RTO, default.rto_initial)?;
        let rto_minimum = seconds(self.rto_minimum.as_ref(), "rto_minimum", LEAST_RTO, default.rto_minimum)?;
        let rto_maximum = seconds(self.rto_maximum.as_ref(), "rto_maximum", LEAST_RTO, default.rto_maximum)?;
        if rto_minimum > rto_initial || rto_initial > rto_maximum {
            let written = [&self.rto_initial, &self.rto_maximum, &self.rto_minimum];
            let span = written.into_iter().flatten().next().map(Spanned::span);
            let words = format!(
                "rto_minimum {rto_minimum:?}, rto_initial {rto_initial:?} and rto_maximum {rto_maximum:?} are not in this \
                 order"
            );
            return Err((span, words));
        }
        Ok(Sctp {
            outgoing_streams: within(
                &self.outgoing_streams,
                "outgoing_streams",
                1,
                u16::MAX,
                default.outgoing_streams,
            )?,
            incoming_streams: within(
                &self.incoming_streams,
                "incoming_streams",
                1,
                u16::MAX,
                default.incoming_streams,
            )?,
            rto_initial,
            rto_minimum,
            rto_maximum,
            heartbeat_interval: seconds(
                self.heartbeat_interval.as_ref(),
                "heartbeat_interval",
                0.0,
                default.heartbeat_interval,
            )?,
            path_retransmissions: within(
                &self.path_retransmissions,
                "path_retransmissions",
                1,
                255,
                default.path_retransmissions,
            )?,
            association_retransmissions: within(
                &self.association_retransmissions,
                "association_retransmissions",
                1,
                255,
                default.association_retransmissions,
            )?,
            mtu: within(&self.mtu, "mtu", 576, 9000, default.mtu)?,
        })
    }
}

fn within(value: &Option<Spanned<u16>>, key: &str, least: u16, most: u16, default: u16) -> Result<u16, Wrong> {
    let Some(value) = value else { return Ok(default) };
    let number = *value.get_ref();
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err((Some(value.span()), format!("{key} is {number}, expected {least} to {most}")))
}
