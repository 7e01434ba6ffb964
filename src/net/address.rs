//! Addresses as people write them.

use crate::error::{Error, ErrorKind, Result};
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};

/// Where to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Number(SocketAddr),
    /// A host to be looked up, and a port.
    Name(String, u16),
}

impl Address {
    /// Reads `127.0.0.1:80`, `[::1]:80`, `localhost:80`, `example.org:80`.
    pub(super) fn parse(operation: &'static str, address: impl Display) -> Result<Self> {
        let text = address.to_string();
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        let wrong = || {
            Error::new(ErrorKind::InvalidInput, operation)
                .on(&text)
                .because("not an address, want HOST:PORT")
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let odd =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | '/' | '[' | ']');
        match host {
            "localhost" => Ok(Self::Number((Ipv4Addr::LOCALHOST, port).into())),
            _ if host.is_empty() || host.contains(odd) => Err(wrong()),
            _ => Ok(Self::Name(host.into(), port)),
        }
    }

    /// An address to bind to, which has to be a number: looking a name up would block.
    pub(super) fn to_bind(operation: &'static str, address: impl Display) -> Result<SocketAddr> {
        match Self::parse(operation, &address)? {
            Self::Number(number) => Ok(number),
            Self::Name(..) => {
                let error = Error::new(ErrorKind::InvalidInput, operation).on(address);
                Err(error.because("not a number: names are not looked up to listen"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;
    use crate::error::ErrorKind;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let number = |text: &str| Address::Number(text.parse().unwrap());
        let read = |text: &str| Address::parse("connect", text);
        assert_eq!(read("127.0.0.1:80").unwrap(), number("127.0.0.1:80"));
        assert_eq!(read("[::1]:80").unwrap(), number("[::1]:80"));
        assert_eq!(read("localhost:80").unwrap(), number("127.0.0.1:80"));
        assert_eq!(read("example.org:80").unwrap(), Address::Name("example.org".into(), 80));
        for wrong in [
            "",
            "80",
            "host",
            ":80",
            "host:",
            "host:70000",
            "host:-1",
            "::1:80",
            "a b:80",
            "http://a:80",
            "[x]:80",
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong}");
            assert_eq!(
                error.to_string(),
                format!("connect {wrong}: not an address, want HOST:PORT")
            );
        }
        assert!(
            Address::to_bind("listen", "example.org:80")
                .unwrap_err()
                .to_string()
                .contains("not a number")
        );
    }
}
