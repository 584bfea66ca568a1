//! What a run would have cost on AWS: counts times prices, by service.
//!
//! Prices come from a dated file with their sources; [`Prices::built_in`] is the one in `src/pipeline/prices`. An
//! estimate, not an invoice: no free tier, no discounts, nothing for logs, databases or what a result is read for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use weir_store::{Operation, Stats};

use super::cloud::Totals;
use crate::report::Cost;

/// S3 counts a GB of storage as 2^30 bytes, as Lambda does its memory.
const GIB: f64 = (1_u64 << 30) as f64;

/// Prices of one region at one date, in dollars of the United States.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// AWS region.
    pub region: String,
    /// Year and month in which they were written down.
    pub date: String,
    /// 1,000 requests that write or list.
    pub s3_put_per_1000: f64,
    /// 1,000 requests that read.
    pub s3_get_per_1000: f64,
    /// 2^30 bytes kept for a month.
    pub s3_storage_per_gb_month: f64,
    /// 2^30 bytes from the internet.
    pub data_in_per_gb: f64,
    /// An execution second with 2^30 bytes of memory.
    pub lambda_per_gb_second: f64,
    /// 1,000,000 executions.
    pub lambda_per_million_requests: f64,
}

impl Prices {
    /// The prices that come with this program.
    pub fn built_in() -> Self {
        #[expect(clippy::expect_used, reason = "part of the program, and tested")]
        Self::parse(include_str!("prices/2026-11.toml")).expect("the built-in prices are whole")
    }

    /// Reads a price file; all prices must be there.
    ///
    /// # Errors
    /// No TOML, or a price that is missing or unknown.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// What was used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Requests that write or list.
    pub put_requests: u64,
    /// Requests that read.
    pub get_requests: u64,
    /// Bytes kept for a month.
    pub stored_bytes: u64,
    /// Bytes that came in.
    pub bytes_in: u64,
    /// Executions.
    pub executions: u64,
    /// Memory times billed time, in GB (2^30 bytes) times seconds.
    pub gb_seconds: f64,
}

impl Usage {
    /// What the store and the pipeline counted. `stored_bytes` are those of all objects at the end, as if kept for a
    /// month; `memory_mb` is that of an instance.
    pub fn of(stats: &Stats, stored_bytes: u64, totals: &Totals, memory_mb: u32) -> Self {
        let of_class = |class: Class| {
            let mine = stats.answers.iter().filter(|((operation, status), _)| {
                // S3 does not charge for its own faults.
                class_of(*operation) == class && *status < 500
            });
            mine.map(|(_, count)| count).sum()
        };
        Self {
            put_requests: of_class(Class::Put),
            get_requests: of_class(Class::Get),
            stored_bytes,
            bytes_in: stats.bytes_in,
            executions: totals.executions,
            gb_seconds: gb_seconds(totals.billed, memory_mb),
        }
    }
}

/// Memory times time. The reference pipeline: 6,200 MB for 19.9 s are 120.5 GB-s.
pub fn gb_seconds(billed: Duration, memory_mb: u32) -> f64 {
    f64::from(memory_mb) / 1024.0 * billed.as_secs_f64()
}

/// The estimate, by service.
pub fn estimate(prices: &Prices, usage: &Usage) -> Cost {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and bytes far below 2^52, and an estimate"
    )]
    let times = |count: u64, price: f64, each: f64| count as f64 / each * price;
    let by_service: BTreeMap<String, f64> = [
        (
            "S3 requests",
            times(usage.put_requests, prices.s3_put_per_1000, 1000.0)
                + times(usage.get_requests, prices.s3_get_per_1000, 1000.0),
        ),
        (
            "S3 storage, one month",
            times(usage.stored_bytes, prices.s3_storage_per_gb_month, GIB),
        ),
        ("Data in", times(usage.bytes_in, prices.data_in_per_gb, GIB)),
        (
            "Lambda",
            usage.gb_seconds * prices.lambda_per_gb_second
                + times(usage.executions, prices.lambda_per_million_requests, 1e6),
        ),
    ]
    .map(|(service, dollars)| (service.to_owned(), dollars))
    .into();
    Cost {
        total: by_service.values().sum(),
        by_service,
        prices: format!("{}, {}", prices.region, prices.date),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Put,
    Get,
    Free,
}

