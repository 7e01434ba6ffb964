//! From the path of a request to the path of a file, and back.

use hyper::StatusCode;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

/// What a request asks for.
pub(crate) struct Wanted {
    /// Below the root, and by its words alone nowhere else.
    pub(crate) path: PathBuf,
    /// The path of the request ends with a slash.
    pub(crate) directory: bool,
    /// As a link: slashes, letters, digits, `-._~`, and all else in percents.
    pub(crate) link: String,
}

/// Reads the path of a request.
///
/// # Errors
///
/// 400 for what is no path, or climbs out of it; 404 for what may be one, and is never served.
pub(crate) fn wanted(path: &str) -> Result<Wanted, StatusCode> {
    let mut segments = path.strip_prefix('/').ok_or(StatusCode::BAD_REQUEST)?.split('/').peekable();
    let mut wanted = Wanted { path: PathBuf::new(), directory: true, link: String::new() };
    while let Some(segment) = segments.next() {
        wanted.link.push('/');
        wanted.directory = segment.is_empty();
        if segment.is_empty() {
            // Only the last may be empty: `//host/` would be a link to elsewhere.
            if segments.peek().is_some() {
                return Err(StatusCode::NOT_FOUND);
            }
            break;
        }
        let name = name(decode(segment).ok_or(StatusCode::BAD_REQUEST)?)?;
        wanted.link.push_str(&encode(&name));
        wanted.path.push(name);
    }
    Ok(wanted)
}

/// What one name in a path stands for, if it is one name.
fn name(bytes: Vec<u8>) -> Result<OsString, StatusCode> {
    if bytes.contains(&0) {
        return Err(StatusCode::BAD_REQUEST);
    }
    #[cfg(unix)]
    let name: OsString = std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    let name = OsString::from(String::from_utf8(bytes).map_err(|_| StatusCode::BAD_REQUEST)?);
    let mut parts = Path::new(&name).components();
    let is_one = matches!(parts.next(), Some(Component::Normal(part)) if part == &*name);
    if !is_one || parts.next().is_some() {
        return Err(StatusCode::BAD_REQUEST);
    }
    if is_hidden(&name) {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(name)
}

/// Nobody needs to see what is in `.git`.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn decode(segment: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (mut bytes, mut decoded) = (segment.bytes(), Vec::with_capacity(segment.len()));
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => (digit(bytes.next()?)? * 16 + digit(bytes.next()?)?) as u8,
            byte => byte,
        });
    }
    Some(decoded)
}

/// One name, as a part of a link.
pub(crate) fn encode(name: &OsStr) -> String {
    let mut encoded = String::new();
    for byte in name.as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// What a file is, by the end of its name.
pub(crate) fn kind(path: &Path) -> &'static str {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "txt" | "log" | "toml" | "rs" => "text/plain; charset=utf-8",
        "md" => "text/markdown; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "json" | "map" => "application/json",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "tar" => "application/x-tar",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "ico" => "image/x-icon",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "ogg" | "oga" => "audio/ogg",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        _ => "application/octet-stream",
    }
}
