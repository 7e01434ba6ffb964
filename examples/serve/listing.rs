//! What stands in a directory, as a page.

use crate::paths;
use onward::fs::{self, DirEntry};
use std::path::Path;

/// A page with more links is of no use to anybody.
const MOST_NAMES: usize = 10_000;

/// Directories first, and all by their names. `link`: that of the directory, which ends with a slash.
pub(crate) async fn page(directory: &Path, link: &str, title: &str) -> onward::Result<String> {
    let mut entries = fs::list(directory).await?;
    entries.retain(|entry| !paths::is_hidden(entry.file_name()));
    entries.sort_by_cached_key(|entry| (!entry.file_type().is_dir(), entry.file_name().to_owned()));
    let title = escape(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<h1>{title}</h1>\n<ul>\n"
    );
    if link != "/" {
        page.push_str("<li><a href=\"../\">../</a>\n");
    }
    entries.iter().take(MOST_NAMES).for_each(|entry| page.push_str(&line(entry)));
    page.push_str("</ul>\n");
    if let Some(more) = entries.len().checked_sub(MOST_NAMES).filter(|more| *more > 0) {
        page.push_str(&format!("<p>and {more} more\n"));
    }
    Ok(page)
}

fn line(entry: &DirEntry) -> String {
    let slash = if entry.file_type().is_dir() { "/" } else { "" };
    let (name, link) = (entry.file_name().to_string_lossy(), paths::encode(entry.file_name()));
    format!("<li><a href=\"{link}{slash}\">{}{slash}</a>\n", escape(&name))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}
