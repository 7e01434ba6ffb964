//! Who one is: a certificate and its key.

use crate::error::{Error, ErrorKind, Result};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What encrypts and signs, unless a configuration of the program's own says otherwise.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The certificates of a text in PEM format, of which there has to be one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let wrong = || Error::new(ErrorKind::InvalidInput, "read certificates");
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| wrong().because(error))?;
    if found.is_empty() { Err(wrong().because("there are none in it")) } else { Ok(found) }
}

/// A certificate, those that vouch for it, and its private key: what a server shows, and a client that is asked to.
///
/// Clones share it.
///
/// ```
/// use onward::tls::Identity;
///
/// # let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let (certificates, key) = (made.cert.pem(), made.signing_key.serialize_pem());
/// let identity = Identity::from_pem(certificates, key)?;
/// # let other = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
/// # let another_key = other.signing_key.serialize_pem();
/// # let certificates = made.cert.pem();
/// assert!(Identity::from_pem(certificates, another_key).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// From PEM texts: the certificate first, then those that vouch for it; and the key.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput): there is no certificate, or no key, or it does not fit.
    pub fn from_pem(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let chain = self::certificates(certificates.as_ref())?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref());
        let wrong = |error| Error::new(ErrorKind::InvalidInput, "read key").because(error);
        Self::new(chain, key.map_err(wrong)?)
    }

    /// From PEM files, which may be one and the same. They are read at once, and block that long.
    ///
    /// # Errors
    ///
    /// The system's, about the file; and those of [`from_pem`](Self::from_pem).
    ///
    /// ```no_run
    /// use onward::{events::*, tls};
    ///
    /// onward::run(|| {
    ///     let identity = tls::Identity::from_pem_files("cert.pem", "key.pem")?;
    ///     let server = tls::Server::listen("0.0.0.0:7000", identity)?;
    ///     server.on(SecureConnection, |_, socket| socket.end_with("hello"));
    ///     Ok(())
    /// })?;
    /// # Ok::<(), onward::Error>(())
    /// ```
    pub fn from_pem_files(certificates: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self> {
        let read = |path: &Path| {
            let failed = |error| Error::io("read", error).on(path.display());
            std::fs::read(path).map_err(failed)
        };
        Self::from_pem(read(certificates.as_ref())?, read(key.as_ref())?)
    }

    /// From certificates and a key that have been read already.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput): the key is of no kind that is known, or does not fit.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self> {
        let wrong = |error| Error::new(ErrorKind::InvalidInput, "read key").because(error);
        let key = CertifiedKey::from_der(chain, key, &provider()).map_err(wrong)?;
        Ok(Self(Arc::new(key)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.0.cert.len())
    }
}
