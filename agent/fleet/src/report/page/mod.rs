//! The page of a run: one file that needs nothing else.
//!
//! Its style and its few lines of script are allowed by their digests in a content security policy that forbids
//! everything else, so a browser itself refuses whatever might come from elsewhere.

pub(super) mod compare;
mod figures;
mod tables;
mod verdict;

use base64::Engine as _;
use sha2::Digest as _;

use super::Run;
use super::words::escape;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page of a run, as HTML that is also well-formed XML but for its first line.
#[must_use]
pub fn of(run: &Run) -> String {
    let body = [
        verdict::header(&run.summary),
        verdict::banner(&run.summary),
        verdict::tiles(&run.summary),
        figures::journey(run),
        figures::pipeline(run),
        figures::queues(run),
        tables::counts(&run.summary),
        tables::cost(&run.summary),
        tables::sites(&run.sites),
        tables::making(&run.summary),
    ];
    let title = format!("{} \u{b7} Weir fleet report", run.summary.told.scenario);
    filled(&title, &body.concat())
}

/// The frame of all pages around `body`, which is HTML; the title is text.
pub(in crate::report) fn filled(title: &str, body: &str) -> String {
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + SCRIPT.len() + body.len());
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        page.push_str(before);
        match name {
            "title" => page.push_str(&escape(title)),
            "body" => page.push_str(body),
            "style" => page.push_str(STYLE),
            "script" => page.push_str(SCRIPT),
            "style-hash" => page.push_str(&digest(STYLE)),
            "script-hash" => page.push_str(&digest(SCRIPT)),
            other => unreachable!("the page has a place for {other}"),
        }
        rest = after;
    }
    page.push_str(rest);
    page
}

/// As a content security policy names what it allows.
fn digest(text: &str) -> String {
    let digest = sha2::Sha256::digest(text);
    format!(
        "sha256-{}",
        base64::engine::general_purpose::STANDARD.encode(digest)
    )
}

/// A part of the page with its heading; `lead` is text.
fn section(id: &str, heading: &str, lead: &str, content: &str) -> String {
    let lead = if lead.is_empty() {
        String::new()
    } else {
        format!("<p class=\"lead\">{}</p>\n", escape(lead))
    };
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">\n<h2 id=\"{id}-heading\">{}</h2>\n{lead}{content}</section>\n",
        escape(heading)
    )
}
