//! The table of sites: read whole, and all that is wrong with it told at once, each fault with its line.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::super::{Failed, args};
use super::place::{self, Place};

const COLUMNS: [&str; 10] = [
    "site",
    "directory",
    "timezone",
    "bucket",
    "model",
    "device",
    "label",
    "note",
    "latitude",
    "longitude",
];

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
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) site: String,
    pub(super) directory: String,
    pub(super) timezone: String,
    pub(super) bucket: String,
    pub(super) model: String,
    pub(super) device: String,
    pub(super) label: String,
    pub(super) note: String,
    pub(super) latitude: String,
    pub(super) longitude: String,
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
            model: cell("model"),
            device: cell("device"),
            label: cell("label"),
            note: cell("note"),
            latitude: cell("latitude"),
            longitude: cell("longitude"),
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
    let mut taken = Taken::new(asked);
    for row in &rows {
        match place::of(row, asked) {
            Ok(place) => {
                let wrong = taken.by(&place);
                faults.extend(wrong.into_iter().map(|wrong| (row.line, wrong)));
                places.push(place);
            }
            Err(wrong) => faults.extend(wrong.into_iter().map(|wrong| (row.line, wrong))),
        }
    }
    if faults.is_empty() {
        Ok(places)
    } else {
        Err(faults)
    }
}

/// What no two sites may share.
struct Taken {
    /// Sites, each with its line.
    names: BTreeMap<String, u64>,
    /// Buckets, each with what lies in it.
    buckets: BTreeMap<String, String>,
    /// Folders of a device's cameras; empty where devices are not asked for.
    folders: BTreeMap<String, Vec<String>>,
    by_device: bool,
}

impl Taken {
    fn new(asked: &args::Provision) -> Self {
        let control = asked.control_bucket.as_ref();
        let control = control.map(|name| (name.to_string(), "the control bucket".to_owned()));
        Self {
            names: BTreeMap::new(),
            buckets: control.into_iter().collect(),
            folders: BTreeMap::new(),
            by_device: asked.device.devices,
        }
    }

    /// What of the place's is taken already.
    fn by(&mut self, place: &Place) -> Vec<String> {
        let name = &place.name;
        if let Some(line) = self.names.insert(name.to_string(), place.line) {
            return vec![format!("the site {name} is in line {line} already")];
        }
        let mut faults = Vec::new();
        let results = place.results.as_ref();
        let results = results.map(|bucket| (bucket, format!("that of the results of {name}")));
        for (bucket, what) in [(&place.bucket, format!("that of {name}"))]
            .into_iter()
            .chain(results)
        {
            if let Some(other) = self.buckets.insert(bucket.to_string(), what) {
                faults.push(format!(
                    "the bucket {bucket} is {other} already: their objects would mix"
                ));
            }
        }
        if self.by_device {
            let folders = self.folders.entry(place.device.clone()).or_default();
            if let Some(other) = folders.iter().find(|other| nested(other, &place.directory)) {
                faults.push(format!(
                    "the folder {} is or is in {other}, of another site of {}, or the other way round",
                    place.directory, place.device
                ));
            }
            folders.push(place.directory.clone());
        }
        faults
    }
}

/// Whether one of two folders is the other or lies in it.
fn nested(one: &str, other: &str) -> bool {
    let (one, other) = (Path::new(one), Path::new(other));
    one.starts_with(other) || other.starts_with(one)
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
            Command::Provision(asked) => *asked,
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
