//! The tables of the page: counts, costs, sites, and how the run was made.

use std::fmt::Write as _;

use crate::record::SiteRecord;
use crate::report::summary::Summary;
use crate::report::words::{count, dollars, duration, duration_or, escape, number, plural};

use super::section;

/// The most sites that the page lists.
const SITES: usize = 300;

/// What was counted, of the pipeline and of the store.
pub(super) fn counts(summary: &Summary) -> String {
    let told = &summary.told;
    let row = |name: &str, value: u64| (name.to_owned(), count(value));
    let pipeline = [
        row("Events received", told.events),
        row("Executions", summary.executions),
        row("\u{2003}on a new instance (cold)", summary.cold),
        row("\u{2003}on a warm instance", summary.warm),
        row("Throttles", summary.throttles),
        row("Events dropped", summary.events_dropped),
        (
            "Oldest event that waited".to_owned(),
            duration(summary.event_age_max_s),
        ),
    ];
    let mut store = vec![
        row("PUT requests beyond one an image", summary.retries),
        row("Files set aside by the agents", told.quarantined),
        row("Restarts of agents", summary.restarts),
    ];
    let operations = told.requests_by_operation.iter();
    store.extend(operations.map(|(name, requests)| row(&format!("Requests: {name}"), *requests)));
    let tables = format!(
        "<div class=\"tables\">\n{}{}</div>\n",
        pairs("In the pipeline", &pipeline),
        pairs("At the sites and the store", &store)
    );
    section("counts", "Retries, throttles, events", "", &tables)
}

fn pairs(caption: &str, rows: &[(String, String)]) -> String {
    let mut html = format!(
        "<div><table class=\"full\"><caption>{}</caption><tbody>\n",
        escape(caption)
    );
    for (name, value) in rows {
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            escape(name),
            escape(value)
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

/// What the cloud would have charged.
pub(super) fn cost(summary: &Summary) -> String {
    let Some(cost) = &summary.told.cost_usd else {
        return section(
            "cost",
            "Cost",
            "",
            "<p class=\"none\">The cost of this run was not estimated.</p>\n",
        );
    };
    let mut rows: Vec<_> = cost.by_service.iter().collect();
    rows.sort_by(|a, b| b.1.total_cmp(a.1));
    let part = |value: f64| {
        if cost.total > 0.0 {
            value / cost.total * 100.0
        } else {
            0.0
        }
    };
    let each = |value: f64| dollars(value / summary.stored.max(1) as f64 * 1000.0);
    let mut html = "<div class=\"wide\"><table class=\"full\"><thead><tr><th scope=\"col\">Service</th><th scope=\"col\">Cost</th><th scope=\"col\">Share</th><th scope=\"col\">Per 1,000 images</th></tr></thead><tbody>\n".to_owned();
    for (service, value) in rows {
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{} %</td><td>{}</td></tr>",
            escape(service),
            dollars(*value),
            number((part(*value) * 10.0).round() / 10.0),
            each(*value)
        );
    }
    let _ = writeln!(
        html,
        "</tbody><tfoot><tr><th scope=\"row\">Total</th><td>{}</td><td>100 %</td><td>{}</td></tr></tfoot></table></div>",
        dollars(cost.total),
        each(cost.total)
    );
    let lead = format!(
        "An estimate from the counts above, in US dollars, at list prices: {}.",
        cost.prices
    );
    section("cost", "Cost", &lead, &html)
}

/// A column of the table of sites: its head, the text of a cell and the value that it is sorted by.
type Column = (&'static str, fn(&SiteRecord) -> (String, Option<f64>));

fn whole(value: u64) -> (String, Option<f64>) {
    (count(value), Some(value as f64))
}

fn time(value: Option<f64>) -> (String, Option<f64>) {
    (duration_or(value), value)
}

const COLUMNS: [Column; 10] = [
    ("Captured", |site| whole(site.captured)),
    ("Accepted", |site| whole(site.accepted)),
    ("Stored", |site| whole(site.stored)),
    ("Lost", |site| whole(site.lost)),
    ("Duplicates", |site| whole(site.duplicates)),
    ("Retries", |site| whole(site.retries)),
    ("Restarts", |site| whole(site.restarts)),
    ("Offline", |site| time(Some(site.offline_s))),
    ("Latency p50", |site| time(site.latency_p50_s)),
    ("Latency p95", |site| time(site.latency_p95_s)),
];

/// What became of each site, the worst first.
pub(super) fn sites(sites: &[SiteRecord]) -> String {
    if sites.is_empty() {
        return section(
            "sites",
            "Sites",
            "",
            "<p class=\"none\">No site was recorded.</p>\n",
        );
    }
    let mut worst: Vec<&SiteRecord> = sites.iter().collect();
    worst.sort_by(|a, b| {
        let faults = |site: &SiteRecord| (site.lost, site.duplicates);
        let late = |site: &SiteRecord| site.latency_p95_s.unwrap_or(0.0);
        faults(b)
            .cmp(&faults(a))
            .then(late(b).total_cmp(&late(a)))
            .then(a.site.cmp(&b.site))
    });
    worst.truncate(SITES);
    let mut html = "<div class=\"wide\"><table class=\"full\" id=\"site-table\"><thead><tr><th scope=\"col\"><button type=\"button\">Site</button></th>".to_owned();
    for (name, _) in COLUMNS {
        let _ = write!(
            html,
            "<th scope=\"col\"><button type=\"button\">{name}</button></th>"
        );
    }
    html.push_str("</tr></thead><tbody>\n");
    for site in worst {
        row(&mut html, site);
    }
    html.push_str("</tbody></table></div>\n");
    let lead = if sites.len() > SITES {
        format!(
            "The {SITES} worst of {}: lost and doubled images first, then the slowest. All are in sites.csv.",
            plural(sites.len() as u64, "site")
        )
    } else {
        "Lost and doubled images first, then the slowest. A column's head sorts by it.".to_owned()
    };
    section("sites", "Sites", &lead, &html)
}

fn row(html: &mut String, site: &SiteRecord) {
    let _ = write!(
        html,
        "<tr><th scope=\"row\" data-value=\"{}\">{}</th>",
        site.site,
        escape(&site.name)
    );
    for (name, cell) in COLUMNS {
        let (text, value) = cell(site);
        let bad = matches!(name, "Lost" | "Duplicates") && value != Some(0.0);
        let class = if bad { " class=\"no\"" } else { "" };
        let value = value.map_or(String::new(), |value| value.to_string());
        let _ = write!(
            html,
            "<td{class} data-value=\"{value}\">{}</td>",
            escape(&text)
        );
    }
    html.push_str("</tr>\n");
}

/// How the run was made, to make it again.
pub(super) fn making(summary: &Summary) -> String {
    let told = &summary.told;
    let mut rows = vec![
        ("Scenario".to_owned(), told.scenario.clone()),
        ("Seed".to_owned(), told.seed.to_string()),
        ("Weir".to_owned(), told.version.clone()),
    ];
    rows.extend(
        told.settings
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let mut html = format!("<pre><code>{}</code></pre>\n", escape(&told.command));
    html.push_str("<table><tbody>\n");
    for (name, value) in rows {
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\">{}</th><td class=\"long\">{}</td></tr>",
            escape(&name),
            escape(&value)
        );
    }
    html.push_str("</tbody></table>\n");
    let lead = "In virtual time the same command gives the same run. Percentiles are by nearest rank; times are UTC.";
    let foot = "</main>\n<footer>The rows behind this page: images.csv, sites.csv and samples.csv beside it; the figures: summary.json.</footer>\n";
    section("making", "How this run was made", lead, &html) + foot
}
