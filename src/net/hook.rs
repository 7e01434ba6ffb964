//! A loop's own way to look up names.

use super::resolve::Resolver;
use crate::error::{Error, ErrorKind, Result};
use crate::event_loop::Handle;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

/// What a hook gives.
pub(super) type Answer = Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>>>>>;
pub(super) type Hook = Rc<dyn Fn(&str, u16) -> Answer>;

pub(super) fn hook<F>(lookup: impl Fn(&str, u16) -> F + 'static) -> Hook
where
    F: Future<Output = Result<Vec<SocketAddr>>> + 'static,
{
    Rc::new(move |host, port| Box::pin(lookup(host, port)))
}

/// Calls `then` with the answer. If the future panics, which passes on, whoever waits hears of that.
pub(super) async fn tell(answer: Answer, then: impl FnOnce(Result<Vec<SocketAddr>>)) {
    let mut asker = Asker(Some(then));
    let found = answer.await;
    if let Some(then) = asker.0.take() {
        then(found);
    }
}

struct Asker<F: FnOnce(Result<Vec<SocketAddr>>)>(Option<F>);

impl<F: FnOnce(Result<Vec<SocketAddr>>)> Drop for Asker<F> {
    fn drop(&mut self) {
        // Else it was given up.
        if std::thread::panicking() {
            let error = Error::new(ErrorKind::Cancelled, "look up").because("its future panicked");
            if let Some(then) = self.0.take() {
                then(Err(error));
            }
        }
    }
}

/// Has all names on this loop looked up by `lookup`, instead of by the system: those that sockets connect to, and those of
/// [`lookup`](super::lookup()). A [`Connector`](super::Connector) that has a lookup of its own keeps it.
///
/// It is handed the host and the port, and gives a future of the addresses, which runs on the loop and is dropped when
/// nobody waits for it any more. It is called for each who asks, inside of the call that asks, and for names only. What
/// it says is not remembered: it knows better how long that holds. For names that it does not know it may ask
/// [`system_lookup`](super::system_lookup).
///
/// # Errors
///
/// Not in a loop.
///
/// ```
/// use onward::{events::*, net::{self, Server, Socket}};
///
/// onward::run(|| {
///     let server = Server::listen("127.0.0.1:0")?;
///     server.on(Connection, |server, _| server.close());
///
///     net::set_lookup(|host, port| {
///         let known = host.ends_with(".test").then(|| vec![([127, 0, 0, 1], port).into()]);
///         let others = net::system_lookup(format!("{host}:{port}"));
///         async move {
///             match known {
///                 Some(addresses) => Ok(addresses),
///                 None => others?.await,
///             }
///         }
///     })?;
///     let port = server.local_addr().port().unwrap_or(0);
///     let socket = Socket::connect(format!("chat.test:{port}"))?;
///     socket.on(Connect, |socket, ()| socket.destroy());
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
#[doc(alias = "dns.setServers")]
pub fn set_lookup<F>(lookup: impl Fn(&str, u16) -> F + 'static) -> Result<()>
where
    F: Future<Output = Result<Vec<SocketAddr>>> + 'static,
{
    let handle = Handle::for_operation("set lookup")?;
    Resolver::of(&handle).set_hook(Some(hook(lookup)));
    Ok(())
}

/// Has names on this loop looked up by the system again. What has been asked is answered all the same.
///
/// # Errors
///
/// Not in a loop.
///
/// ```
/// use onward::net;
///
/// onward::run(|| {
///     net::set_lookup(|_, _| async { Ok(vec![]) })?;
///     net::reset_lookup()?;
///     net::lookup("localhost:80")?.then(|found| assert!(found.is_ok_and(|found| found.len() > 0)));
///     Ok(())
/// })?;
/// # Ok::<(), onward::Error>(())
/// ```
pub fn reset_lookup() -> Result<()> {
    let handle = Handle::for_operation("reset lookup")?;
    Resolver::of(&handle).set_hook(None);
    Ok(())
}
