//! Writes bar charts as SVG: horizontal bars with whiskers, for figures and their ranges.

use std::fmt::Write as _;

/// One bar, with the range of all rounds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bar {
    pub(super) low: f64,
    pub(super) median: f64,
    pub(super) high: f64,
    /// What is written behind it.
    pub(super) text: String,
}

/// A row of the chart: ours above what it is measured against.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) label: String,
    pub(super) ours: Bar,
    pub(super) peer: Option<Bar>,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    pub(super) title: String,
    /// What the second bars show, if there are any.
    pub(super) peer: Option<String>,
    pub(super) groups: Vec<Group>,
}

const WIDTH: f64 = 860.0;
/// Where bars start: labels stand before.
const LEFT: f64 = 330.0;
/// Longest bar or whisker; its text stands behind.
const BAR_MAX: f64 = 340.0;
const HEAD: f64 = 56.0;
const BAR_HEIGHT: f64 = 13.0;
const GAP: f64 = 10.0;
const OURS: &str = "#2b6cb0";
const PEER: &str = "#a0aec0";

impl Chart {
    /// The whole file. Coordinates have one decimal, so that the same figures give the same file.
    pub(super) fn to_svg(&self) -> String {
        let mut body = String::new();
        let mut top = HEAD;
        let scale = self.scale();
        for group in &self.groups {
            top = write_group(&mut body, group, top, scale);
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top:.0}\" \
             viewBox=\"0 0 {WIDTH} {top:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"12\" y=\"22\" font-size=\"15\" font-weight=\"bold\">{}</text>\n{}{body}</svg>\n",
            escape(&self.title),
            self.legend(),
        )
    }

    /// Pixels for each unit: the longest whisker fills the space.
    fn scale(&self) -> f64 {
        let bars = self.groups.iter().flat_map(|group| group.peer.iter().chain([&group.ours]));
        let longest = bars.map(|bar| bar.high).filter(|high| high.is_finite()).fold(0.0, f64::max);
        if longest > 0.0 { BAR_MAX / longest } else { 0.0 }
    }

    fn legend(&self) -> String {
        let mut legend = entry(12.0, OURS, "kv");
        if let Some(peer) = &self.peer {
            legend += &entry(62.0, PEER, peer);
        }
        legend
    }
}

fn entry(x: f64, colour: &str, name: &str) -> String {
    format!(
        "<rect x=\"{x}\" y=\"32\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
         <text x=\"{}\" y=\"41\">{}</text>\n",
        x + 14.0,
        escape(name)
    )
}

/// Appends a group, and tells where the next one starts.
fn write_group(out: &mut String, group: &Group, top: f64, scale: f64) -> f64 {
    let bars = [(Some(&group.ours), OURS), (group.peer.as_ref(), PEER)];
    let bars = bars.iter().filter_map(|(bar, colour)| bar.map(|bar| (bar, colour)));
    let mut y = top;
    for (bar, colour) in bars {
        write_bar(out, bar, y, colour, scale);
        y += BAR_HEIGHT;
    }
    let middle = f64::midpoint(top, y) + 4.0;
    let label = escape(&group.label);
    let line = format!(
        "<text x=\"{}\" y=\"{middle:.1}\" text-anchor=\"end\">{label}</text>\n",
        LEFT - 8.0
    );
    out.push_str(&line);
    y + GAP
}

fn write_bar(out: &mut String, bar: &Bar, y: f64, colour: &str, scale: f64) {
    let end = |value: f64| if value.is_finite() { value.max(0.0) * scale } else { 0.0 };
    let (width, low, high) = (end(bar.median), LEFT + end(bar.low), LEFT + end(bar.high));
    let (height, middle) = (BAR_HEIGHT - 2.0, y + BAR_HEIGHT / 2.0 - 1.0);
    let mut write = |line: std::fmt::Arguments<'_>| {
        // Writing to a String does not fail.
        out.write_fmt(line).unwrap_or_default();
    };
    write(format_args!(
        "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{colour}\"/>\n"
    ));
    if high > low {
        write(format_args!(
            "<path d=\"M{low:.1} {middle:.1}H{high:.1}M{low:.1} {:.1}v6M{high:.1} {:.1}v6\" \
             stroke=\"#1a202c\" fill=\"none\"/>\n",
            middle - 3.0,
            middle - 3.0
        ));
    }
    write(format_args!(
        "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">{}</text>\n",
        high.max(LEFT + width) + 6.0,
        middle + 4.0,
        escape(&bar.text)
    ));
}

/// Text as XML takes it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(low: f64, median: f64, high: f64) -> Bar {
        Bar { low, median, high, text: format!("{median}") }
    }

    #[test]
    fn bars_have_whiskers_labels_and_a_legend() {
        let chart = Chart {
            title: "resp, ops/s".to_owned(),
            peer: Some("Redis".to_owned()),
            groups: vec![
                Group {
                    label: "GET <P1>".to_owned(),
                    ours: bar(50.0, 75.0, 100.0),
                    peer: Some(bar(25.0, 25.0, 25.0)),
                },
                Group { label: "SET P1".to_owned(), ours: bar(10.0, 20.0, 30.0), peer: None },
            ],
        };
        let expected = r##"<svg xmlns="http://www.w3.org/2000/svg" width="860" height="115" viewBox="0 0 860 115" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="white"/>
<text x="12" y="22" font-size="15" font-weight="bold">resp, ops/s</text>
<rect x="12" y="32" width="10" height="10" fill="#2b6cb0"/><text x="26" y="41">kv</text>
<rect x="62" y="32" width="10" height="10" fill="#a0aec0"/><text x="76" y="41">Redis</text>
<rect x="330" y="56.0" width="255.0" height="11" fill="#2b6cb0"/>
<path d="M500.0 61.5H670.0M500.0 58.5v6M670.0 58.5v6" stroke="#1a202c" fill="none"/>
<text x="676.0" y="65.5" font-size="10">75</text>
<rect x="330" y="69.0" width="85.0" height="11" fill="#a0aec0"/>
<text x="421.0" y="78.5" font-size="10">25</text>
<text x="322" y="73.0" text-anchor="end">GET &lt;P1&gt;</text>
<rect x="330" y="92.0" width="68.0" height="11" fill="#2b6cb0"/>
<path d="M364.0 97.5H432.0M364.0 94.5v6M432.0 94.5v6" stroke="#1a202c" fill="none"/>
<text x="438.0" y="101.5" font-size="10">20</text>
<text x="322" y="102.5" text-anchor="end">SET P1</text>
</svg>
"##;
        assert_eq!(chart.to_svg(), expected);
    }

    #[test]
    fn nothing_and_what_is_no_number_have_no_length() {
        for value in [0.0, f64::NAN, -1.0] {
            let ours = Bar { low: value, median: value, high: value, text: "–".to_owned() };
            let groups = vec![Group { label: "a".to_owned(), ours, peer: None }];
            let svg = Chart { title: "t".to_owned(), peer: None, groups }.to_svg();
            assert!(svg.contains("width=\"0.0\""), "{svg}");
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
