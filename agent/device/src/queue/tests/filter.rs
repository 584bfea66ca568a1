//! Lists against a model: what SQLite picks is what a predicate on the rows picks, in the order asked for.

use std::ops::ControlFlow;

use proptest::prelude::*;
use weir_journey::stamp::{Confidence, Source, Warning};

use super::*;
use crate::queue::{Bound, Sorted};

/// A row as the model knows it.
#[derive(Debug, Clone)]
struct Row {
    site: u8,
    captured_ms: i64,
    offset_s: i32,
    source: Source,
    confidence: Confidence,
    warnings: Vec<&'static str>,
    folder: &'static str,
    dated: bool,
}

const SITES: [&str; 3] = ["north", "south", "first-dam"];
const CODES: [&str; 3] = ["disagreement", "reset-clock", "exif-unreadable"];

/// A warning of this code, as the stamp step writes it.
fn warning(code: &str) -> Warning {
    let source = Source::Exif;
    match code {
        "disagreement" => Warning::Disagreement {
            other: source,
            seconds: 3600,
        },
        "reset-clock" => Warning::ResetClock { source },
        _ => Warning::ExifUnreadable,
    }
}

fn source() -> impl Strategy<Value = Source> {
    prop::sample::select(vec![Source::Exif, Source::Filename, Source::Mtime])
}

fn confidence() -> impl Strategy<Value = Confidence> {
    prop::sample::select(vec![Confidence::High, Confidence::Medium, Confidence::Low])
}

fn row() -> impl Strategy<Value = Row> {
    (
        0_u8..3,
        0_i64..20,
        prop::sample::select(vec![-7 * 3600, 0, 3600]),
        source(),
        confidence(),
        prop::sample::subsequence(CODES.to_vec(), 0..3),
        prop::sample::select(vec!["/cam/a", "/cam/b[1]", "/card/DCIM"]),
        any::<bool>(),
    )
        .prop_map(
            |(site, hours, offset_s, source, confidence, warnings, folder, dated)| Row {
                site,
                captured_ms: hours * 3_600_000,
                offset_s,
                source,
                confidence,
                warnings,
                folder,
                dated,
            },
        )
}

fn bound() -> impl Strategy<Value = Option<Bound>> {
    prop::option::of((any::<bool>(), 0_i64..20).prop_map(|(shown, hours)| {
        let ms = hours * 3_600_000;
        if shown {
            Bound::Shown(ms)
        } else {
            Bound::Moment(ms)
        }
    }))
}

fn filter() -> impl Strategy<Value = Filter> {
    let capture = (
        prop::option::weighted(0.2, source()),
        prop::option::weighted(0.2, confidence()),
        prop::bool::weighted(0.2),
        prop::option::weighted(0.2, prop::sample::select(CODES.to_vec())),
    );
    let rest = (
        prop::sample::subsequence(SITES.to_vec(), 0..3),
        prop::sample::subsequence(
            vec![
                State::Queued,
                State::Uploading,
                State::Verified,
                State::Parked,
            ],
            0..4,
        ),
        bound(),
        bound(),
        prop::option::weighted(
            0.3,
            prop::sample::select(vec!["/cam/*", "*/DCIM/*", "/cam/b[[]1]/?.jpg", "*.png"]),
        ),
        prop::option::weighted(0.2, prop::sample::select(vec!["north/", "first", "x"])),
        prop::sample::select(vec![Sorted::Accepted, Sorted::Newest, Sorted::Oldest]),
    );
    (capture, rest).prop_map(
        |(
            (source, confidence, doubtful, warning),
            (sites, states, since, until, path, key, order),
        )| {
            Filter {
                sites: sites.into_iter().map(site_name).collect(),
                states,
                since,
                until,
                source,
                confidence,
                doubtful,
                warning: warning.map(str::to_owned),
                path: path.map(str::to_owned),
                key: key.map(str::to_owned),
                failed: false,
                after: None,
                order,
            }
        },
    )
}

