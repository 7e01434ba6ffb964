//! How long quiet connections wait for their answers, alone and beside a hot one.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{io, thread};

/// Messages of the quiet connections in each half of a round.
const MESSAGES: usize = 4_000;
const ROUNDS: usize = 9;
const MESSAGE: usize = 64;

/// What one server does to those who wait.
pub(crate) struct Tail {
    /// The 99th percentiles.
    pub(crate) alone: Duration,
    pub(crate) beside: Duration,
    /// The median of the rounds' ratios.
    pub(crate) ratio: f64,
    /// Bytes that the hot one got rid of, in a second.
    pub(crate) hot: f64,
}

/// A server that echoes, with `quiet` connections to it, of which so many have a message on the way at the same time.
pub(crate) fn measure(address: &str, quiet: &mut [TcpStream], waiting: usize) -> io::Result<Tail> {
    let (mut rounds, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let alone = percentile(quiet, waiting)?;
        let (beside, rate) = heated(address, || percentile(quiet, waiting))?;
        rounds.push((alone, beside?));
        rates.push(rate);
    }
    let ratios = rounds.iter().map(|(alone, beside)| beside.as_secs_f64() / alone.as_secs_f64());
    Ok(Tail {
        ratio: median(ratios.collect()),
        alone: Duration::from_secs_f64(median(
            rounds.iter().map(|(alone, _)| alone.as_secs_f64()).collect(),
        )),
        beside: Duration::from_secs_f64(median(
            rounds.iter().map(|(_, beside)| beside.as_secs_f64()).collect(),
        )),
        hot: median(rates),
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Messages on so many connections, then their answers, and then the same on the next ones: the time that 99 in 100 do
/// not exceed.
fn percentile(quiet: &mut [TcpStream], waiting: usize) -> io::Result<Duration> {
    let (mut times, mut buffer) = (Vec::with_capacity(MESSAGES), [0; MESSAGE]);
    while times.len() < MESSAGES {
        for some in quiet.chunks_mut(waiting) {
            let mut begun = Vec::with_capacity(waiting);
            for connection in &mut *some {
                begun.push(Instant::now());
                connection.write_all(&[1; MESSAGE])?;
            }
            for (connection, begin) in some.iter_mut().zip(begun) {
                connection.read_exact(&mut buffer)?;
                times.push(begin.elapsed());
            }
        }
    }
    times.sort_unstable();
    Ok(times[times.len() * 99 / 100])
}

/// Does something while one more connection writes as much as it can, and reads what comes.
fn heated<T>(address: &str, work: impl FnOnce() -> T) -> io::Result<(T, f64)> {
    let (hot, written) = (TcpStream::connect(address)?, AtomicU64::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            let chunk = [2; 64 * 1024];
            while let Ok(count) = (&hot).write(&chunk) {
                written.fetch_add(count as u64, Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            let mut buffer = [0; 64 * 1024];
            while (&hot).read(&mut buffer).is_ok_and(|count| count > 0) {}
        });
        // Until it is warm.
        thread::sleep(Duration::from_millis(20));
        let (before, begin) = (written.load(Ordering::Relaxed), Instant::now());
        let result = work();
        let bytes = written.load(Ordering::Relaxed) - before;
        let rate = bytes as f64 / begin.elapsed().as_secs_f64();
        hot.shutdown(Shutdown::Both)?;
        Ok((result, rate))
    })
}
