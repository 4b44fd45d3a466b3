//! Kameo's side of `./dev bench actors`. See ../../actant_actors.c for what each work is.

use actors_common as common;
use kameo::prelude::*;
use std::convert::Infallible;
use tokio::sync::oneshot;

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

struct Sink {
    left: u64,
    sum: u64,
    done: Option<oneshot::Sender<u64>>,
}

impl Actor for Sink {
    type Args = Self;
    type Error = Infallible;
    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

struct Add(u64);
struct Ask(u64);

impl Message<Add> for Sink {
    type Reply = ();
    async fn handle(&mut self, message: Add, _: &mut Context<Self, ()>) {
        self.sum += message.0;
        self.left -= 1;
        if self.left == 0 {
            let _ = self.done.take().unwrap().send(self.sum);
        }
    }
}

impl Message<Ask> for Sink {
    type Reply = u64;
    async fn handle(&mut self, message: Ask, _: &mut Context<Self, u64>) -> u64 {
        self.sum += message.0;
        message.0 + 1
    }
}

struct Source {
    to: ActorRef<Sink>,
    bounded: bool,
    done: Option<oneshot::Sender<u64>>,
}

impl Actor for Source {
    type Args = Self;
    type Error = Infallible;
    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

struct Tell(u64);
struct AskAll(u64);

impl Message<Tell> for Source {
    type Reply = ();
    async fn handle(&mut self, message: Tell, _: &mut Context<Self, ()>) {
        for i in 0..message.0 {
            self.to.tell(Add(1)).send().await.unwrap();
            // A bounded mailbox holds the sender back by itself.
            if !self.bounded && (i + 1) % common::BATCH == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Message<AskAll> for Source {
    type Reply = ();
    async fn handle(&mut self, message: AskAll, _: &mut Context<Self, ()>) {
        let mut sum = 0;
        for i in 0..message.0 {
            sum += self.to.ask(Ask(i)).send().await.unwrap() - i;
        }
        let _ = self.done.take().unwrap().send(sum);
    }
}

async fn tell(senders: u64, bounded: bool, count: u64) -> String {
    let (done, finished) = oneshot::channel();
    let sink = Sink { left: count, sum: 0, done: Some(done) };
    let to = if bounded {
        Sink::spawn_with_mailbox(sink, mailbox::bounded(common::BOUND))
    } else {
        Sink::spawn_with_mailbox(sink, mailbox::unbounded())
    };
    let mut sources = Vec::new();
    for _ in 0..senders {
        let source = Source { to: to.clone(), bounded, done: None };
        sources.push(Source::spawn_with_mailbox(source, mailbox::unbounded()));
        sources.last().unwrap().wait_for_startup().await;
    }
    let span = common::Span::begin();
    for source in &sources {
        source.tell(Tell(count / senders)).await.unwrap();
    }
    assert_eq!(finished.await.unwrap(), count);
    span.end(count)
}

async fn ask(count: u64) -> String {
    let (done, finished) = oneshot::channel();
    let to = Sink::spawn_with_mailbox(Sink { left: 0, sum: 0, done: None }, mailbox::unbounded());
    let source = Source { to, bounded: false, done: Some(done) };
    let source = Source::spawn_with_mailbox(source, mailbox::unbounded());
    source.wait_for_startup().await;
    let span = common::Span::begin();
    source.tell(AskAll(count)).await.unwrap();
    assert_eq!(finished.await.unwrap(), count);
    span.end(count)
}

fn idle_one() -> ActorRef<Sink> {
    Sink::spawn_with_mailbox(Sink { left: 0, sum: 0, done: None }, mailbox::unbounded())
}

async fn spawn_awaited(count: u64) -> String {
    let span = common::Span::begin();
    for _ in 0..count {
        let actor = idle_one();
        actor.wait_for_startup().await;
        actor.stop_gracefully().await.unwrap();
        actor.wait_for_shutdown().await;
    }
    span.end(count)
}

async fn spawn_batches(count: u64) -> String {
    let span = common::Span::begin();
    for _ in 0..count / common::SPAWNED {
        let actors: Vec<_> = (0..common::SPAWNED).map(|_| idle_one()).collect();
        for actor in &actors {
            actor.stop_gracefully().await.unwrap();
        }
        for actor in &actors {
            actor.wait_for_shutdown().await;
        }
    }
    span.end(count)
}

async fn idle(count: u64) -> String {
    let mut actors = Vec::with_capacity(count as usize);
    let (live, resident) = (common::live_bytes(), common::resident_bytes());
    for _ in 0..count {
        actors.push(idle_one());
    }
    for actor in &actors {
        actor.wait_for_startup().await;
        assert_eq!(actor.ask(Ask(1)).await.unwrap(), 2);
    }
    let live = common::live_bytes() - live;
    let resident = common::resident_bytes() - resident;
    format!("{} {}", live / count as i64, resident / count as i64)
}

fn main() {
    common::main(|work, count| async move {
        match work.as_str() {
            "tell1" => tell(1, false, count).await,
            "tell8" => tell(8, false, count).await,
            "tell1-bounded" => tell(1, true, count).await,
            "tell8-bounded" => tell(8, true, count).await,
            "ask" => ask(count).await,
            "spawn-awaited" => spawn_awaited(count).await,
            "spawn" => spawn_batches(count).await,
            "idle" => idle(count).await,
            other => panic!("work {other}"),
        }
    });
}
