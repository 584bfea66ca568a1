//! The page of a run: well-formed, with every part, whatever the run was.

use super::xml::elements;
use crate::report::synthetic::{Weather, run};
use crate::report::{Run, Told, page};

const SECTIONS: [&str; 8] = [
    "journey", "pipeline", "queues", "counts", "cost", "sites", "making", "latency",
];
const FIGURES: [&str; 10] = [
    "latency",
    "event-to-done",
    "execution",
    "concurrency",
    "starts",
    "event-age",
    "queue",
    "oldest",
    "requests",
    "captures",
];

#[test]
fn every_run_has_a_well_formed_page_with_every_part() {
    for weather in [
        Weather::Calm,
        Weather::Outage,
        Weather::Overload,
        Weather::Staircase,
    ] {
        let page = page::of(&run(weather, 12, 12));
        let elements = elements(&page).unwrap_or_else(|fault| panic!("{weather:?}: {fault}"));
        let figures = elements.iter().filter(|name| *name == "figure").count();
        assert_eq!(figures, FIGURES.len(), "{weather:?}");
        for id in SECTIONS.iter().chain(&FIGURES) {
            assert!(page.contains(&format!("id=\"{id}\"")), "{weather:?}: {id}");
        }
        for outside in ["http://", "https://", "NaN", "inf", "{{", "style=\""] {
            assert!(!page.contains(outside), "{weather:?}: {outside}");
        }
    }
}

#[test]
fn a_run_of_nothing_says_so_instead_of_showing_empty_charts() {
    let page = page::of(&Run::of(Told::default(), vec![], vec![], vec![]));
    elements(&page).expect("well-formed");
    assert!(!page.contains("<svg"), "no chart");
    assert!(page.contains("No site was recorded."));
    assert!(page.contains("No samples were recorded."));
}

#[test]
fn the_banner_says_whether_the_promises_were_kept() {
    let kept = page::of(&run(Weather::Outage, 4, 24));
    assert!(kept.contains("Every promise was kept") && !kept.contains("class=\"no\""));
    assert!(kept.contains("stored after 12.5 s"));
    let broken = page::of(&run(Weather::Overload, 40, 24));
    assert!(
        broken.contains("Promises were broken")
            && broken.contains("accepted images are not in the store")
    );
    assert!(broken.contains("<li class=\"no\">"));
    let mut denied = run(Weather::Calm, 2, 2);
    denied.summary.duplicates = 1;
    assert!(
        page::of(&denied).contains("Promises were broken"),
        "whatever the verdict says"
    );
    let mut early = run(Weather::Calm, 2, 2);
    early.summary.told.completed = false;
    assert!(page::of(&early).contains("until the run was ended early"));
}

#[test]
fn what_names_say_is_text_and_never_markup() {
    let mut run = run(Weather::Calm, 2, 2);
    run.summary.told.scenario = "<script>alert(1)</script>".to_owned();
    run.summary.told.command = "weir-fleet run --scenario \"<b>&\"".to_owned();
    run.sites[0].name = "</td><img src=x>".to_owned();
    let page = page::of(&run);
    elements(&page).expect("well-formed");
    assert!(!page.contains("<img") && !page.contains("<script>alert"));
}

#[test]
fn of_very_many_sites_the_worst_are_listed_and_the_page_stays_small() {
    let mut run = run(Weather::Calm, 1, 2);
    let one = run.sites[0].clone();
    run.sites = (1..=3000)
        .map(|site| crate::record::SiteRecord {
            site,
            name: format!("site{site}"),
            ..one.clone()
        })
        .collect();
    run.sites[2999].lost = 1;
    let page = page::of(&run);
    assert!(page.contains("The 300 worst of 3,000 sites"));
    assert!(page.contains(">site3000<") && !page.contains(">site300<"));
    assert!(page.len() < 1_500_000, "{}", page.len());
}

#[test]
fn runs_are_compared_with_the_first_side_by_side() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut folders = Vec::new();
    for (name, weather) in [
        ("calm", Weather::Calm),
        ("storm<1>", Weather::Outage),
        ("flood", Weather::Overload),
    ] {
        let folder = directory.path().join(name);
        crate::report::write(&folder, &run(weather, 6, 24)).expect("written");
        folders.push(folder);
    }
    let out = directory.path().join("compare.html");
    crate::report::compare(&folders, &out).expect("compared");
    let page = std::fs::read_to_string(out).expect("a page");
    let elements = elements(&page).expect("well-formed");
    assert_eq!(elements.iter().filter(|name| *name == "svg").count(), 6);
    for text in [
        "3 runs compared",
        "storm&lt;1&gt;",
        "broken",
        "<span class=\"change\">+",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"));
}
