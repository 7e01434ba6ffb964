//! A notice board over HTTP: hyper on our sockets, and our events as a body that goes on and on.
//!
//!     cargo run --release --example http -- [127.0.0.1:8080] [--patience SECONDS]
//!     curl --data 'The sun is out' 127.0.0.1:8080/notes     # puts up a note; the answer says where
//!     curl 127.0.0.1:8080/notes/1                           # reads it
//!     curl -N 127.0.0.1:8080/events                         # tells of each note as it is put up
//!     curl 127.0.0.1:8080/count/1000000000 | head           # a long body, made as fast as it is read
//!
//! Who takes longer than the patience, 30 seconds, for a head or for a body, or reads nothing of an answer for twice as
//! long, is cut off. Ctrl-C lets the answers that are being made come to their end, for five seconds, and ends.

#[path = "support/hyper.rs"]
mod support;

use futures_lite::future;
use futures_lite::stream::{self, Stream, StreamExt as _};
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, LOCATION};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use onward::net::ServerOptions;
use onward::{events::*, process};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

/// A longer note is refused, before it is read if its length is known.
const LONGEST_NOTE: usize = 64 * 1024;
/// With one more, the oldest comes down.
const MOST_NOTES: usize = 1000;
const MOST_CLIENTS: usize = 1000;
/// Numbers in a piece of `/count`.
const PIECE: u64 = 1000;
/// How long answers may take once we close.
const FAREWELL: Duration = Duration::from_secs(5);

onward::events! {
    /// What happens at the board.
    News {
        /// A note was put up: its number, and its text.
        PutUp(u64, &str),
    }
}

#[derive(Default)]
struct Board {
    news: News,
    notes: RefCell<BTreeMap<u64, Bytes>>,
    patience: Duration,
}

/// A body of any kind: all at once, or piece by piece.
type Answer = Response<Pin<Box<dyn Body<Data = Bytes, Error = Infallible>>>>;

fn main() -> onward::Result<()> {
    let (mut address, mut patience) = ("127.0.0.1:8080".to_owned(), Duration::from_secs(30));
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--patience" {
            let seconds = args.next().and_then(|value| value.parse().ok());
            let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            let Some(duration) = duration else {
                eprintln!("usage: http [HOST:PORT] [--patience SECONDS]");
                std::process::exit(2);
            };
            patience = duration;
        } else {
            address = arg;
        }
    }
    onward::run(|| open(&address, Board { patience, ..Board::default() }))
}

fn open(address: &str, board: Board) -> onward::Result<()> {
    let server = ServerOptions::new().max_connections(MOST_CLIENTS).listen(address)?;
    let ready = format!("serving on {}", server.local_addr());
    let board = Rc::new(board);
    server.on(Error, |_, error| eprintln!("{error}"));
    let here = Rc::clone(&board);
    server.on(Connection, move |_, socket| {
        let board = Rc::clone(&here);
        // Nothing of an answer is read. Whatever else takes too long has been told so before.
        socket.set_timeout(2 * board.patience);
        socket.on(Timeout, |socket, ()| socket.destroy());
        onward::spawn(async move {
            let patience = board.patience;
            let service = service_fn(|request| async {
                Ok::<_, Infallible>(answer(Rc::clone(&board), request).await)
            });
            if let Err(error) = support::serve(socket, patience, service).await {
                eprintln!("{error}");
            }
        });
    });

    let signals = process::signals()?;
    let close = move || {
        println!("closing, {} answers may come to their end", server.connections());
        server.shutdown(FAREWELL);
        // There will be no more news, so `/events` ends too.
        board.news.remove_all();
    };
    signals.once(Terminate, {
        let close = close.clone();
        move |_, ()| close()
    });
    signals.once(Interrupt, move |_, ()| close());
    println!("{ready}"); // which includes the end
    Ok(())
}

