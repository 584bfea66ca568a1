//! The table of sites: read whole, and all that is wrong with it told at once, each fault with its line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use weir::config::{BucketName, TimeZoneName};
use weir_journey::identity::SiteName;

use super::super::{Failed, args};
use super::Place;

const COLUMNS: [&str; 4] = ["site", "directory", "timezone", "bucket"];

/// The sites that are asked for.
pub(super) fn sites(asked: &args::Provision) -> Result<Vec<Place>, Failed> {
    let told = |origin: String, faults: Vec<Fault>| {
        let lines = faults.iter().map(|(line, fault)| match line {
            0 => format!("{origin}: {fault}"),
            line => format!("{origin}:{line}: {fault}"),
        });
        Failed::Usage(lines.collect::<Vec<_>>().join("\n"))
    };
    let Some(path) = &asked.table else {
        let rows = (1..=asked.sites.unwrap_or(0)).map(|number| Row {
            site: format!("{}{number}", asked.prefix),
            ..Row::default()
        });
        return places(rows.collect(), asked).map_err(|faults| told("--sites".into(), faults));
    };
    let origin = path.display().to_string();
    let file = File::open(path).map_err(|error| Failed::Usage(format!("{origin}: {error}")))?;
    rows(file)
        .and_then(|rows| places(rows, asked))
        .map_err(|faults| told(origin, faults))
}

/// A line, from 1 (0: none), and what is wrong with it.
type Fault = (u64, String);

/// A row as it is written; empty cells are taken from the options.
#[derive(Debug, Default)]
struct Row {
    line: u64,
    site: String,
    directory: String,
    timezone: String,
    bucket: String,
}

fn rows(from: impl Read) -> Result<Vec<Row>, Vec<Fault>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(from);
    let header = reader
        .headers()
        .map_err(|error| vec![(1, error.to_string())])?;
    let header: Vec<String> = header.iter().map(str::to_owned).collect();
    let unknown = header
        .iter()
        .filter(|name| !COLUMNS.contains(&name.as_str()));
    let mut faults: Vec<Fault> = unknown
        .map(|name| {
            (
                1,
                format!(
                    "there is no column {name:?}: there are {}",
                    COLUMNS.join(", ")
                ),
            )
        })
        .collect();
    let column = |name: &str| header.iter().position(|other| other == name);
    if column("site").is_none() {
        faults.push((1, "the column site is missing".into()));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let cells = matches!(error.kind(), csv::ErrorKind::UnequalLengths { .. });
                let fault = if cells {
                    format!("it must have {} cells, as the line of names", header.len())
                } else {
                    error.to_string()
                };
                faults.push((line, fault));
                continue;
            }
        };
        let cell = |name| {
            let cell = column(name).and_then(|at| record.get(at));
            cell.unwrap_or_default().to_owned()
        };
        rows.push(Row {
            line: record.position().map_or(0, csv::Position::line),
            site: cell("site"),
            directory: cell("directory"),
            timezone: cell("timezone"),
            bucket: cell("bucket"),
        });
    }
    if faults.is_empty() && rows.is_empty() {
        faults.push((0, "there is no site in it".into()));
    }
    if faults.is_empty() {
        Ok(rows)
    } else {
        Err(faults)
    }
}

fn places(rows: Vec<Row>, asked: &args::Provision) -> Result<Vec<Place>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut places: Vec<Place> = Vec::new();
    let (mut names, mut buckets) = (BTreeMap::new(), BTreeMap::new());
    for row in &rows {
        let place = match place(row, asked) {
            Ok(place) => place,
            Err(wrong) => {
                faults.extend(wrong.into_iter().map(|wrong| (row.line, wrong)));
                continue;
            }
        };
        if let Some(line) = names.insert(place.name.to_string(), row.line) {
            let name = &place.name;
            faults.push((
                row.line,
                format!("the site {name} is in line {line} already"),
            ));
        } else if let Some(other) = buckets.insert(place.bucket.to_string(), place.name.to_string())
        {
            let bucket = &place.bucket;
            let fault =
                format!("the bucket {bucket} is that of {other} already: their images would mix");
            faults.push((row.line, fault));
        }
        places.push(place);
    }
    if faults.is_empty() {
        Ok(places)
    } else {
        Err(faults)
    }
}

