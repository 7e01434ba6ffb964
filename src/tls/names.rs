//! Which certificate a server shows to whom.

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::sync::Arc;

/// Those with a name, and what is there for all others.
#[derive(Clone, Debug)]
pub(super) struct Names {
    named: HashMap<String, Arc<CertifiedKey>>,
    others: Arc<dyn ResolvesServerCert>,
}

impl Names {
    pub(super) fn new(others: Arc<dyn ResolvesServerCert>) -> Self {
        Self { named: HashMap::new(), others }
    }

    pub(super) fn add(&mut self, name: &str, key: Arc<CertifiedKey>) {
        self.named.insert(name.to_ascii_lowercase(), key);
    }

    /// `*.example.org` stands for one label and no more.
    fn find(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        let exact = self.named.get(&name);
        exact.or_else(|| self.named.get(&format!("*.{}", name.split_once('.')?.1)))
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match hello.server_name().and_then(|name| self.find(name)) {
            Some(key) => Some(Arc::clone(key)),
            None => self.others.resolve(hello),
        }
    }
}
