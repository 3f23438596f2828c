//! Where the server listens for the protocol of the benchmark.

use super::plan::Protocol;
use crate::failure::Failure;

/// `host:port`, from what was asked for, or else from the host that all verbs talk to and the protocol's
/// usual port. Over gRPC that is the port that all verbs talk to.
pub(crate) fn resolve(
    protocol: Protocol,
    target: Option<&str>,
    addr: &str,
) -> Result<String, Failure> {
    if let Some(target) = target {
        return with_port(target, protocol.port());
    }
    let usual = with_port(addr, protocol.port())?;
    if protocol.is_grpc() {
        return Ok(usual);
    }
    let host = usual.rsplit_once(':').map_or(usual.as_str(), |(host, _)| host);
    Ok(format!("{host}:{}", protocol.port()))
}

/// Adds the port where there is none.
fn with_port(address: &str, port: u16) -> Result<String, Failure> {
    let given = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
    let (host, port) = match given.rsplit_once(':') {
        // A colon within brackets belongs to an IPv6 address.
        Some((host, digits)) if !digits.contains(']') => (host, digits.parse().ok()),
        _ => (given, Some(port)),
    };
    let is_host = !host.is_empty()
        && !host.contains(['/', '@', ' '])
        && (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
    match port {
        Some(1..) if is_host => Ok(format!("{host}:{}", port.unwrap_or_default())),
        _ => Err(Failure::Usage(format!(
            "bad address \"{address}\": host:port is needed, as in 127.0.0.1:7379 or [::1]:7379"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_the_protocol_s_unless_it_is_given() {
        let check = |protocol, target: Option<&str>, addr: &str, expected: &str| {
            assert_eq!(resolve(protocol, target, addr).unwrap(), expected);
        };
        check(Protocol::Resp, None, "http://127.0.0.1:7380", "127.0.0.1:7379");
        check(Protocol::Http, None, "http://kv.example:9/", "kv.example:7381");
        check(Protocol::Grpc, None, "kv.example:9", "kv.example:9");
        check(Protocol::GrpcPipeline, None, "kv.example", "kv.example:7380");
        check(Protocol::Resp, Some("10.0.0.1:6379"), "ignored", "10.0.0.1:6379");
        check(Protocol::Resp, Some("10.0.0.1"), "ignored", "10.0.0.1:7379");
        check(Protocol::Http, None, "http://[::1]:7380", "[::1]:7381");
        check(Protocol::Http, Some("[::1]"), "ignored", "[::1]:7381");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in ["", ":7379", "a:0", "a:65536", "a:x", "::1", "a/b:1", "u@a:1", "ftp://a:1"] {
            let error = resolve(Protocol::Resp, Some(bad), "a:1").unwrap_err().to_string();
            assert!(error.contains("host:port is needed"), "{bad}: {error}");
        }
    }
}
