//! What a child costs: to start it and to see it end, against `std::process`.
//!
//!     cargo bench --bench process
//!
//! Both sides take turns in each round, 100 children each; each figure is the median of the rounds, and each ratio that of
//! the rounds' ratios. Most of it is the system's own work.

#[cfg(unix)]
mod unix {
    use onward::events::*;
    use onward::process::{Command, Stdio};
    use std::process;
    use std::time::{Duration, Instant};

    const ROUNDS: usize = 21;
    const CHILDREN: u32 = 100;

    pub(crate) fn main() {
        println!("{:28}{:>10}{:>12}{:>8}", "us per child", "std", "onward", "ratio");
        report("one after the other", plain, || follow(CHILDREN, 1));
        report("the same, output collected", collected, || collect(CHILDREN));
        report("ten at a time", ten_at_a_time, || follow(CHILDREN, 10));
    }

    fn report(name: &str, mut bare: impl FnMut(), mut ours: impl FnMut()) {
        let mut rounds: Vec<[f64; 2]> = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([time(&mut bare), time(&mut ours)]);
        }
        let median = |of: &dyn Fn(&[f64; 2]) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let (std, onward) = (median(&|round| round[0]), median(&|round| round[1]));
        let ratio = median(&|round| round[1] / round[0]);
        println!("{name:28}{std:>10.0}{onward:>12.0}{ratio:>8.2}");
    }

    /// Microseconds for each child.
    fn time(work: &mut impl FnMut()) -> f64 {
        let began = Instant::now();
        work();
        let spent: Duration = began.elapsed();
        spent.as_secs_f64() * 1e6 / f64::from(CHILDREN)
    }

    fn bare() -> process::Command {
        let mut command = process::Command::new("true");
        let null = process::Stdio::null;
        command.stdin(null()).stdout(null()).stderr(null());
        command
    }

    fn plain() {
        (0..CHILDREN).for_each(|_| assert!(bare().status().expect("it runs").success()));
    }

    fn collected() {
        for _ in 0..CHILDREN {
            let output = process::Command::new("true").output().expect("it runs");
            assert!(output.status.success());
        }
    }

    fn ten_at_a_time() {
        for _ in 0..CHILDREN / 10 {
            let ten: Vec<_> = (0..10).map(|_| bare().spawn().expect("it runs")).collect();
            ten.into_iter().for_each(|mut child| assert!(child.wait().expect("it ends").success()));
        }
    }

    /// So many children, each ten or one when those before have closed.
    fn follow(children: u32, at_a_time: u32) {
        fn next(left: u32) {
            if left > 0 {
                let child = Command::new("true").stdio(Stdio::null).spawn().expect("a loop");
                child.on(Close, move |_, status| {
                    assert!(status.is_some_and(|status| status.success()));
                    next(left - 1);
                });
            }
        }
        let setup = || {
            (0..at_a_time).for_each(|_| next(children / at_a_time));
            Ok(())
        };
        onward::run(setup).expect("it ends well");
    }

    fn collect(children: u32) {
        let all = async move {
            for _ in 0..children {
                let output = Command::new("true").output()?.await?;
                assert!(output.status.success());
            }
            Ok::<(), onward::Error>(())
        };
        onward::block_on(all).and_then(|result| result).expect("it ends well");
    }
}

#[cfg(unix)]
fn main() {
    unix::main();
}

#[cfg(not(unix))]
fn main() {}
