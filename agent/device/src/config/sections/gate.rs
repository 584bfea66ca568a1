//! `[gate]`: when images may leave the device, and which goes first.

use std::num::NonZeroU64;

use weir_journey::gate::{Order, Window, Windows};

use super::{DAY, Ramp, bound};
use crate::config::form::{integer, list, rate, size, text, word};
use crate::config::reader::Reader;

/// When images may leave the device, and which goes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Which image goes first.
    pub order: Order,
    /// Uploads under way at once, at least 1.
    pub max_in_flight: usize,
    /// The same of one site; from 1 to `max_in_flight`.
    pub max_in_flight_per_site: usize,
    /// When uploads may start, in the site's time; empty for always.
    pub windows: Windows,
    /// Most bytes a second, all uploads together; `None` for no bound.
    pub bandwidth: Option<NonZeroU64>,
    /// Most bytes a day of the site's time, per site; `None` for no bound.
    pub daily_budget: Option<NonZeroU64>,
    /// Failures in a row that open the circuit breaker, at least 1.
    pub breaker_failures: u32,
    /// Waits between the probes of an open breaker.
    pub probe: Ramp,
}

pub(in crate::config) fn read(reader: &mut Reader<'_>) -> Gate {
    let order = word(&[("freshest", Order::Freshest), ("oldest", Order::Oldest)]);
    let window = || text::<Window>("hours with or without days, such as \"mon-fri 22:00-06:00\"");
    let order = reader.get("gate.order", order);
    let max_in_flight = reader.get("gate.max_in_flight", integer(1..=1024)) as usize;
    let per_site = reader.get("gate.max_in_flight_per_site", integer(1..=1024)) as usize;
    Gate {
        order,
        max_in_flight,
        max_in_flight_per_site: per_site.min(max_in_flight),
        windows: Windows(reader.get("gate.windows", list(window()))),
        bandwidth: bound(reader.get("gate.bandwidth", rate(1024).or("unlimited"))),
        daily_budget: bound(
            reader.get("gate.daily_budget", size(1 << 10..=1 << 50).or("unlimited")),
        ),
        breaker_failures: reader.get("gate.breaker_failures", integer(1..=1000)),
        probe: reader.ramp("gate.probe_first", "gate.probe_max", DAY),
    }
}
