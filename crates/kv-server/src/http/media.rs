//! Media types: what a body is, and which form of an answer the client accepts best.

use hyper::header::{self, HeaderMap, HeaderValue};

use super::problem::{Problem, Reason};

/// A form of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    /// The bytes of a value and nothing else.
    Raw,
    /// JSON, as `/openapi.json` describes it.
    Json,
    /// A message of `proto/kv/v1`, under the name that most tools use.
    XProtobuf,
    /// The same, under its registered name.
    Protobuf,
}

/// What a value may be sent as. Of the first three, all are stored as they are: `text/plain` is what
/// browsers send for strings, the form type what curl's `-d` says whatever it sends.
pub(super) const VALUE_TYPES: &str = "application/octet-stream, text/plain, \
     application/x-www-form-urlencoded, application/json, application/x-protobuf, application/protobuf";

/// What a batch may be sent as.
pub(super) const MESSAGE_TYPES: &str =
    "application/json, application/x-protobuf, application/protobuf";

impl Media {
    /// The forms of a value, the preferred first.
    pub(super) const OF_VALUES: &'static [Self] =
        &[Self::Raw, Self::Json, Self::XProtobuf, Self::Protobuf];

    /// The forms of what is not a value.
    pub(super) const OF_MESSAGES: &'static [Self] = &[Self::Json, Self::XProtobuf, Self::Protobuf];

    const fn name(self) -> &'static str {
        match self {
            Self::Raw => "application/octet-stream",
            Self::Json => "application/json",
            Self::XProtobuf => "application/x-protobuf",
            Self::Protobuf => "application/protobuf",
        }
    }

    /// The `Content-Type`.
    pub(super) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    fn matches(self, range: &str) -> Option<Specificity> {
        let (main, _) = self.name().split_once('/')?;
        if range.eq_ignore_ascii_case(self.name()) {
            return Some(Specificity::Exact);
        }
        match range.split_once('/')? {
            ("*", "*") => Some(Specificity::Any),
            (wanted, "*") if wanted.eq_ignore_ascii_case(main) => Some(Specificity::Main),
            _ => None,
        }
    }
}

/// How closely a range of media types names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Specificity {
    Any,
    Main,
    Exact,
}

/// What the body of a request is that may be a value.
pub(super) fn of_value(headers: &HeaderMap) -> Result<Media, Problem> {
    let Some(given) = content_type(headers)? else {
        return Ok(Media::Raw);
    };
    if matches!(given.as_str(), "text/plain" | "application/x-www-form-urlencoded") {
        return Ok(Media::Raw);
    }
    named(&given, Media::OF_VALUES).ok_or_else(|| Problem::media_type(&given, VALUE_TYPES))
}

/// What the body of a request is that must be a message.
pub(super) fn of_message(headers: &HeaderMap) -> Result<Media, Problem> {
    let given = content_type(headers)?.unwrap_or_default();
    named(&given, Media::OF_MESSAGES).ok_or_else(|| Problem::media_type(&given, MESSAGE_TYPES))
}

/// The `Content-Type` without parameters, in lower case.
fn content_type(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        return Err(Problem::coding(&String::from_utf8_lossy(coding.as_bytes())));
    }
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let given = lines.next();
    if lines.next().is_some() {
        return Err(Problem::new(Reason::BadHeader, "Content-Type is given more than once"));
    }
    Ok(given.map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        let (name, _parameters) = text.split_once(';').unwrap_or((&text, ""));
        name.trim().to_ascii_lowercase()
    }))
}

fn named(given: &str, known: &[Media]) -> Option<Media> {
    known.iter().copied().find(|media| media.name() == given)
}

/// The best of `offers` for the client, or the refusal that lists them. Of those it likes equally it gets
/// the one it names most closely, and then the first.
pub(super) fn accepted(headers: &HeaderMap, offers: &[Media]) -> Result<Media, Problem> {
    match best(headers, offers) {
        Some(media) => Ok(media),
        None => Err(Problem::new(
            Reason::NotAcceptable,
            format!("Accept allows nothing that can be given here: there are {}", names(offers)),
        )),
    }
}

/// As [`accepted`]; `None` when the client accepts none of the offers.
pub(super) fn best(headers: &HeaderMap, offers: &[Media]) -> Option<Media> {
    let mut lines = headers.get_all(header::ACCEPT).iter().peekable();
    let first = offers.first().copied();
    match lines.peek() {
        None => return first,
        // What curl and most libraries say.
        Some(line) if line.as_bytes() == b"*/*" => return first,
        Some(_) => {}
    }
    let ranges: Vec<(String, u16)> =
        lines.flat_map(|line| ranges(&String::from_utf8_lossy(line.as_bytes()))).collect();
    let mut best: Option<(u16, Specificity, Media)> = None;
    for offer in offers {
        let closest = ranges
            .iter()
            .filter_map(|(range, quality)| Some((offer.matches(range)?, *quality)))
            .max_by_key(|(specificity, _)| *specificity);
        if let Some((specificity, quality)) = closest
            && quality > 0
            && best.is_none_or(|(q, s, _)| (quality, specificity) > (q, s))
        {
            best = Some((quality, specificity, *offer));
        }
    }
    best.map(|(_, _, media)| media)
}

