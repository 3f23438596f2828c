//! Figures as people read them.

use kv_bench::{Better, Figure, Measured, Target};

/// Median and range, with the unit.
pub(super) fn figure(figure: &Figure, unit: &str) -> String {
    let (divisor, decimals, unit) = scale(figure.median(), unit);
    format!("{} {unit}", figure.text(divisor, decimals))
}

/// One value, with the unit.
pub(super) fn value(value: f64, unit: &str) -> String {
    figure(&Figure::from(value), unit)
}

/// What to divide by, the decimals that say something, and the unit's name then.
fn scale(value: f64, unit: &str) -> (f64, usize, &str) {
    match unit {
        "ops/s" if value >= 1e6 => (1e6, 2, "M/s"),
        "ops/s" => (1e3, 0, "k/s"),
        "µs/op" => (1.0, 2, "µs"),
        "B" | "ns" => (1.0, 1, unit),
        _ => (1.0, 2, unit),
    }
}

/// What a row was measured against, by name.
pub(super) fn peer(row: &Measured) -> Option<String> {
    let peer = row.peer.as_ref()?;
    Some(format!("{} {}", peer.name, figure(&peer.values, &row.unit)))
}

/// `1.25×`.
pub(super) fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}×")
}

/// What a section wants of a row.
pub(super) fn target(row: &Measured) -> String {
    let sign = row.better.sign();
    match row.target {
        None => "–".to_owned(),
        Some(Target::Ratio(bound)) => format!("{sign} {bound}×"),
        Some(Target::Value(bound)) => format!("{sign} {}", value(bound, &row.unit)),
    }
}

/// By how many percent a value differs, with a word for the direction.
pub(super) fn change(was: f64, is: f64, better: Better) -> String {
    let percent = (is / was - 1.0) * 100.0;
    let is_better = better.reaches(is, was);
    format!("{percent:+.1} %, {}", if is_better { "no worse" } else { "worse" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_figure() {
        let check = |given: f64, unit: &str, text: &str| assert_eq!(value(given, unit), text);
        check(25_400.0, "ops/s", "25 k/s");
        check(2_540_000.0, "ops/s", "2.54 M/s");
        check(1.174, "µs/op", "1.17 µs");
        check(30.33, "B", "30.3 B");
        check(0.8612, "s", "0.86 s");
        check(39.05, "%", "39.05 %");
        let rounds: Figure = [3e6, 1e6, 2e6].into_iter().collect();
        assert_eq!(figure(&rounds, "ops/s"), "2.00 (1.00–3.00) M/s");
    }

    #[test]
    fn changes_say_whether_they_are_good() {
        assert_eq!(change(2.0, 1.5, Better::Higher), "-25.0 %, worse");
        assert_eq!(change(2.0, 1.5, Better::Lower), "-25.0 %, no worse");
        assert_eq!(change(2.0, 2.0, Better::Higher), "+0.0 %, no worse");
    }

    #[test]
    fn targets_have_a_direction() {
        let row = Measured::lower("s", "n", "B", &Figure::from(1.0));
        assert_eq!(target(&row), "–");
        assert_eq!(target(&row.clone().target(Some(Target::Value(32.0)))), "≤ 32.0 B");
        let row = Measured::higher("s", "n", "ops/s", &Figure::from(1.0));
        assert_eq!(target(&row.target(Some(Target::Ratio(1.1)))), "≥ 1.1×");
    }
}
