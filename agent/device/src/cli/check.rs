//! `weir check`: the findings as lines, or as one JSON object each.

use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;

use super::args;
use super::output::{Failed, json as print_json, print};
use super::paint::{Paint, Tone};
use super::row::harmless;
use super::short;
use crate::check::{self, Batch, Finding, Inquiry, Outcome, Summary};
use crate::clock::Clock;
use crate::config::{Config, Faults};
use crate::s3::https_client;

/// How wide the names of checks and sites are printed.
const NAMES: usize = 20;

pub(super) fn check(
    config: Result<Config, Faults>,
    wanted: &args::Check,
    json: bool,
    paint: Paint,
) -> Result<ExitCode, Failed> {
    let mut teller = Teller {
        json,
        verbose: wanted.verbose,
        paint,
        summary: Summary::default(),
        failed: None,
    };
    let config = match config {
        Ok(config) => Arc::new(config),
        Err(faults) => {
            let findings = faults.iter().map(fault).collect();
            teller.tell(Batch {
                site: None,
                findings,
            });
            teller.end()?;
            return Ok(ExitCode::from(2));
        }
    };
    if let Some(site) = &wanted.site
        && !config.sites.iter().any(|known| known.name == *site)
    {
        return Err(Failed::Usage(format!(
            "--site {site}: no site has this name"
        )));
    }
    let http = https_client(config.store.tls_ca_file.as_ref())
        .map_err(|error| Failed::Configuration(error.to_string()))?;
    let inquiry = Inquiry {
        online: !wanted.offline,
        write: !wanted.no_write,
        site: wanted.site.clone(),
    };
    short(async {
        check::run(&config, http, Clock::system(), &inquiry, &mut |batch| {
            teller.tell(batch);
        })
        .await;
        Ok(())
    })?;
    let failed = teller.summary.fail > 0;
    teller.end()?;
    Ok(match config.sites.len() {
        0 => ExitCode::from(2),
        _ => ExitCode::from(u8::from(failed)),
    })
}

/// A fault of the configuration as a finding.
fn fault(fault: &crate::config::Fault) -> Finding {
    let key = fault.key.as_ref();
    let key = key.map_or(String::new(), |key| format!("{key}: "));
    let cure = "see `weir config reference`, or `weir config init` for a file to begin with";
    Finding {
        check: "configuration",
        subject: fault.origin.to_string(),
        outcome: Outcome::Fail,
        detail: format!("{}: {key}{}", fault.origin, fault.message),
        fix: Some(fault.suggestion.clone().unwrap_or_else(|| cure.to_owned())),
        elapsed_ms: 0,
    }
}

/// Writes findings as they come, and counts them.
struct Teller {
    json: bool,
    verbose: bool,
    paint: Paint,
    summary: Summary,
    failed: Option<Failed>,
}

impl Teller {
    fn tell(&mut self, batch: Batch) {
        for finding in &batch.findings {
            self.summary.count(finding.outcome);
        }
        let told = if self.json {
            let objects = batch.findings.iter().map(|finding| json!(finding));
            objects
                .map(|object| print_json(&object))
                .find(|printed| !matches!(printed, Ok(true)))
        } else {
            Some(print(&self.text(&batch)))
        };
        if let Some(Err(error)) = told {
            self.failed.get_or_insert(error);
        }
    }

    fn text(&self, batch: &Batch) -> String {
        let Some(site) = &batch.site else {
            return batch
                .findings
                .iter()
                .map(|finding| self.line(finding.check, finding))
                .collect();
        };
        let troubled = |finding: &&Finding| finding.outcome >= Outcome::Warn;
        if !self.verbose && batch.findings.iter().find(troubled).is_none() {
            return self.in_one(site.as_str(), &batch.findings);
        }
        let told = batch
            .findings
            .iter()
            .filter(|finding| self.verbose || troubled(finding));
        told.map(|finding| {
            let of_site = Finding {
                detail: format!("{}: {}", finding.check, finding.detail),
                ..finding.clone()
            };
            self.line(site.as_str(), &of_site)
        })
        .collect()
    }

    /// A site that is well, as far as it was asked.
    fn in_one(&self, site: &str, findings: &[Finding]) -> String {
        let skipped = findings
            .iter()
            .filter(|finding| finding.outcome == Outcome::Skipped)
            .count();
        let well = findings.len() - skipped;
        let skipped = match skipped {
            0 => String::new(),
            some => format!(", {some} not asked"),
        };
        let word = self.word(Outcome::Ok);
        format!("{word} {site:NAMES$} {well} checks{skipped}\n")
    }

    fn line(&self, name: &str, finding: &Finding) -> String {
        let word = self.word(finding.outcome);
        // The words may be the store's own, or a file's name.
        let mut text = format!("{word} {name:NAMES$} {}\n", harmless(&finding.detail));
        if let Some(fix) = &finding.fix {
            text.push_str(&format!("{:8}{:NAMES$} -> {fix}\n", "", ""));
        }
        text
    }

    fn word(&self, outcome: Outcome) -> String {
        let tone = match outcome {
            Outcome::Ok => Tone::Good,
            Outcome::Skipped => Tone::Quiet,
            Outcome::Warn => Tone::Doubtful,
            Outcome::Fail => Tone::Bad,
        };
        self.paint.paint(tone, &format!("{outcome:7}"))
    }

    fn end(self) -> Result<(), Failed> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        let Summary {
            ok,
            warn,
            fail,
            skipped,
        } = self.summary;
        if self.json {
            print_json(&json!({ "summary": self.summary }))?;
        } else {
            let warnings = if warn == 1 { "warning" } else { "warnings" };
            print(&format!(
                "\n{ok} ok, {warn} {warnings}, {fail} failed, {skipped} skipped\n"
            ))?;
        }
        Ok(())
    }
}