/// The ranges of media types in a line of `Accept`, each with its quality in thousandths. What is malformed
/// counts for nothing.
fn ranges(line: &str) -> Vec<(String, u16)> {
    let range = |part: &str| {
        let mut parameters = part.split(';');
        let range = parameters.next()?.trim().to_owned();
        let quality = parameters.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| quality(value.trim()))
        });
        Some((range, quality.unwrap_or(Some(1000))?))
    };
    line.split(',').filter_map(range).collect()
}

/// `0`, `1`, or up to three digits after `0.` or `1.`.
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(fraction) || fraction.len() > 3 {
        return None;
    }
    let thousandths = format!("{fraction:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

fn names(offers: &[Media]) -> String {
    offers.iter().map(|media| media.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_client_gets_what_it_likes_best() {
        use Media::{Json, Protobuf, Raw, XProtobuf};
        for (accept, wanted) in [
            (&[][..], Some(Raw)),
            (&["*/*"], Some(Raw)),
            (&["application/*"], Some(Raw)),
            (&["application/json"], Some(Json)),
            (&["APPLICATION/JSON"], Some(Json)),
            (&["application/json; charset=utf-8"], Some(Json)),
            (&["application/x-protobuf"], Some(XProtobuf)),
            (&["application/protobuf"], Some(Protobuf)),
            (&["application/json, text/plain, */*"], Some(Json)),
            (&["text/html,application/xml;q=0.9,*/*;q=0.8"], Some(Raw)),
            (&["application/json;q=0.5, application/protobuf"], Some(Protobuf)),
            (&["application/json;q=0.5", "application/protobuf;q=0.6"], Some(Protobuf)),
            (&["application/octet-stream;q=0, */*"], Some(Json)),
            (&["application/json;q=0.001, application/*;q=0"], Some(Json)),
            (&["application/json;Q=0.5,*/*;q=0.4"], Some(Json)),
            (&["text/html"], None),
            (&["text/*"], None),
            (&["*/*;q=0"], None),
            (&["*/*;q=0.000"], None),
            (&["application/json;q=2"], None),
            (&["application/json;q=1.001"], None),
            (&["application/json;q=0.1234"], None),
            (&["application/json;q=x"], None),
            (&["*"], None),
            (&[""], None),
        ] {
            let found = best(&headers(&header::ACCEPT, accept), Media::OF_VALUES);
            assert_eq!(found, wanted, "{accept:?}");
        }
        let problem = accepted(&headers(&header::ACCEPT, &["text/html"]), Media::OF_MESSAGES);
        let problem = problem.unwrap_err();
        assert!(problem.detail().contains("application/json, "), "{}", problem.detail());
    }

    #[test]
    fn a_body_is_what_its_type_says() {
        for (content_type, value, message) in [
            (&[][..], Some(Media::Raw), None),
            (&["application/octet-stream"], Some(Media::Raw), None),
            (&["text/plain; charset=utf-8"], Some(Media::Raw), None),
            (&["application/x-www-form-urlencoded"], Some(Media::Raw), None),
            (&["Application/JSON ; charset=utf-8"], Some(Media::Json), Some(Media::Json)),
            (&["application/x-protobuf"], Some(Media::XProtobuf), Some(Media::XProtobuf)),
            (&["application/protobuf"], Some(Media::Protobuf), Some(Media::Protobuf)),
            (&["image/png"], None, None),
            (&["application/*"], None, None),
            (&[""], None, None),
            (&["application/json", "application/json"], None, None),
        ] {
            let headers = headers(&header::CONTENT_TYPE, content_type);
            assert_eq!(of_value(&headers).ok(), value, "{content_type:?} as a value");
            assert_eq!(of_message(&headers).ok(), message, "{content_type:?} as a message");
        }
    }

    #[test]
    fn compressed_bodies_are_refused() {
        let of = |coding| of_value(&headers(&header::CONTENT_ENCODING, &[coding]));
        assert_eq!(of("identity"), Ok(Media::Raw));
        assert_eq!(of("gzip").unwrap_err().reason(), Reason::UnsupportedMediaType);
    }

    #[test]
    fn a_list_of_types_names_every_form() {
        for media in Media::OF_VALUES {
            assert!(VALUE_TYPES.contains(media.name()));
        }
        assert_eq!(names(Media::OF_MESSAGES), MESSAGE_TYPES);
    }
}
