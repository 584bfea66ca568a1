//! The page in a real browser. `WEIR_REPORT_PICTURES=DIR` keeps pages, pictures and prints for the eye.

use std::fs;
use std::path::PathBuf;

use super::chromium::Chromium;
use crate::report::synthetic::{Weather, run};
use crate::report::{compare, files, write};

/// The numbers of a column of the table of sites, from the top.
const COLUMN: &str = "Array.from(document.querySelectorAll('#site-table tbody tr'), row => Number(row.cells[6].dataset.value))";
const CLICK: &str = "document.querySelectorAll('#site-table th button')[6].click()";

fn kept(name: &str, bytes: &[u8]) {
    if let Some(directory) = std::env::var_os("WEIR_REPORT_PICTURES").map(PathBuf::from) {
        fs::create_dir_all(&directory).expect("a directory");
        fs::write(directory.join(name), bytes).expect("kept");
    }
}

#[test]
fn a_browser_shows_the_page_without_a_complaint_asks_for_nothing_and_sorts() {
    let mut browser = Chromium::start();
    let directory = tempfile::tempdir().expect("a directory");
    for (name, weather, sites, hours) in [
        ("calm", Weather::Calm, 40, 72),
        ("outage", Weather::Outage, 40, 48),
        ("overload", Weather::Overload, 30, 24),
        ("staircase", Weather::Staircase, 300, 4),
    ] {
        let folder = directory.path().join(name);
        write(&folder, &run(weather, sites, hours)).expect("written");
        let page = folder.join(files::PAGE);
        kept(&format!("{name}.html"), &fs::read(&page).expect("a page"));
        browser.screen(1280, false);
        browser.open(&page);
        kept(&format!("{name}-light.png"), &browser.picture());
        let charts = browser.evaluate("document.querySelectorAll('figure svg').length");
        assert!(charts.as_u64() >= Some(7), "{name}: {charts} charts");
        sorts(&mut browser);

        let bright = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        browser.screen(1280, true);
        let dark = browser.evaluate("getComputedStyle(document.body).backgroundColor");
        assert_ne!(bright, dark, "{name}");
        kept(&format!("{name}-dark.png"), &browser.picture());
        browser.screen(400, false);
        let wide = browser.evaluate("document.documentElement.scrollWidth");
        assert!(
            wide.as_u64().is_some_and(|wide| wide <= 400),
            "{name}: the page is as wide as a narrow screen"
        );
        kept(&format!("{name}-narrow.png"), &browser.picture());
        browser.screen(1280, false);
        let print = browser.print();
        assert!(print.starts_with(b"%PDF"), "{name}");
        kept(&format!("{name}.pdf"), &print);
        assert_eq!(browser.complaints, Vec::<String>::new(), "{name}");
        assert_eq!(browser.requests, Vec::<String>::new(), "{name}");
    }
}

fn sorts(browser: &mut Chromium) {
    let column = |browser: &mut Chromium| {
        let values = browser.evaluate(COLUMN);
        let values = values.as_array().expect("a column").iter();
        values
            .map(|value| value.as_f64().expect("a number"))
            .collect::<Vec<f64>>()
    };
    browser.evaluate(CLICK);
    let down = column(browser);
    assert!(
        down.windows(2).all(|pair| pair[0] >= pair[1]) && down[0] > down[down.len() - 1],
        "{down:?}"
    );
    browser.evaluate(CLICK);
    let up = column(browser);
    assert!(up.windows(2).all(|pair| pair[0] <= pair[1]), "{up:?}");
    assert_eq!(down.len(), up.len());
}

#[test]
fn a_browser_shows_runs_beside_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut folders = Vec::new();
    for (name, weather) in [
        ("calm", Weather::Calm),
        ("storm", Weather::Outage),
        ("overload", Weather::Overload),
    ] {
        let folder = directory.path().join(name);
        write(&folder, &run(weather, 20, 48)).expect("written");
        folders.push(folder);
    }
    let page = directory.path().join("compare.html");
    compare(&folders, &page).expect("compared");
    let mut browser = Chromium::start();
    browser.screen(1280, false);
    browser.open(&page);
    let charts = browser.evaluate("document.querySelectorAll('figure svg').length");
    assert_eq!(charts, 6);
    kept("compare-light.png", &browser.picture());
    assert_eq!(browser.complaints, Vec::<String>::new());
    assert_eq!(browser.requests, Vec::<String>::new());
}

#[test]
fn the_browser_notices_what_the_page_may_not_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let page = directory.path().join("page.html");
    let image = "<img src=\"https://192.0.2.1/x.png\"/><script>undefined.x</script>";
    fs::write(&page, crate::report::page::filled("", image)).expect("written");
    let mut browser = Chromium::start();
    browser.open(&page);
    assert!(
        !browser.complaints.is_empty(),
        "the policy refuses what is not the page's own"
    );
}
