//! One page of a listing: prefix, delimiter, marker and size, over sorted keys.
//!
//! Semantics: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>. Keys with the same rest up to the
//! delimiter roll up into one common prefix, which counts as one item of the page.

use std::collections::BTreeMap;
use std::ops::Bound;

/// What a page should hold.
#[derive(Debug, Default, Clone)]
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    /// Items come strictly after this key or common prefix.
    pub(crate) after: Option<&'a str>,
    pub(crate) max: usize,
}

/// A page: `contents` and `prefixes` are sorted, together at most `max` items.
#[derive(Debug)]
pub(crate) struct Page<'a, T> {
    pub(crate) contents: Vec<(&'a str, &'a T)>,
    pub(crate) prefixes: Vec<String>,
    /// The last item of this page, if there are more.
    pub(crate) next: Option<String>,
}

/// Cuts a page out of `items`.
pub(crate) fn page<'a, T>(items: &'a BTreeMap<String, T>, query: &Query<'_>) -> Page<'a, T> {
    let mut page = Page {
        contents: Vec::new(),
        prefixes: Vec::new(),
        next: None,
    };
    let start = match query.after {
        Some(after) if after >= query.prefix => Bound::Excluded(after),
        _ => Bound::Included(query.prefix),
    };
    let mut last = String::new();
    for (key, item) in items.range::<str, _>((start, Bound::Unbounded)) {
        if !key.starts_with(query.prefix) {
            break;
        }
        let rolled = rolled_up(key, query);
        // Rolled up before: into the last prefix of this page, or into the one that ended the page before.
        if rolled.is_some_and(|up| {
            page.prefixes.last().is_some_and(|seen| seen == up) || query.after == Some(up)
        }) {
            continue;
        }
        if page.contents.len() + page.prefixes.len() >= query.max {
            page.next = (query.max > 0).then_some(last);
            break;
        }
        match rolled {
            Some(up) => page.prefixes.push(up.to_owned()),
            None => page.contents.push((key, item)),
        }
        last = rolled.unwrap_or(key).to_owned();
    }
    page
}

/// The common prefix that hides `key`, if it does.
fn rolled_up<'k>(key: &'k str, query: &Query<'_>) -> Option<&'k str> {
    let delimiter = query.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let rest = &key[query.prefix.len()..];
    let at = rest.find(delimiter)?;
    Some(&key[..query.prefix.len() + at + delimiter.len()])
}

/// Encodes a key for `encoding-type=url`: everything but letters, digits, `-_.~/` as `%XX` of its UTF-8.
pub(crate) fn url_encode(key: &str) -> String {
    let mut encoded = String::with_capacity(key.len());
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// The whole listing in one step, said differently: the set of items, a key or what it rolls up into.
    fn model(
        keys: &BTreeMap<String, ()>,
        prefix: &str,
        delimiter: Option<&str>,
    ) -> BTreeSet<String> {
        let item = |key: &String| {
            let rest = key.strip_prefix(prefix)?;
            let first = delimiter.and_then(|delimiter| {
                rest.split_once(delimiter)
                    .map(|(head, _)| format!("{prefix}{head}{delimiter}"))
            });
            Some(first.unwrap_or_else(|| key.clone()))
        };
        keys.keys().filter_map(item).collect()
    }

    proptest! {
        #[test]
        fn pages_together_are_the_whole_listing_once(
            keys in prop::collection::btree_set("[ab/é]{1,6}", 0..40),
            prefix in "[ab/]{0,2}",
            delimiter in prop::option::of(prop::sample::select(vec!["/", "b"])),
            max in 1_usize..5,
        ) {
            let keys: BTreeMap<String, ()> = keys.into_iter().map(|key| (key, ())).collect();
            let mut items = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let query = Query { prefix: &prefix, delimiter, after: after.as_deref(), max };
                let page = page(&keys, &query);
                prop_assert!(page.contents.len() + page.prefixes.len() <= max);
                let mut here: Vec<String> = page.contents.iter().map(|(key, ())| (*key).to_owned()).collect();
                here.extend(page.prefixes);
                here.sort();
                items.extend(here);
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            let whole: Vec<String> = model(&keys, &prefix, delimiter).into_iter().collect();
            prop_assert_eq!(items, whole);
        }
    }

    #[test]
    fn a_key_is_encoded_as_boto3_decodes_it() {
        assert_eq!(url_encode("a b/ü+%~"), "a%20b/%C3%BC%2B%25~");
    }
}
