//! What both peers share: the command line, the runtime, the counting allocator.
//!
//! `PROGRAM one|threads WORK COUNT [count]` prints one line: operations a second (of `idle`: bytes an
//! actor by the allocator, then by the resident set); with `count`, allocations an operation instead.

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// Messages between two yields of a sender, what a bounded mailbox holds, actors spawned at a time.
pub const BATCH: u64 = 64;
pub const BOUND: usize = 1000;
pub const SPAWNED: u64 = 1000;

pub struct Counting;

static ON: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE: AtomicI64 = AtomicI64::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ON.load(Relaxed) {
            ALLOCATIONS.fetch_add(1, Relaxed);
            LIVE.fetch_add(layout.size() as i64, Relaxed);
        }
        System.alloc(layout)
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        if ON.load(Relaxed) {
            LIVE.fetch_sub(layout.size() as i64, Relaxed);
        }
        System.dealloc(at, layout)
    }
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if ON.load(Relaxed) {
            ALLOCATIONS.fetch_add(1, Relaxed);
            LIVE.fetch_add(size as i64 - layout.size() as i64, Relaxed);
        }
        System.realloc(at, layout, size)
    }
}

pub fn live_bytes() -> i64 {
    LIVE.load(Relaxed)
}

pub fn resident_bytes() -> i64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: i64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

/// From outside of the work to its end.
pub struct Span {
    start: Instant,
    allocations: u64,
}

impl Span {
    pub fn begin() -> Span {
        Span { allocations: ALLOCATIONS.load(Relaxed), start: Instant::now() }
    }
    pub fn end(self, count: u64) -> String {
        let seconds = self.start.elapsed().as_secs_f64();
        if ON.load(Relaxed) {
            let allocations = ALLOCATIONS.load(Relaxed) - self.allocations;
            format!("{:.4}", allocations as f64 / count as f64)
        } else {
            format!("{:.0}", count as f64 / seconds)
        }
    }
}

/// Runs the work that the command line names and prints what it says.
pub fn main<F, R>(work: F)
where
    F: FnOnce(String, u64) -> R,
    R: Future<Output = String> + Send + 'static,
{
    let args: Vec<String> = std::env::args().collect();
    if args.len() < 4 {
        eprintln!("usage: {} one|threads WORK COUNT [count]", args[0]);
        std::process::exit(2);
    }
    let count = args[3].parse().expect("COUNT");
    let runtime = match args[1].as_str() {
        "one" => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        "threads" => {
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
        }
        other => panic!("mode {other}"),
    }
    .expect("runtime");
    ON.store(args[2] == "idle" || args.get(4).is_some_and(|a| a == "count"), Relaxed);
    let future = work(args[2].clone(), count);
    // A task, so that with threads nothing runs on the thread that only waits.
    let line = runtime.block_on(async { tokio::spawn(future).await.expect("work") });
    println!("{line}");
}
