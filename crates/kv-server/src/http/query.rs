//! The query of a request: parameters by name, none unknown and none twice.

use std::borrow::Cow;
use std::fmt::Display;

use super::percent::decode_query;
use super::problem::{Problem, Reason};

/// The parameters of one request.
#[derive(Debug, Default)]
pub(super) struct Query<'a> {
    parameters: Vec<Parameter<'a>>,
}

#[derive(Debug)]
struct Parameter<'a> {
    name: Cow<'a, [u8]>,
    value: Cow<'a, [u8]>,
}

impl<'a> Query<'a> {
    /// Reads a query in which only the `known` parameters may stand.
    pub(super) fn parse(text: Option<&'a str>, known: &[&str]) -> Result<Self, Problem> {
        let mut query = Self::default();
        for pair in text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode_query(name)?, decode_query(value)?);
            if !known.iter().any(|known| known.as_bytes() == &*name) {
                return Err(unknown(&name, known));
            }
            if query.parameters.iter().any(|given| given.name == name) {
                let name = String::from_utf8_lossy(&name);
                return Err(bad(format!("{name} is given more than once")));
            }
            query.parameters.push(Parameter { name, value });
        }
        Ok(query)
    }

    /// A parameter that may be any bytes.
    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let of_name = |given: &&Parameter<'_>| *given.name == *name.as_bytes();
        self.parameters.iter().find(of_name).map(|given| &*given.value)
    }

    /// A parameter that is read by `parse`, and must be what `allowed` says.
    pub(super) fn get<T>(
        &self,
        name: &str,
        allowed: impl Display,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.bytes(name) else {
            return Ok(None);
        };
        match std::str::from_utf8(value).ok().and_then(parse) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(bad(format!(
                "{name} = {:?} is not understood: it must be {allowed}",
                String::from_utf8_lossy(value)
            ))),
        }
    }

    /// A parameter that is a whole number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.get(name, "a whole number of 64 bits, such as 10 or -10", |text| {
            // A plus sign would have become a space in most clients: better refused than misread.
            text.parse().ok().filter(|_| !text.starts_with('+'))
        })
    }

    /// A parameter that is `true` or `false`, by default `false`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.get(name, "true or false", |text| text.parse().ok())?.unwrap_or(false))
    }
}

/// A query that is not understood.
pub(super) fn bad(detail: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(Reason::BadQuery, detail)
}

fn unknown(name: &[u8], known: &[&str]) -> Problem {
    let allowed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    bad(format!(
        "there is no parameter {:?} here: allowed are {allowed}",
        String::from_utf8_lossy(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["limit", "prefix", "values"];

    fn refused(text: &str) -> String {
        let query = Query::parse(Some(text), KNOWN);
        let problem = match query {
            Err(problem) => problem,
            Ok(query) => query
                .integer("limit")
                .and(query.flag("values").map(|_flag| None::<i64>))
                .unwrap_err(),
        };
        assert_eq!(problem.reason(), Reason::BadQuery);
        problem.detail().to_owned()
    }

    #[test]
    fn parameters_are_found_by_name() {
        let query = Query::parse(Some("prefix=a%20b%FF&&limit=-7&values=true"), KNOWN).unwrap();
        assert_eq!(query.bytes("prefix"), Some(&b"a b\xff"[..]));
        assert_eq!(query.integer("limit").unwrap(), Some(-7));
        assert!(query.flag("values").unwrap());
        let none = Query::parse(None, KNOWN).unwrap();
        assert_eq!(none.bytes("prefix"), None);
        assert_eq!(none.integer("limit").unwrap(), None);
        assert!(!none.flag("values").unwrap());
        let empty = Query::parse(Some("prefix"), KNOWN).unwrap();
        assert_eq!(empty.bytes("prefix"), Some(&b""[..]));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_is_allowed() {
        assert!(refused("limt=1").contains("limit, prefix, values"));
        assert!(refused("limit=1&limit=1").contains("more than once"));
        assert!(refused("limit=1&%6cimit=1").contains("more than once"));
        assert!(refused("prefix=%zz").contains("percent-encoding"));
        for number in ["", "1.5", "+1", "1 ", "9223372036854775808", "ten", "%ff"] {
            assert!(refused(&format!("limit={number}")).contains("whole number"), "{number}");
        }
        assert!(refused("values=yes").contains("true or false"));
        assert!(refused("values").contains("true or false"));
    }
}
