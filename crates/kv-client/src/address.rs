//! Reads server addresses.

use http::Uri;
use http::uri::Authority;

use crate::ConfigError;
use crate::limits::PORT_DEFAULT;

/// Reads `http://host:port`, of which scheme and port may be left out. The result always has a port.
pub(crate) fn parse(address: &str) -> Result<Authority, ConfigError> {
    let bad = |problem: &str| ConfigError::Address {
        address: address.to_owned(),
        problem: problem.to_owned(),
    };
    let given = address.trim();
    if given.is_empty() {
        return Err(bad("it is empty"));
    }
    let absolute = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let uri: Uri = absolute.parse().map_err(|error| bad(&format!("{error}")))?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(bad("TLS is not supported yet, use http://")),
        _ => return Err(bad("the scheme must be http")),
    }
    let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
    if authority.as_str().contains('@') {
        return Err(bad("user names and passwords are not supported"));
    }
    if authority.host().is_empty() {
        return Err(bad("it names no host"));
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(bad("it must end after the port"));
    }
    let port = match authority.port() {
        Some(port) => port.as_u16(),
        None if has_port_text(authority.as_str()) => {
            return Err(bad("the port must be 1 to 65535"));
        }
        None => PORT_DEFAULT,
    };
    if port == 0 {
        return Err(bad("the port must be 1 to 65535"));
    }
    format!("{}:{port}", authority.host()).parse().map_err(|error| bad(&format!("{error}")))
}

/// Whether something stands where a port belongs: after the last colon outside of `[...]`.
fn has_port_text(authority: &str) -> bool {
    let after_host = authority.rsplit(']').next().unwrap_or(authority);
    after_host.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Result<&str, &str>) {
        match (parse(address), expected) {
            (Ok(uri), Ok(expected)) => assert_eq!(uri.to_string(), expected, "{address}"),
            (Err(error), Err(expected)) => {
                let message = error.to_string();
                assert!(message.contains(expected), "{address}: {message}");
                assert!(message.contains("http://127.0.0.1:7380"), "{address}: {message}");
            }
            (given, _) => panic!("{address}: {given:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn addresses_are_read_or_refused_by_name() {
        check("http://127.0.0.1:7380", Ok("127.0.0.1:7380"));
        check("http://127.0.0.1:7380/", Ok("127.0.0.1:7380"));
        check("db.internal:99", Ok("db.internal:99"));
        check("localhost", Ok("localhost:7380"));
        check("http://[::1]:80", Ok("[::1]:80"));
        check("http://[::1]", Ok("[::1]:7380"));
        check("", Err("it is empty"));
        check("https://a:1", Err("TLS is not supported yet"));
        check("redis://a:1", Err("the scheme must be http"));
        check("http://a:1/x", Err("it must end after the port"));
        check("http://a:1?x=1", Err("it must end after the port"));
        check("http://u:p@a:1", Err("passwords are not supported"));
        check("http://a:0", Err("the port must be 1 to 65535"));
        check("http://a:65536", Err("the port must be 1 to 65535"));
        check("http://a:x", Err("bad address"));
        check("http://", Err("bad address"));
        check("http://:7380", Err("bad address"));
        check("a b", Err("bad address"));
    }
}
