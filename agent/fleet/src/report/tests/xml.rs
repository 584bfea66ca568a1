//! Whether a page is well-formed: every element that is opened is closed in its order, and nothing else is a `<`.

/// The names of all elements in their order, or where the text stops to be well-formed.
pub(super) fn elements(page: &str) -> Result<Vec<String>, String> {
    let mut open: Vec<String> = Vec::new();
    let mut all = Vec::new();
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .ok_or("no document type")?;
    while let Some((_, tag)) = rest.split_once('<') {
        let (tag, after) = tag.split_once('>').ok_or("an open tag at the end")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            let last = open.pop();
            if last.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {last:?}: {:.80}", after));
            }
            continue;
        }
        let name: String = tag
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric())
            .collect();
        if name.is_empty() || tag.matches('"').count() % 2 != 0 || tag.contains('<') {
            return Err(format!("<{tag}>"));
        }
        if !tag.ends_with('/') {
            open.push(name.clone());
        }
        // Style and script are not markup inside.
        if name == "style" || name == "script" {
            let end = format!("</{name}>");
            rest = &rest[rest.find(&end).ok_or("a script without an end")?..];
        }
        all.push(name);
    }
    open.is_empty()
        .then_some(all)
        .ok_or(format!("{open:?} not closed"))
}

#[test]
fn what_is_not_well_formed_is_noticed() {
    assert!(elements("<!DOCTYPE html><p><b>x</b><br/></p>").is_ok());
    for bad in [
        "<p>",
        "<p><b></p></b>",
        "a < b <p></p>",
        "<p class=\"x></p>",
        "</p>",
    ] {
        assert!(elements(&format!("<!DOCTYPE html>{bad}")).is_err(), "{bad}");
    }
}
