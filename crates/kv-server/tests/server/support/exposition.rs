//! Prometheus's text format 0.0.4, read strictly: what a lenient scraper forgives is a mistake here.

use std::collections::{BTreeMap, BTreeSet};

/// A metric with its samples.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line.
#[derive(Debug)]
pub(crate) struct Sample {
    /// With `_bucket`, `_sum` or `_count` for histograms.
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// All metrics by name. Panics with the line that is wrong.
pub(crate) fn parse(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "the last line must end");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut series = BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect(line);
            assert!(is_name(name) && !help.is_empty(), "{line}");
            let family = Family { kind: String::new(), samples: Vec::new() };
            assert!(families.insert(name.to_owned(), family).is_none(), "twice: {line}");
            name.clone_into(&mut current);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect(line);
            let family = families.get_mut(name).expect(line);
            assert!(name == current && family.kind.is_empty(), "out of place: {line}");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            kind.clone_into(&mut family.kind);
        } else {
            let sample = sample(line);
            let family = families.get_mut(&current).expect(line);
            assert!(belongs(&sample.name, &current, &family.kind), "out of place: {line}");
            let key = format!("{}{:?}", sample.name, sample.labels);
            assert!(series.insert(key), "twice: {line}");
            family.samples.push(sample);
        }
    }
    for (name, family) in &families {
        check(name, family);
    }
    families
}

fn belongs(sample: &str, family: &str, kind: &str) -> bool {
    match kind {
        "histogram" => sample
            .strip_prefix(family)
            .is_some_and(|suffix| ["_bucket", "_sum", "_count"].contains(&suffix)),
        _ => sample == family,
    }
}

fn is_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit())
}

/// `name{label="value",…} value`, without a time.
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let value: f64 = value.parse().expect(line);
    assert!(value.is_finite(), "{line}");
    let (name, labels) = match series.split_once('{') {
        None => (series, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
    };
    assert!(is_name(name), "{line}");
    let mut found = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect(line);
        assert!(is_name(label) && !label.contains(':'), "{line}");
        let (value, after) = after.split_once('"').expect(line);
        assert!(!value.contains('\\'), "nothing needs escaping: {line}");
        assert!(found.insert(label.to_owned(), value.to_owned()).is_none(), "{line}");
        rest = after.strip_prefix(',').unwrap_or(after);
        assert!(after.is_empty() || (after.starts_with(',') && !rest.is_empty()), "{line}");
    }
    Sample { name: name.to_owned(), labels: found, value }
}

/// What the type of a metric and our names promise.
fn check(name: &str, family: &Family) {
    let is_counter = family.kind == "counter";
    assert!(!family.kind.is_empty(), "{name} has no TYPE");
    assert!(name.starts_with("kv_"), "{name}");
    assert_eq!(name.ends_with("_total"), is_counter, "{name} is a {}", family.kind);
    for unit in ["ms", "millis", "us", "micros", "ns", "percent", "kb", "mb", "kib", "mib"] {
        assert!(!name.split('_').any(|word| word == unit), "{name} is not in a base unit");
    }
    for sample in &family.samples {
        assert!(!is_counter || sample.value >= 0.0, "{sample:?}");
    }
    if family.kind == "histogram" {
        check_histogram(name, family);
    }
}

fn check_histogram(name: &str, family: &Family) {
    let mut histograms: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        labels.remove("le");
        histograms.entry(format!("{labels:?}")).or_default().push(sample);
    }
    for (labels, samples) in histograms {
        let of = |suffix: &str| {
            let name = format!("{name}{suffix}");
            samples.iter().filter(move |sample| sample.name == name)
        };
        let buckets: Vec<(f64, f64)> = of("_bucket")
            .map(|bucket| {
                let le = bucket.labels.get("le").expect("a bucket has an end");
                (le.parse().expect("a number"), bucket.value)
            })
            .collect();
        assert!(buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1), "{name} {labels}");
        let counts: Vec<f64> = of("_count").map(|sample| sample.value).collect();
        let last = buckets.last().map(|(le, count)| (le.is_infinite(), vec![*count]));
        assert_eq!(last, Some((true, counts)), "{name} {labels}");
        assert_eq!(of("_sum").count(), 1, "{name} {labels}");
    }
}

#[test]
fn mistakes_are_found() {
    let head = "# HELP kv_a_total Help.\n# TYPE kv_a_total counter\n";
    assert_eq!(parse(&format!("{head}kv_a_total{{x=\"y\"}} 7\n"))["kv_a_total"].samples.len(), 1);
    let histogram = "# HELP kv_h Help.\n# TYPE kv_h histogram\n";
    for wrong in [
        format!("{head}kv_a_total 7"),
        format!("{head}kv_a_total -7\n"),
        format!("{head}kv_a_total 7\nkv_a_total 8\n"),
        format!("{head}kv_b_total 7\n"),
        format!("{head}kv_a_total{{x=\"y\"\n"),
        format!("{head}kv_a_total{{x=y}} 7\n"),
        format!("{head}kv_a_total{{x=\"y\",}} 7\n"),
        format!("{head}kv_a_total NaN\n"),
        "kv_a_total 7\n".to_owned(),
        "# HELP kv_a Help.\nkv_a 7\n".to_owned(),
        "# HELP kv_a Help.\n# TYPE kv_a counter\nkv_a 7\n".to_owned(),
        "# HELP kv_a_ms Help.\n# TYPE kv_a_ms gauge\nkv_a_ms 7\n".to_owned(),
        format!("{histogram}kv_h_bucket{{le=\"1\"}} 1\nkv_h_sum 1\nkv_h_count 1\n"),
        format!(
            "{histogram}kv_h_bucket{{le=\"1\"}} 2\nkv_h_bucket{{le=\"+Inf\"}} 1\nkv_h_sum 1\n\
             kv_h_count 1\n"
        ),
    ] {
        let parsed = std::panic::catch_unwind(|| parse(&wrong).len());
        assert!(parsed.is_err(), "accepted:\n{wrong}");
    }
}
