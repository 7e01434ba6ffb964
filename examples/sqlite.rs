//! A guest book in SQLite that `nc` clients write in: queries block, the server does not.
//!
//!     cargo run --release --example sqlite -- [127.0.0.1:7000] [guests.db]
//!     nc 127.0.0.1 7000        # a line is an entry, an empty line shows the last ten
//!
//! Each client has a connection to the database, which goes to the blocking pool with each query and comes
//! back with the answer. A timer ticks all the while; how late it was shows whether the loop was ever kept.

use onward::net::{Server, Socket};
use onward::{events::*, pool, set_interval, spawn, spawn_blocking};
use rusqlite::Connection as Database;
use std::time::{Duration, Instant};

/// A writer waits for as long as this for its turn: there is one at a time.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_LINE: usize = 1000;

fn main() -> onward::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:7000".into());
    let path = args.next().unwrap_or_else(|| "guests.db".into());
    create(&path).map_err(onward::Error::other)?;

    onward::run(|| {
        let server = Server::listen(&address)?;
        println!("the guest book lies on {}; it is kept in {path}", server.local_addr());
        server.on(Error, |_, error| eprintln!("{error}"));
        server.on(Connection, move |_, socket| {
            socket.on(Error, |_, error| eprintln!("{error}"));
            let path = path.clone();
            spawn(async move {
                if let Err(error) = serve(&socket, path).await {
                    eprintln!("{error}");
                    socket.destroy();
                }
            });
        });
        tick();
        Ok(())
    })
}

/// Answers somebody line by line, one after the other.
async fn serve(socket: &Socket, path: String) -> onward::Result<()> {
    socket.set_half_open(true); // who has said all will still hear the answer
    socket.once(End, |socket, ()| socket.remove_all_of(Data)); // which ends the stream
    let mut chunks = socket.stream(Data).block();
    let mut database = spawn_blocking(|| open(path)).await?.map_err(onward::Error::other)?;
    let mut rest = Vec::new();
    while let Some(chunk) = chunks.next().await {
        rest.extend_from_slice(&chunk);
        while let Some(end) = rest.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let work = move || (answer(&database, &printable(&line)), database);
            let answered;
            (answered, database) = spawn_blocking(work).await?;
            socket.write(answered.unwrap_or_else(|error| format!("sorry: {error}\n")));
        }
        if rest.len() > LONGEST_LINE {
            return Err(onward::Error::other("that line is too long"));
        }
    }
    socket.end();
    Ok(())
}

/// Shows the tenth of a second, and how late it comes.
fn tick() {
    const BEAT: Duration = Duration::from_millis(100);
    let (mut due, mut latest, mut ticks) = (Instant::now() + BEAT, Duration::ZERO, 0);
    set_interval(BEAT, move |_| {
        latest = latest.max(due.elapsed());
        due = Instant::now() + BEAT;
        ticks += 1;
        if ticks % 10 == 0 {
            let queries = pool::stats().user;
            println!(
                "{ticks} ticks, at most {latest:.1?} late; queries: {} done, {} under way",
                queries.done, queries.running
            );
        }
    });
}

fn create(path: &str) -> rusqlite::Result<()> {
    let database = open(path.into())?;
    // Readers need not wait for a writer.
    database.pragma_update(None, "journal_mode", "wal")?;
    database.execute_batch("create table if not exists guests (entry text not null)")
}

fn open(path: String) -> rusqlite::Result<Database> {
    let database = Database::open(path)?;
    database.busy_timeout(PATIENCE)?;
    Ok(database)
}

/// What blocks: it runs on the pool.
fn answer(database: &Database, line: &str) -> rusqlite::Result<String> {
    if line.is_empty() {
        let query = "select rowid, entry from guests order by rowid desc limit 10";
        let mut query = database.prepare(query)?;
        let entries = query.query_map((), |row| {
            Ok(format!("{}: {}\n", row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        return entries.collect();
    }
    database.execute("insert into guests (entry) values (?1)", [line])?;
    Ok(format!("thank you, you are number {}\n", database.last_insert_rowid()))
}

/// What people write is shown on other people's terminals: no control characters.
fn printable(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim().replace(char::is_control, "\u{fffd}")
}