/// The site of a row, or all that is wrong with it.
fn place(row: &Row, asked: &args::Provision) -> Result<Place, Vec<String>> {
    let mut faults = Vec::new();
    let name = row.site.parse::<SiteName>();
    let name = name
        .map_err(|wrong| faults.push(format!("{:?}: {wrong}", row.site)))
        .ok();
    let directory = or(&row.directory, &asked.directory).replace("{site}", &row.site);
    if !directory.starts_with('/') {
        faults.push(format!("the folder {directory:?} must begin with /"));
    }
    let timezone = match row.timezone.as_str() {
        "" => {
            let zone = asked.timezone.clone();
            zone.ok_or_else(|| {
                "which zone is the camera's clock set to? Fill timezone, or give --timezone".into()
            })
        }
        text => text
            .parse::<TimeZoneName>()
            .map_err(|wrong| format!("{text:?} {wrong}")),
    };
    let timezone = timezone.map_err(|wrong| faults.push(wrong)).ok();
    let bucket = or(&row.bucket, &asked.bucket).replace("{site}", &row.site);
    let bucket = bucket.parse::<BucketName>().map_err(|wrong| {
        faults.push(format!(
            "{bucket:?} {wrong}: it is 3 to 63 of a-z, 0-9, - and ., beginning and ending with a letter or digit"
        ));
    });
    match (name, timezone, bucket.ok()) {
        (Some(name), Some(timezone), Some(bucket)) if faults.is_empty() => Ok(Place {
            name,
            directory,
            timezone,
            bucket,
        }),
        _ => Err(faults),
    }
}

fn or<'a>(cell: &'a str, option: &'a str) -> &'a str {
    if cell.is_empty() { option } else { cell }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::super::super::args::{Cli, Command};
    use super::*;

    fn asked(more: &[&str]) -> args::Provision {
        let words = ["weir-fleet", "provision", "--out", "x", "--table", "t.csv"];
        let matches = super::super::super::command().get_matches_from(words.iter().chain(more));
        match Cli::from_arg_matches(&matches).unwrap().command {
            Command::Provision(asked) => asked,
            other => panic!("{other:?}"),
        }
    }

    fn read(text: &str, more: &[&str]) -> Result<Vec<Place>, Vec<Fault>> {
        rows(text.as_bytes()).and_then(|rows| places(rows, &asked(more)))
    }

    #[test]
    fn empty_cells_are_taken_from_the_options() {
        let table = "site,bucket,timezone\nfirst-dam,,\nweir-2,river-2,UTC\n";
        let sites = read(table, &["--timezone", "Etc/GMT+7"]).unwrap();
        let told = |site: &Place| {
            let Place {
                directory,
                bucket,
                timezone,
                ..
            } = site;
            format!("{directory} {bucket} {timezone}")
        };
        assert_eq!(
            told(&sites[0]),
            "/srv/camera/first-dam first-dam-image Etc/GMT+7"
        );
        assert_eq!(told(&sites[1]), "/srv/camera/weir-2 river-2 UTC");
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let table = "site,timezone,bucket\nFirst Dam,UTC,\nb,Mars/One,\nc,,x\nd,UTC,\nd,UTC,other\ne,UTC,d-image\nf,UTC\n";
        let faults = rows(table.as_bytes()).unwrap_err();
        assert_eq!(
            faults,
            [(8, "it must have 3 cells, as the line of names".into())]
        );
        let faults = read(table.trim_end_matches("f,UTC\n"), &[]).unwrap_err();
        let expected = [
            (2, "\"First Dam\": a site's name is"),
            (2, "\"First Dam-image\" cannot name a bucket"),
            (3, "\"Mars/One\""),
            (4, "which zone"),
            (4, "\"x\" cannot name a bucket"),
            (6, "the site d is in line 5 already"),
            (7, "the bucket d-image is that of d already"),
        ];
        for ((line, fault), (at, said)) in faults.iter().zip(expected) {
            assert!(*line == at && fault.starts_with(said), "{line}: {fault}");
        }
        assert_eq!(faults.len(), expected.len(), "{faults:?}");
    }

    #[test]
    fn columns_must_be_known() {
        let faults = rows("name,zone\na,b\n".as_bytes()).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(rows("site\n".as_bytes()).is_err(), "no site");
    }
}
