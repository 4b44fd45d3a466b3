//! Ractor's side of `./dev bench actors`. See ../../actant_actors.c for what each work is. Its mailboxes
//! are never bounded.

use actors_common as common;
use ractor::concurrency::JoinHandle;
use ractor::{Actor, ActorProcessingErr, ActorRef, ActorRuntime, RpcReplyPort, SpawnErr};
use tokio::sync::oneshot;

#[global_allocator]
static ALLOCATOR: common::Counting = common::Counting;

struct Sink;

struct SinkState {
    left: u64,
    sum: u64,
    done: Option<oneshot::Sender<u64>>,
}

enum ToSink {
    Add(u64),
    Ask(u64, RpcReplyPort<u64>),
}

// Without `cluster`, every type that may be sent is a message by a blanket implementation.
impl Actor for Sink {
    type Msg = ToSink;
    type State = SinkState;
    type Arguments = SinkState;

    async fn pre_start(
        &self,
        _: ActorRef<ToSink>,
        args: SinkState,
    ) -> Result<SinkState, ActorProcessingErr> {
        Ok(args)
    }

    async fn handle(
        &self,
        _: ActorRef<ToSink>,
        message: ToSink,
        state: &mut SinkState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ToSink::Add(n) => {
                state.sum += n;
                state.left -= 1;
                if state.left == 0 {
                    let _ = state.done.take().unwrap().send(state.sum);
                }
            }
            ToSink::Ask(n, reply) => {
                state.sum += n;
                let _ = reply.send(n + 1);
            }
        }
        Ok(())
    }
}

struct Source;

struct SourceState {
    to: ActorRef<ToSink>,
    done: Option<oneshot::Sender<u64>>,
}

enum ToSource {
    Tell(u64),
    AskAll(u64),
}

impl Actor for Source {
    type Msg = ToSource;
    type State = SourceState;
    type Arguments = SourceState;

    async fn pre_start(
        &self,
        _: ActorRef<ToSource>,
        args: SourceState,
    ) -> Result<SourceState, ActorProcessingErr> {
        Ok(args)
    }

    async fn handle(
        &self,
        _: ActorRef<ToSource>,
        message: ToSource,
        state: &mut SourceState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ToSource::Tell(count) => {
                for i in 0..count {
                    state.to.send_message(ToSink::Add(1)).map_err(|_| "the sink is gone")?;
                    if (i + 1) % common::BATCH == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            }
            ToSource::AskAll(count) => {
                let mut sum = 0;
                for i in 0..count {
                    let reply = state.to.call(|port| ToSink::Ask(i, port), None).await;
                    sum += reply.map_err(|_| "the sink is gone")?.unwrap() - i;
                }
                let _ = state.done.take().unwrap().send(sum);
            }
        }
        Ok(())
    }
}

async fn tell(senders: u64, count: u64) -> String {
    let (done, finished) = oneshot::channel();
    let state = SinkState { left: count, sum: 0, done: Some(done) };
    let (to, _) = Actor::spawn(None, Sink, state).await.unwrap();
    let mut sources = Vec::new();
    for _ in 0..senders {
        let state = SourceState { to: to.clone(), done: None };
        sources.push(Actor::spawn(None, Source, state).await.unwrap().0);
    }
    let span = common::Span::begin();
    for source in &sources {
        source.send_message(ToSource::Tell(count / senders)).unwrap();
    }
    assert_eq!(finished.await.unwrap(), count);
    span.end(count)
}

async fn ask(count: u64) -> String {
    let (done, finished) = oneshot::channel();
    let (to, _) = idle_awaited().await;
    let state = SourceState { to, done: Some(done) };
    let (source, _) = Actor::spawn(None, Source, state).await.unwrap();
    let span = common::Span::begin();
    source.send_message(ToSource::AskAll(count)).unwrap();
    assert_eq!(finished.await.unwrap(), count);
    span.end(count)
}

async fn idle_awaited() -> (ActorRef<ToSink>, JoinHandle<()>) {
    Actor::spawn(None, Sink, SinkState { left: 0, sum: 0, done: None }).await.unwrap()
}

type Started = JoinHandle<Result<JoinHandle<()>, SpawnErr>>;

fn idle_instant() -> (ActorRef<ToSink>, Started) {
    let state = SinkState { left: 0, sum: 0, done: None };
    ActorRuntime::spawn_instant(None, Sink, state).unwrap()
}

async fn spawn_awaited(count: u64) -> String {
    let span = common::Span::begin();
    for _ in 0..count {
        let (actor, ended) = idle_awaited().await;
        actor.stop(None);
        ended.await.unwrap();
    }
    span.end(count)
}

async fn spawn_batches(count: u64) -> String {
    let span = common::Span::begin();
    for _ in 0..count / common::SPAWNED {
        let actors: Vec<_> = (0..common::SPAWNED).map(|_| idle_instant()).collect();
        for (actor, _) in &actors {
            actor.stop(None);
        }
        for (_, started) in actors {
            started.await.unwrap().unwrap().await.unwrap();
        }
    }
    span.end(count)
}

async fn idle(count: u64) -> String {
    let mut actors = Vec::with_capacity(count as usize);
    let (live, resident) = (common::live_bytes(), common::resident_bytes());
    for _ in 0..count {
        actors.push(idle_awaited().await.0);
    }
    for actor in &actors {
        let reply = actor.call(|port| ToSink::Ask(1, port), None).await;
        assert_eq!(reply.ok().unwrap().unwrap(), 2);
    }
    let live = common::live_bytes() - live;
    let resident = common::resident_bytes() - resident;
    format!("{} {}", live / count as i64, resident / count as i64)
}

fn main() {
    common::main(|work, count| async move {
        match work.as_str() {
            "tell1" => tell(1, count).await,
            "tell8" => tell(8, count).await,
            "ask" => ask(count).await,
            "spawn-awaited" => spawn_awaited(count).await,
            "spawn" => spawn_batches(count).await,
            "idle" => idle(count).await,
            other => panic!("work {other}"),
        }
    });
}
