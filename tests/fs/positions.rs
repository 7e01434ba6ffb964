//! Open files, read and written at offsets.

use super::support::{Dir, descriptors, noise, wait};
use onward::fs::{self, File, FileOptions};
use std::io;

fn both() -> FileOptions {
    FileOptions::new().write(true).create(true)
}

#[test]
fn bytes_are_where_they_were_written() {
    let dir = Dir::new();
    let path = dir.path("file");
    wait(async {
        let file = both().open(&path).await?;
        let bytes = noise(400_000, 1);
        let writes: Vec<_> = bytes
            .chunks(10_000)
            .zip(0..)
            .map(|(chunk, at)| file.write_at(at * 10_000, chunk.to_vec()).start())
            .collect();
        for write in writes.into_iter().rev() {
            write.await?;
        }
        assert!(fs::read(&path).await? == bytes);
        assert!(file.read_at(123_456, 200_000).await? == bytes[123_456..323_456]);
        assert!(file.read_at(399_990, 100).await? == bytes[399_990..]);
        assert_eq!(file.read_at(400_000, 100).await?, b"");
        assert_eq!(file.read_at(1 << 40, 200_000).await?, b"");
        assert_eq!(file.read_at(5, 0).await?, b"");
        Ok(())
    });
}

#[test]
fn offsets_beyond_four_gibibytes_are_exact() {
    const FAR: u64 = 5 * (1 << 32) + 7;
    let dir = Dir::new();
    wait(async {
        let file = both().open(dir.path("sparse")).await?;
        file.write_at(FAR, "far").await?;
        assert_eq!(file.stat().await?.len(), FAR + 3);
        assert_eq!(file.read_at(FAR - 2, 10).await?, b"\0\0far");
        let error = file.write_at(u64::MAX, "x").await.unwrap_err();
        assert!(error.target().is_some_and(|path| path.ends_with("sparse")), "{error}");
        assert!(file.read_at(u64::MAX, 10).await.is_err());
        file.truncate(FAR).await?;
        assert_eq!(file.read_at(FAR - 2, 10).await?, b"\0\0");
        Ok(())
    });
}

#[test]
fn a_read_that_asks_for_more_than_there_is_memory_is_an_error() {
    let dir = Dir::new();
    let path = dir.file("file", "x");
    wait(async {
        let file = FileOptions::new().open(&path).await?;
        let error = file.read_at(0, usize::MAX / 2).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::OutOfMemory));
        Ok(())
    });
}

#[test]
fn the_options_are_those_of_the_system() {
    let dir = Dir::new();
    let path = dir.file("file", "x");
    wait(async {
        let error = FileOptions::new().write(true).create_new(true).open(&path).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::AlreadyExists));
        assert!(FileOptions::new().open(dir.path("missing")).await.unwrap_err().is_not_found());
        let file = FileOptions::new().open(&path).await?;
        assert!(file.write_at(0, "y").await.is_err(), "it is open for reading");
        let file = FileOptions::new().write(true).truncate(true).open(&path).await?;
        assert_eq!(file.stat().await?.len(), 0);
        let error = FileOptions::new().read(false).open(&path).await.unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::InvalidInput), "{error}");
        Ok(())
    });
}

#[test]
fn the_file_closes_when_nobody_works_on_it_any_more() {
    let dir = Dir::new();
    let path = dir.path("file");
    wait(async {
        let file = both().open(&path).await?;
        let second = file.clone();
        drop(file);
        let write = second.write_at(0, "x");
        drop(second);
        assert_eq!(descriptors(&path), 1);
        write.await?;
        assert_eq!(descriptors(&path), 0);
        Ok(())
    });
}

#[test]
fn a_file_that_is_cut_meanwhile_ends_where_it_ends() {
    let dir = Dir::new();
    let path = dir.file("file", noise(300_000, 1));
    wait(async {
        let file = FileOptions::new().open(&path).await?;
        fs::truncate(&path, 10).await?;
        assert_eq!(file.read_at(0, 300_000).await?.len(), 10);
        fs::remove_file(&path).await?;
        assert_eq!(file.read_at(0, 100).await?.len(), 10);
        Ok(())
    });
}

#[test]
fn a_file_of_the_standard_library_comes_and_goes() {
    use std::io::Read as _;
    let dir = Dir::new();
    let path = dir.file("file", "hello");
    wait(async {
        let file = File::from_std(std::fs::File::open(&path)?, &path);
        assert_eq!(file.read_at(1, 3).await?, b"ell");
        let mut text = String::new();
        file.to_std()?.read_to_string(&mut text)?;
        assert_eq!(text, "hello", "it has no position of its own");
        assert_eq!(format!("{file:?}"), format!("File({})", path.display()));
        Ok(())
    });
}
