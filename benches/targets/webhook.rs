//! T2 and T4: webhooks through the real listener, stored and only verified.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};

use secrecy::SecretString;
use tokio::sync::oneshot;
use twoticks::api::{signature, webhook};
use twoticks::clock::SystemClock;
use twoticks::domain::event::Item;
use twoticks::service::bus::Bus;
use twoticks::service::listener::http::{Endpoint, Limits, NotStored, Seen, Sink, serve};
use twoticks::service::stop::Stop;
use twoticks::store::WriteConn;
use twoticks::store::ingest::{RawPost, ingest};

use crate::disk::Append;
use crate::harness::{Target, in_turn, median, ratio, timed};
use crate::http::{RawServer, load, request};
use crate::shop::{self, PATH, PHONE_NUMBER, SECRET, Shop, now};

const CONNECTIONS: usize = 32;

/// Requests of one round, none like another: bodies that were seen before are not applied.
#[derive(Default)]
pub(crate) struct Fresh(usize);

impl Fresh {
    pub(crate) fn requests(&mut self, count: usize) -> Arc<Vec<Vec<u8>>> {
        let from = self.0;
        self.0 += count;
        let made = (from..self.0).map(|n| request(n, PATH, SECRET.as_bytes(), PHONE_NUMBER));
        Arc::new(made.collect())
    }
}

/// Verified, parsed, stored, indexed and committed before the 200. The floor is the disk's; the other floor
/// is the same endpoint and the same ingest with a commit for each request.
pub(crate) fn durable(dir: &Path) -> bool {
    let grouped = Shop::open(dir);
    let services = shop::start(grouped.config("http://127.0.0.1:9".to_owned(), 80));
    let address = shop::address(&services);
    let alone = Shop::open(dir);
    let one_by_one = Face::start(Arc::new(OneByOne::start(&alone)));
    let mut floor = Append::in_dir(dir);
    let (mut fresh, mut fresh_alone) = (Fresh(0), Fresh(0));
    let [ours, each, append] = in_turn([
        &mut || load(address, CONNECTIONS, &fresh.requests(3000)).rate,
        &mut || load(one_by_one.address, CONNECTIONS, &fresh_alone.requests(1000)).rate,
        &mut || floor.rate(1000),
    ]);
    let refused = services.health().refused.total();
    assert_eq!(refused, 0, "webhooks were refused");
    let disk = ratio("durable webhooks, 32 connections", "/s", ours, append, Target::AtLeast(2.5));
    let grouping =
        ratio("the same, against a commit for each", "/s", ours, each, Target::AtLeast(4.0));
    disk & grouping
}

/// How long one webhook waits for its 200 when nothing else is under way; the floor is a synced append and
/// an exchange with the bare server.
pub(crate) fn alone(dir: &Path) -> bool {
    let shop = Shop::open(dir);
    let services = shop::start(shop.config("http://127.0.0.1:9".to_owned(), 80));
    let address = shop::address(&services);
    let raw = RawServer::start();
    let mut append = Append::in_dir(dir);
    let mut fresh = Fresh(0);
    let requests = Fresh(0).requests(500);
    let [ours, exchange, sync] = in_turn([
        &mut || median(&mut load(address, 1, &fresh.requests(300)).latencies),
        &mut || median(&mut load(raw.address, 1, &requests).latencies),
        &mut || {
            let mut times: Vec<f64> =
                (0..300).map(|_| timed(|| append.once()).1.as_secs_f64() * 1e3).collect();
            median(&mut times)
        },
    ]);
    let floor = exchange + sync;
    ratio("p50 of one durable webhook at a time", "ms", ours, floor, Target::AtMost(2.0))
}

/// Read, verified against the secret and answered; nothing is stored.
pub(crate) fn verified(_: &Path) -> bool {
    let endpoint = Face::start(Arc::new(Nothing));
    let raw = RawServer::start();
    let requests = Fresh(0).requests(10_000);
    let [ours, floor] =
        in_turn([&mut || load(endpoint.address, CONNECTIONS, &requests).rate, &mut || {
            load(raw.address, CONNECTIONS, &requests).rate
        }]);
    ratio("verified webhooks, 32 connections", "/s", ours, floor, Target::AtLeast(0.8))
}

/// The listener's HTTP face over another sink.
struct Face {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Face {
    fn start(sink: Arc<dyn Sink>) -> Self {
        let (stop, stopped) = Stop::new();
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        socket.set_nonblocking(true).expect("nonblocking");
        let address = socket.local_addr().expect("address");
        let endpoint = Endpoint::new(
            PATH.to_owned(),
            vec![SecretString::from(SECRET)],
            Vec::new(),
            Limits::default(),
            sink,
            Bus::new(),
            Arc::new(SystemClock::new()),
        );
        let run = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(socket).expect("listener");
                serve(listener, Arc::new(endpoint), stopped).await;
            });
        };
        let thread = Builder::new().name("face".into()).spawn(run).expect("thread");
        Self { address, stop, thread: Some(thread) }
    }
}

impl Drop for Face {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("face");
        }
    }
}

type Storing = Pin<Box<dyn Future<Output = Result<(), NotStored>> + Send>>;

/// Takes everything and keeps nothing.
struct Nothing;

impl Sink for Nothing {
    fn store(&self, _: Vec<u8>, _: Seen) -> Storing {
        Box::pin(async { Ok(()) })
    }
}

type Job = (RawPost, Vec<Item>, oneshot::Sender<()>);

/// Our own ingest, with a transaction for each webhook.
struct OneByOne(mpsc::Sender<Job>);

impl OneByOne {
    /// The thread ends with the last sender.
    fn start(shop: &Shop) -> Self {
        let (jobs, waiting) = mpsc::channel::<Job>();
        let mut store = WriteConn::open(&shop.database(), now()).expect("store");
        let run = move || {
            for (post, items, done) in waiting {
                let at = post.received_at;
                store.write(|tx| ingest(tx, &post, &items, at)).expect("webhook");
                done.send(()).expect("somebody waits");
            }
        };
        drop(Builder::new().name("one-by-one".into()).spawn(run).expect("thread"));
        Self(jobs)
    }
}

impl Sink for OneByOne {
    fn store(&self, body: Vec<u8>, _: Seen) -> Storing {
        let jobs = self.0.clone();
        Box::pin(async move {
            let items = webhook::parse(&body).map_err(|_why| NotStored)?;
            let post = RawPost { sha256: signature::sha256(&body), body, received_at: now() };
            let (done, stored) = oneshot::channel();
            jobs.send((post, items, done)).map_err(|_why| NotStored)?;
            stored.await.map_err(|_why| NotStored)
        })
    }
}
