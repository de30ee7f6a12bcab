//! Where something may be sent: a URL from a configuration.

use std::net::IpAddr;

use approvals::transport::{InvalidTarget, Target};

use crate::input::text;

/// A URL.
pub fn run(data: &[u8]) {
    check(data, str::parse);
}

/// The same with another reader.
pub fn check(data: &[u8], parse: impl Fn(&str) -> Result<Target, InvalidTarget>) {
    let text = text(data);
    let any = Target::insecure_http(&text);
    match parse(&text) {
        Ok(target) => {
            assert_eq!(any.as_ref(), Ok(&target));
            let uri = target.uri();
            let host = uri.host().unwrap().trim_start_matches('[').trim_end_matches(']');
            let here = match host.parse::<IpAddr>() {
                Ok(address) => address.is_loopback(),
                Err(_) => host.eq_ignore_ascii_case("localhost"),
            };
            assert!(uri.scheme_str() == Some("https") || here, "readable on the way: {text}");
        }
        Err(InvalidTarget::Insecure) => assert!(any.is_ok()),
        Err(error) => assert_eq!(any.as_ref().err(), Some(&error)),
    }
    let Ok(target) = any else { return };
    let printed = format!("{target} {target:?}");
    let host = target.uri().host().unwrap();
    assert!(!host.is_empty() && !target.uri().authority().unwrap().as_str().contains('@'));
    assert_eq!(target.to_string().matches('/').count(), 2, "neither path nor query is printed: {printed}");
    assert!(!printed.contains('?') && !printed.contains('#'), "{printed}");
    assert_eq!(Target::insecure_http(&target.uri().to_string()), Ok(target));
}
