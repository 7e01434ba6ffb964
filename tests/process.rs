//! Children and standard streams, with real programs.
#![cfg(all(unix, feature = "process"))]

mod process {
    mod children;
    mod collecting;
    mod failing;
    mod killing;
    mod many;
    mod pipes;
    mod standard;
    mod support;
    #[cfg(target_os = "linux")]
    mod terminals;
}