/// What a person would say of a row: the model of the filter.
fn wanted(filter: &Filter, row: &Row, image: &Image) -> bool {
    let key = image.target.as_ref().map(|(_, key)| key.as_str());
    let within = |bound: Option<Bound>, least: bool| {
        let (ours, theirs) = match bound {
            None => return true,
            Some(Bound::Moment(ms)) => (row.captured_ms, ms),
            Some(Bound::Shown(ms)) => (row.captured_ms + 1000 * i64::from(row.offset_s), ms),
        };
        if least { ours >= theirs } else { ours < theirs }
    };
    let path = image.place.path.to_str().unwrap();
    let globbed = |glob: &str| match glob {
        "/cam/*" => path.starts_with("/cam/"),
        "*/DCIM/*" => path.contains("/DCIM/"),
        "/cam/b[[]1]/?.jpg" => path.starts_with("/cam/b[1]/") && path.len() == 15,
        _ => false,
    };
    (filter.sites.is_empty() || filter.sites.contains(&image.site_name))
        && (filter.states.is_empty() || filter.states.contains(&image.state))
        && within(filter.since, true)
        && within(filter.until, false)
        && filter.source.is_none_or(|source| source == row.source)
        && filter
            .confidence
            .is_none_or(|confidence| confidence == row.confidence)
        && (!filter.doubtful || row.confidence == Confidence::Low || !row.dated)
        && filter
            .warning
            .as_ref()
            .is_none_or(|code| row.warnings.contains(&code.as_str()))
        && filter.path.as_ref().is_none_or(|glob| globbed(glob))
        && filter
            .key
            .as_ref()
            .is_none_or(|prefix| key.is_some_and(|key| key.starts_with(prefix)))
}

async fn listed(queue: &Queue, filter: &Filter) -> Vec<Image> {
    let mut images = Vec::new();
    let each = |image| {
        images.push(image);
        ControlFlow::Continue(())
    };
    queue.view().list(filter.clone(), each).await.unwrap();
    images
}

async fn fill(bench: &Bench, rows: &[Row]) {
    let mut sites = Vec::new();
    for name in SITES {
        sites.push(bench.queue.site_id(site_name(name)).await.unwrap());
    }
    for (number, row) in (0_u8..).zip(rows) {
        let site = sites[usize::from(row.site)];
        let warnings: Vec<_> = row.warnings.iter().copied().map(warning).collect();
        let mut new = image(site, number);
        new.place.path = format!("{}/{}.jpg", row.folder, number % 10).into();
        new.captured_ms = row.captured_ms;
        new.offset_s = row.offset_s;
        new.dated = row.dated;
        new.capture = serde_json::json!({
            "source": row.source, "confidence": row.confidence, "warnings": warnings,
        })
        .to_string();
        bench.queue.accept(new).await.unwrap();
    }
    // Some are claimed, and some of those are done.
    for site in sites {
        let named = |image: &Image| {
            (
                "bucket".to_owned(),
                format!("{}/{}", image.site_name, image.id.0),
            )
        };
        let claimed = bench
            .queue
            .claim(site, Order::Oldest, 4, named)
            .await
            .unwrap();
        for dossier in claimed.into_iter().skip(2) {
            bench
                .queue
                .verified(dossier.image.id, stored())
                .await
                .unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_list_is_what_its_conditions_say(
        rows in prop::collection::vec(row(), 0..24),
        filters in prop::collection::vec(filter(), 8),
    ) {
        block_on(async {
            let bench = Bench::new().await;
            fill(&bench, &rows).await;
            let all = listed(&bench.queue, &Filter::default()).await;
            assert_eq!(all.len(), rows.len());
            for filter in filters {
                let mut expected: Vec<_> = all
                    .iter()
                    .filter(|image| wanted(&filter, &rows[usize::from(image.sha256.0[0])], image))
                    .map(|image| (image.captured_ms, image.id))
                    .collect();
                match filter.order {
                    Sorted::Accepted => {}
                    Sorted::Oldest => expected.sort(),
                    Sorted::Newest => {
                        expected.sort();
                        expected.reverse();
                    }
                }
                let found = listed(&bench.queue, &filter).await;
                let found: Vec<_> = found.iter().map(|image| (image.captured_ms, image.id)).collect();
                assert_eq!(found, expected, "{filter:?}");
            }
        });
    }
}

#[tokio::test]
async fn a_row_whose_record_is_no_json_costs_only_itself() {
    let bench = Bench::new().await;
    bench.accept(1).await;
    bench.accept(2).await;
    bench
        .backdoor()
        .execute(
            "UPDATE images SET capture = 'torn {' WHERE sha256 = (SELECT min(sha256) FROM images)",
            (),
        )
        .unwrap();
    let filter = Filter {
        doubtful: true,
        warning: Some("disagreement".to_owned()),
        ..Filter::default()
    };
    assert_eq!(listed(&bench.queue, &filter).await, []);
    assert_eq!(listed(&bench.queue, &Filter::default()).await.len(), 2);
}
