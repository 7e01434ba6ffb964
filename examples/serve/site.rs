//! What is answered to whom.

use crate::body::{FileBody, Piece};
use crate::conditions::Marks;
use crate::listing;
use crate::paths::{self, Wanted};
use crate::ranges::Ranges;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use onward::ErrorKind;
use onward::fs::{self, File, FileOptions};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::pin::Pin;

pub(crate) type Answer = Response<Pin<Box<dyn Body<Data = Bytes, Error = onward::Error>>>>;

/// A directory, for everybody to read.
pub(crate) struct Site {
    root: PathBuf,
}

/// Why there is no file to send.
enum No {
    Because(StatusCode),
    Failed(onward::Error),
}

impl From<onward::Error> for No {
    fn from(error: onward::Error) -> Self {
        Self::Failed(error)
    }
}

impl Site {
    pub(crate) async fn open(root: &Path) -> onward::Result<Self> {
        let root = fs::canonicalize(root).await?;
        if !fs::stat(&root).await?.is_dir() {
            return Err(onward::Error::other(format!("{}: no directory", root.display())));
        }
        Ok(Self { root })
    }

    /// Where it really is.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where links lead to, if that is not out of the site.
    async fn find(&self, path: &Path) -> Result<PathBuf, No> {
        let place = fs::canonicalize(self.root.join(path)).await?;
        let is_inside = place.starts_with(&self.root);
        is_inside.then_some(place).ok_or(No::Because(StatusCode::FORBIDDEN))
    }
}

/// Answers a request. What fails on our side is said on standard error too.
pub(crate) async fn answer(site: &Site, request: &Request<Incoming>) -> Answer {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut answer = refuse(StatusCode::METHOD_NOT_ALLOWED);
        set(&mut answer, ALLOW, "GET, HEAD");
        return answer;
    }
    match found(site, request).await {
        Ok(answer) => answer,
        Err(No::Because(status)) => refuse(status),
        Err(No::Failed(error)) => {
            let status = status(&error);
            if status.is_server_error() {
                eprintln!("serve: {error}");
            }
            let mut answer = refuse(status);
            if status == StatusCode::SERVICE_UNAVAILABLE {
                set(&mut answer, RETRY_AFTER, "1");
            }
            answer
        }
    }
}

async fn found(site: &Site, request: &Request<Incoming>) -> Result<Answer, No> {
    let wanted = paths::wanted(request.uri().path()).map_err(No::Because)?;
    let place = site.find(&wanted.path).await?;
    let known = fs::stat(&place).await?;
    if !known.is_dir() {
        // A FIFO would keep its reader waiting, and a device may do anything.
        let status = match (known.is_file(), wanted.directory) {
            (true, false) => return file(&place, request).await,
            (true, true) => StatusCode::NOT_FOUND,
            (false, _) => StatusCode::FORBIDDEN,
        };
        return Err(No::Because(status));
    }
    if !wanted.directory {
        return Ok(to_directory(&wanted, request.uri().query()));
    }
    match site.find(&wanted.path.join("index.html")).await {
        Ok(index) => file(&index, request).await,
        Err(No::Failed(error)) if error.is_not_found() => {
            let title = wanted.path.display();
            let page = listing::page(&place, &wanted.link, &format!("/{title}")).await?;
            let mut answer = full(StatusCode::OK, "text/html; charset=utf-8", page);
            set(&mut answer, CONTENT_SECURITY_POLICY, "default-src 'none'");
            set(&mut answer, CACHE_CONTROL, "no-cache");
            Ok(answer)
        }
        Err(no) => Err(no),
    }
}

/// The links of a page are relative to its path, which therefore has to end with a slash.
fn to_directory(wanted: &Wanted, query: Option<&str>) -> Answer {
    let mut answer = refuse(StatusCode::MOVED_PERMANENTLY);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    set(&mut answer, LOCATION, format!("{}/{query}", wanted.link));
    answer
}