/// Which price a request has: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/aws-usage-report-understand.html>.
const fn class_of(operation: Operation) -> Class {
    match operation {
        Operation::AbortMultipartUpload
        | Operation::DeleteBucket
        | Operation::DeleteObject
        | Operation::DeleteObjects => Class::Free,
        Operation::CompleteMultipartUpload
        | Operation::CopyObject
        | Operation::CreateBucket
        | Operation::CreateMultipartUpload
        | Operation::ListBuckets
        | Operation::ListMultipartUploads
        | Operation::ListObjects
        | Operation::ListObjectsV2
        | Operation::ListParts
        | Operation::PutObject
        | Operation::UploadPart => Class::Put,
        Operation::GetBucketLocation
        | Operation::GetObject
        | Operation::HeadBucket
        | Operation::HeadObject
        | Operation::Other => Class::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The experiment of `hydrocam/scalability-test`: 19,696 executions of 19.908 s on average, with 6,200 MB.
    #[test]
    fn the_reference_experiment_costs_two_tenths_of_a_cent_an_image() {
        let billed = Duration::from_millis(19_908) * 19_696;
        let each = gb_seconds(billed, 6200) / 19_696.0;
        assert!((each - 120.5).abs() < 0.1, "{each} GB-s");
        let totals = Totals {
            executions: 19_696,
            billed,
            ..Totals::default()
        };
        let stats = Stats {
            answers: [((Operation::PutObject, 200), 19_696)].into(),
            bytes_in: 19_696 * 1_000_000,
            ..Stats::default()
        };
        let usage = Usage::of(&stats, 0, &totals, 6200);
        let cost = estimate(&Prices::built_in(), &usage);
        let of = |service: &str| cost.by_service[service];
        assert!((of("Lambda") - (39.568 + 0.0039)).abs() < 0.01, "{cost:?}");
        assert!((of("S3 requests") - 0.1083).abs() < 0.0001, "{cost:?}");
        assert!(of("Data in").abs() < 1e-12);
        let sum: f64 = cost.by_service.values().sum();
        assert!((cost.total - sum).abs() < 1e-9);
        assert_eq!(cost.prices, "us-west-1, 2026-11");
    }

    #[test]
    fn requests_are_charged_by_kind_and_the_stores_own_faults_are_not() {
        let stats = Stats {
            answers: [
                ((Operation::PutObject, 200), 10),
                ((Operation::PutObject, 412), 5),
                ((Operation::PutObject, 503), 1000),
                ((Operation::UploadPart, 200), 3),
                ((Operation::HeadObject, 200), 7),
                ((Operation::HeadObject, 404), 1),
                ((Operation::DeleteObject, 204), 99),
            ]
            .into(),
            ..Stats::default()
        };
        let usage = Usage::of(&stats, 1 << 30, &Totals::default(), 128);
        assert_eq!((usage.put_requests, usage.get_requests), (18, 8));
        let cost = estimate(&Prices::built_in(), &usage);
        let expected = 18.0 * 0.000_005_5 + 8.0 * 0.000_000_44;
        assert!((cost.by_service["S3 requests"] - expected).abs() < 1e-12);
        assert!((cost.by_service["S3 storage, one month"] - 0.026).abs() < 1e-12);
    }

    #[test]
    fn a_price_file_that_is_not_whole_is_refused() {
        let whole = include_str!("prices/2026-11.toml");
        assert!(Prices::parse(whole).is_ok());
        let part = whole.replace("data_in_per_gb", "data_out_per_gb");
        assert!(Prices::parse(&part).is_err());
        let more = format!("{whole}\nx = 1\n");
        assert!(Prices::parse(&more).is_err());
    }
}
