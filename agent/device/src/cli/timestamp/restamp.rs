//! Of the queue's rows: what the present configuration makes of them, without their files.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::{Value, json};
use weir_journey::stamp::{Cause, Filing};

use super::{overridden, shown, site_of};
use crate::cli::args::Timestamp;
use crate::cli::output::{Failed, json as print_json, moment, print};
use crate::cli::short;
use crate::config::{Config, Site};
use crate::queue::{Among, Filter, Image, Queue, View};
use crate::stamping::{Anew, Stamping};
use crate::upload::{Destination, Lane, captured};
use crate::watch;

/// Shows what would change; with `--apply` changes it.
pub(super) fn restamp(config: &Config, asked: &Timestamp, json: bool) -> Result<ExitCode, Failed> {
    let filter = Filter {
        sites: match &asked.site {
            Some(name) => vec![
                config.sites[super::position(&config.sites, name)?]
                    .name
                    .clone(),
            ],
            None => Vec::new(),
        },
        ..Filter::default()
    };
    let state = config.state.directory.clone();
    short(async {
        let shown = show(config, asked, state.clone(), filter.clone(), json).await?;
        let applied = if asked.apply && shown.open > 0 {
            Some(apply(config, asked, state, filter).await?)
        } else {
            None
        };
        if !json {
            print(&summary(&shown, asked.apply, applied))?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// How many images would get another time or place.
#[derive(Default)]
struct Shown {
    /// Those that the store cannot know yet.
    open: u64,
    stored: u64,
}

async fn show(
    config: &Config,
    asked: &Timestamp,
    state: PathBuf,
    filter: Filter,
    json: bool,
) -> Result<Shown, Failed> {
    let mut shown = Shown::default();
    let mut printed = Ok(true);
    let view = View::open(state).await?;
    view.list(filter, |image| {
        let Some(site) = site_of(config, image.site_name.as_str()) else {
            return ControlFlow::Continue(());
        };
        let Some(difference) = Difference::of(image, site, &stamping(config, site, asked)) else {
            return ControlFlow::Continue(());
        };
        if difference.image.is_named() {
            shown.stored += 1;
        } else {
            shown.open += 1;
        }
        printed = if json {
            print_json(&difference.json(asked.apply))
        } else {
            print(&difference.words())
        };
        match printed {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) | Err(_) => ControlFlow::Break(()),
        }
    })
    .await?;
    printed.map(|_| shown)
}

/// An image of which the present configuration says something else than its row.
struct Difference {
    image: Image,
    anew: Anew,
    /// The name that it would get.
    key: String,
}

impl Difference {
    fn of(image: Image, site: &Site, stamping: &Stamping) -> Option<Self> {
        let anew = changed(stamping, &image)?;
        let destination = Destination {
            id: image.site,
            name: site.name.clone(),
            zone: site.timezone.zone(),
            bucket: site.bucket.as_str().to_owned(),
            key: site.key.template().clone(),
            directories: site.directories.clone(),
            lane: Lane::Images,
        };
        let at = anew.filed.capture.at;
        let renamed = Image {
            captured_ms: at.map_or(image.captured_ms, |at| at.timestamp_millis()),
            dated: anew.filed.filing != Filing::Undated,
            ..image.clone()
        };
        let key = destination.target(&renamed).1;
        Some(Self { image, anew, key })
    }

    /// The key that it keeps.
    fn stored_as(&self) -> Option<&str> {
        let target = self.image.target.as_ref().filter(|_| self.image.is_named());
        target.map(|(_, key)| key.as_str())
    }

    fn words(&self) -> String {
        let capture = &self.anew.filed.capture;
        let becomes = capture.at.map_or("unknown".to_owned(), moment);
        let filed = match self.anew.filed.filing {
            Filing::Dated => "",
            Filing::Undated => ", filed under undated/",
            Filing::Held => ", held",
        };
        let stored = match self.stored_as() {
            None => String::new(),
            Some(key) => format!("\n    stored under {key}, would be {}", self.key),
        };
        format!(
            "{} {} {}\n    {} -> {becomes} ({}, {}{filed}){stored}\n",
            self.image.id,
            self.image.site_name,
            self.image.place.path.display(),
            moment(captured(&self.image)),
            capture.source,
            capture.confidence,
        )
    }

    fn json(&self, apply: bool) -> Value {
        let capture = &self.anew.filed.capture;
        let stored = self.stored_as();
        json!({
            "id": self.image.id.0,
            "site": self.image.site_name.as_str(),
            "path": shown(&self.image.place.path),
            "was": moment(captured(&self.image)),
            "becomes": capture.at.map(moment),
            "source": capture.source,
            "confidence": capture.confidence,
            "dated": self.anew.filed.filing != Filing::Undated,
            "stored_as": stored,
            "key": self.key,
            "applied": apply && stored.is_none(),
        })
    }
}

fn stamping(config: &Config, site: &Site, asked: &Timestamp) -> Stamping {
    let mut stamping = Stamping::of(site, &config.state.directory);
    stamping.rules = overridden(stamping.rules, asked);
    stamping
}

/// What the rules make of a row, where that is another time or another place than now.
fn changed(stamping: &Stamping, image: &Image) -> Option<Anew> {
    let anew = stamping.anew(image, None)?;
    // As the row holds it: in milliseconds.
    let held = |at: DateTime<FixedOffset>| (at.timestamp_millis(), at.offset().local_minus_utc());
    let same_time = anew.filed.capture.at.map(held) == Some((image.captured_ms, image.offset_s));
    let same_place = (anew.filed.filing != Filing::Undated) == image.dated;
    (!same_time || !same_place).then_some(anew)
}

/// Writes the new times; gives how many rows. Each is judged again in the transaction that writes it: one that got
/// its name meanwhile keeps its time.
async fn apply(
    config: &Config,
    asked: &Timestamp,
    state: PathBuf,
    filter: Filter,
) -> Result<u64, Failed> {
    let queue = Queue::open_beside(state.clone()).await?;
    let sites = config
        .sites
        .iter()
        .map(|site| (site.name.clone(), stamping(config, site, asked)));
    let sites: Vec<_> = sites.collect();
    let at_ms = Utc::now().timestamp_millis();
    let applied = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&applied);
    let judge = move |image: &Image| {
        let (_, stamping) = sites.iter().find(|(name, _)| *name == image.site_name)?;
        let anew = changed(stamping, image).filter(|_| !image.is_named())?;
        count.fetch_add(1, Ordering::Relaxed);
        anew.retimed(image, Cause::Restamp, at_ms, image.clock.synchronised)
    };
    queue.retime(Among::Filter(filter), at_ms, judge).await?;
    // No agent need be there to be woken.
    let _ = watch::wake(&state);
    Ok(applied.load(Ordering::Relaxed))
}

fn summary(shown: &Shown, asked: bool, applied: Option<u64>) -> String {
    let images = |count: u64| match count {
        1 => "1 image".to_owned(),
        count => format!("{count} images"),
    };
    let mut text = match (applied, shown.open) {
        (Some(applied), _) => format!("{} stamped anew\n", images(applied)),
        (None, 0) => "nothing that is still owed would change\n".to_owned(),
        (None, open) => format!("{} would change: --apply writes it\n", images(open)),
    };
    if shown.stored > 0 {
        let stays = if asked { "keeps" } else { "would keep" };
        text.push_str(&format!(
            "{} in the store already {stays} the names above\n",
            images(shown.stored)
        ));
    }
    text
}