/// A file, or what of it is asked for.
async fn file(place: &Path, request: &Request<Incoming>) -> Result<Answer, No> {
    let file = FileOptions::new().open(place).await?;
    // Of what is open now, whatever becomes of its name.
    let known = file.stat().await?;
    if !known.is_file() {
        return Err(No::Because(StatusCode::FORBIDDEN));
    }
    let (length, marks, headers) = (known.len(), Marks::of(&known), request.headers());
    let mut answer = match marks.answer(headers) {
        Some(StatusCode::NOT_MODIFIED) => {
            let mut answer = empty();
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            answer
        }
        Some(status) => refuse(status),
        None => match ranges(request.method(), headers, &marks, length) {
            Ranges::Missing => {
                let mut answer = refuse(StatusCode::RANGE_NOT_SATISFIABLE);
                set(&mut answer, CONTENT_RANGE, format!("bytes */{length}"));
                answer
            }
            Ranges::Some(ranges) => part(&file, &ranges, length)?,
            Ranges::All => {
                let all = length.checked_sub(1).map(|end| Piece::Range(0..=end));
                respond(StatusCode::OK, paths::kind(place), FileBody::new(&file, all)?)
            }
        },
    };
    set(&mut answer, ETAG, marks.etag());
    set(&mut answer, LAST_MODIFIED, marks.last_modified());
    set(&mut answer, ACCEPT_RANGES, "bytes");
    Ok(answer)
}

/// Ranges are for who asks once, gets them, and has the same file.
fn ranges(method: &Method, headers: &HeaderMap, marks: &Marks, length: u64) -> Ranges {
    let mut asked = headers.get_all(RANGE).iter();
    match (asked.next().and_then(|range| range.to_str().ok()), asked.next()) {
        (Some(range), None) if method == Method::GET && marks.allow_ranges(headers) => {
            Ranges::of(range, length)
        }
        _ => Ranges::All,
    }
}

/// One range is the body; several are parts of it, each with a head of its own.
fn part(file: &File, ranges: &[RangeInclusive<u64>], length: u64) -> onward::Result<Answer> {
    let kind = paths::kind(file.path());
    let place =
        |range: &RangeInclusive<u64>| format!("bytes {}-{}/{length}", range.start(), range.end());
    if let [range] = ranges {
        let body = FileBody::new(file, [Piece::Range(range.clone())])?;
        let mut answer = respond(StatusCode::PARTIAL_CONTENT, kind, body);
        set(&mut answer, CONTENT_RANGE, place(range));
        return Ok(answer);
    }
    // No file can know it beforehand.
    let boundary = format!("{:016x}", RandomState::new().build_hasher().finish());
    let mut pieces = Vec::new();
    for range in ranges {
        let place = place(range);
        pieces.push(Piece::Text(format!(
            "\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: {place}\r\n\r\n"
        )));
        pieces.push(Piece::Range(range.clone()));
    }
    pieces.push(Piece::Text(format!("\r\n--{boundary}--\r\n")));
    let kind = format!("multipart/byteranges; boundary={boundary}");
    Ok(respond(StatusCode::PARTIAL_CONTENT, kind, FileBody::new(file, pieces)?))
}

fn status(error: &onward::Error) -> StatusCode {
    match (error.kind(), error.io_kind()) {
        (ErrorKind::OutOfDescriptors, _) => StatusCode::SERVICE_UNAVAILABLE,
        (_, Some(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)) => StatusCode::NOT_FOUND,
        (_, Some(io::ErrorKind::PermissionDenied)) => StatusCode::FORBIDDEN,
        _ if is_no_name(error) => StatusCode::NOT_FOUND,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Too long a name, or a link that leads to itself.
fn is_no_name(error: &onward::Error) -> bool {
    #[cfg(unix)]
    let codes =
        [rustix::io::Errno::NAMETOOLONG, rustix::io::Errno::LOOP].map(|it| it.raw_os_error());
    #[cfg(not(unix))]
    let codes: [i32; 0] = [];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

fn refuse(status: StatusCode) -> Answer {
    full(status, "text/plain; charset=utf-8", format!("{status}\n"))
}

fn full(status: StatusCode, kind: &str, text: String) -> Answer {
    respond(status, kind, Full::new(Bytes::from(text)).map_err(|never| match never {}))
}

fn empty() -> Answer {
    Response::new(Box::pin(Full::default().map_err(|never| match never {})))
}

fn respond(
    status: StatusCode,
    kind: impl AsRef<str>,
    body: impl Body<Data = Bytes, Error = onward::Error> + 'static,
) -> Answer {
    let mut answer: Answer = Response::new(Box::pin(body));
    *answer.status_mut() = status;
    set(&mut answer, CONTENT_TYPE, kind);
    set(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

/// Values that cannot stand in a header are left out; ours all can.
fn set(answer: &mut Answer, name: HeaderName, value: impl AsRef<str>) {
    if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
        answer.headers_mut().insert(name, value);
    }
}