async fn answer(board: Rc<Board>, request: Request<Incoming>) -> Answer {
    let path = request.uri().path().to_owned();
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let method = request.method();
    let reads = method == Method::GET || method == Method::HEAD;
    match path.as_slice() {
        [""] if reads => text(StatusCode::OK, "See /notes, /notes/1, /events, /count/1000.\n"),
        ["notes"] if reads => list(&board),
        ["notes"] if method == Method::POST => put_up(&board, request.into_body()).await,
        ["notes", number] if reads => {
            let note = number.parse().ok().and_then(|it| board.notes.borrow().get(&it).cloned());
            note.map_or_else(missing, |note| text(StatusCode::OK, note))
        }
        ["events"] if reads => pieces("text/event-stream", events(&board)),
        ["count", to] if reads => match to.parse() {
            Ok(to) => pieces("text/plain", numbers(to)),
            Err(_) => text(StatusCode::BAD_REQUEST, "That is no number.\n"),
        },
        ["notes"] => not_allowed("GET, HEAD, POST"),
        [""] | ["notes" | "count", _] | ["events"] => not_allowed("GET, HEAD"),
        _ => missing(),
    }
}

fn list(board: &Board) -> Answer {
    let notes = board.notes.borrow();
    let lines =
        notes.iter().map(|(number, note)| format!("/notes/{number}: {} bytes\n", note.len()));
    text(StatusCode::OK, lines.collect::<String>())
}

/// Reads the body, within limits of size and time.
async fn put_up(board: &Board, body: Incoming) -> Answer {
    if body.size_hint().lower() > LONGEST_NOTE as u64 {
        return text(StatusCode::PAYLOAD_TOO_LARGE, "That note is too long.\n");
    }
    let body = Limited::new(body, LONGEST_NOTE).collect();
    let note = match onward::timeout(board.patience, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return text(StatusCode::PAYLOAD_TOO_LARGE, "That note is too long.\n");
        }
        Ok(Err(error)) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "That took too long.\n"),
    };
    let Ok(words) = std::str::from_utf8(&note) else {
        return text(StatusCode::BAD_REQUEST, "That is no text in UTF-8.\n");
    };
    let number = {
        let mut notes = board.notes.borrow_mut();
        let number = notes.last_key_value().map_or(1, |(last, _)| last + 1);
        notes.insert(number, note.clone());
        if notes.len() > MOST_NOTES {
            notes.pop_first();
        }
        number
    };
    board.news.emit(PutUp, (number, words));
    let place = format!("/notes/{number}");
    let mut answer = text(StatusCode::CREATED, format!("{place}\n"));
    if let Ok(place) = place.try_into() {
        answer.headers_mut().insert(LOCATION, place);
    }
    answer
}

/// Each note as it is put up, as server-sent events. Who is too slow misses the oldest. Where there is no news, an empty
/// comment shows that we are still here.
fn events(board: &Board) -> impl Stream<Item = Bytes> + use<> {
    let (news, beats) = (board.news.stream(PutUp), onward::interval(board.patience));
    stream::unfold((news, beats), |(mut news, mut beats)| async {
        let told = async { news.next().await.map(|(number, note)| event(number, &note)) };
        let still_here = async {
            beats.tick().await;
            Some(Bytes::from_static(b":\n\n"))
        };
        let piece = future::or(told, still_here).await;
        piece.map(|piece| (piece, (news, beats)))
    })
}

fn event(number: u64, note: &str) -> Bytes {
    let lines = note.replace("\r\n", "\n");
    let lines = lines.split(['\n', '\r']).map(|line| format!("data: {line}\n"));
    format!("id: {number}\n{}\n", lines.collect::<String>()).into()
}

/// The numbers from 1 to `to`, a line for each: a piece is made when the last one has gone.
fn numbers(to: u64) -> impl Stream<Item = Bytes> {
    let first = (0..to.div_ceil(PIECE)).map(|piece| piece * PIECE + 1);
    stream::iter(first.map(move |first| {
        let last = to.min(first + PIECE - 1);
        (first..=last).fold(String::new(), |lines, number| lines + &format!("{number}\n")).into()
    }))
}

fn pieces(kind: &'static str, pieces: impl Stream<Item = Bytes> + 'static) -> Answer {
    respond(StatusCode::OK, kind, StreamBody::new(pieces.map(|piece| Ok(Frame::data(piece)))))
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    respond(status, "text/plain; charset=utf-8", Full::new(text.into()))
}

fn missing() -> Answer {
    text(StatusCode::NOT_FOUND, "There is nothing here.\n")
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, format!("Only {methods}.\n"));
    answer.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static(methods));
    answer
}

fn respond(
    status: StatusCode,
    kind: &'static str,
    body: impl Body<Data = Bytes, Error = Infallible> + 'static,
) -> Answer {
    let mut answer: Answer = Response::new(Box::pin(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    answer
}
