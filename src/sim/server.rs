//! A world over HTTP: `tiny_http` behind its door, a thread that lets due things happen, and a few that post
//! webhooks. All state lies in one [`World`] behind one lock; nothing here decides anything.
//!
//! Loopback only: `tiny_http` is not made for strangers, and neither are the control endpoints.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use super::callback::{Callback, Line};
use super::front::{Front, HELLO, LOST};
use super::http::{Delivery, Method, Request, Response};
use super::script::Scenario;
use super::world::{NobodyThere, PostOutcome, Verification, WebhookPost, World};
use super::{control, keep};
use crate::domain::time::{Clock, Timestamp};

/// The largest file Meta takes, and some room for the form around it.
const BODY_LIMIT: u64 = 101 * 1024 * 1024;
/// How long after a change the kept file may lag behind it.
const KEEP_AFTER: Duration = Duration::from_secs(2);

/// Where a simulator listens and what it does beside the world itself.
#[derive(Clone, Debug)]
pub struct SimConfig {
    /// The address to listen on. Must be a loopback one; port 0 takes a free port.
    pub listen: SocketAddr,
    /// Where to post webhooks, `http://127.0.0.1:8787/webhook`. Until it is known they wait.
    pub webhook: Option<String>,
    /// Threads that answer requests.
    pub workers: usize,
    /// Threads that post webhooks.
    pub posters: usize,
    /// The file to keep the world in: written within seconds of a change and when the simulator
    /// stops. Reading it is up to the caller, with [`super::load`].
    pub keep: Option<PathBuf>,
}

impl Default for SimConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            webhook: None,
            workers: 4,
            posters: 4,
            keep: None,
        }
    }
}

/// A running simulator. Dropping it stops it and waits for its threads.
pub struct Sim {
    shared: Arc<Shared>,
    server: Arc<tiny_http::Server>,
    front: Front,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// For the ticker: something is due earlier than it thinks.
    wake: Condvar,
    /// For the posters: there is something to post.
    work: Condvar,
    /// For [`Sim::wait_until`]: the world has changed.
    changed: Condvar,
    clock: Arc<dyn Clock>,
    keep: Option<PathBuf>,
}

struct State {
    world: World,
    posts: VecDeque<WebhookPost>,
    /// How far the world's time is ahead of the clock: somebody moved it on.
    ahead: Duration,
    /// Those who wait for the log to go on, with the number they wait for.
    followers: Vec<(u64, tiny_http::Request)>,
    /// Answers that are held back, by the time they are due.
    late: BTreeMap<(Timestamp, u64), (tiny_http::Request, Response)>,
    answered: u64,
    /// When the ticker will look again; `None` when only a wake-up makes it look.
    next_tick: Option<Timestamp>,
    /// When the file is to be written; `None` when it holds what the world holds.
    keep_at: Option<Timestamp>,
    stopping: bool,
}

impl Sim {
    /// Starts answering and posting.
    ///
    /// # Errors
    /// When the address to listen on is not a loopback one or is taken, or the webhook address is none.
    pub fn start(config: SimConfig, mut world: World, clock: Arc<dyn Clock>) -> io::Result<Self> {
        if !config.listen.ip().is_loopback() {
            let text = format!(
                "the simulator listens on this machine only: {} is no loopback address, use 127.0.0.1",
                config.listen.ip()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        config.webhook.as_deref().map(Callback::parse).transpose()?;
        world.set_callback(config.webhook.as_deref());
        // A kept world may have been moved on; its time does not run backwards.
        let latest = world.latest().unwrap_or(Timestamp::from_millis(0));
        let ahead = latest.since(clock.now());
        let listener = TcpListener::bind(config.listen)?;
        let inner = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let inner_addr = inner.local_addr()?;
        let server = tiny_http::Server::from_listener(inner, None);
        let server = Arc::new(server.map_err(io::Error::other)?);
        let front = Front::open(listener, inner_addr)?;
        let state = State {
            world,
            posts: VecDeque::new(),
            ahead,
            followers: Vec::new(),
            late: BTreeMap::new(),
            answered: 0,
            next_tick: None,
            keep_at: None,
            stopping: false,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            wake: Condvar::new(),
            work: Condvar::new(),
            changed: Condvar::new(),
            clock,
            keep: config.keep,
        });
        let mut sim = Self { shared, server, front, threads: Vec::new() };
        sim.spawn("sim-ticker", |shared, _| shared.tick())?;
        for _ in 0..config.workers.max(1) {
            sim.spawn("sim-worker", Shared::serve)?;
        }
        for _ in 0..config.posters.max(1) {
            sim.spawn("sim-poster", |shared, _| shared.post())?;
        }
        Ok(sim)
    }

    fn spawn(&mut self, name: &str, run: fn(&Shared, &tiny_http::Server)) -> io::Result<()> {
        let (shared, server) = (Arc::clone(&self.shared), Arc::clone(&self.server));
        let thread = Builder::new().name(name.to_owned()).spawn(move || run(&shared, &server))?;
        self.threads.push(thread);
        Ok(())
    }

    /// Where it listens.
    pub const fn addr(&self) -> SocketAddr {
        self.front.addr()
    }

    /// What a client takes for `https://graph.facebook.com`: no version, no slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// Posts the webhooks of the app there from now on, those that waited first.
    ///
    /// # Errors
    /// When it is no address.
    pub fn set_webhook(&self, url: &str) -> io::Result<()> {
        Callback::parse(url)?;
        let mut state = self.shared.lock();
        state.world.set_callback(Some(url));
        self.shared.after_change(&mut state);
        Ok(())
    }

    /// Asks the listener what Meta asks before it accepts a callback: whether it knows the verify token
    /// and repeats a challenge. The reason when not.
    ///
    /// # Errors
    /// When no webhook address is set, or the listener does not answer as it should.
    pub fn verify_webhook(&self) -> Result<(), String> {
        let check = {
            let state = self.shared.lock();
            let url = state.world.callback().ok_or("no webhook address is set yet")?;
            Verification { url: url.to_owned(), token: state.world.config().verify_token.clone() }
        };
        self.shared.verify(&check)
    }

    /// Moves the world's time on by this much, and lets happen what falls due.
    pub fn advance(&self, by: Duration) {
        let mut state = self.shared.lock();
        self.shared.move_on(&mut state, by);
    }

    /// Looks at the world, or changes it, between two requests.
    pub fn with_world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let mut state = self.shared.lock();
        let seen = look(&mut state.world);
        self.shared.after_change(&mut state);
        seen
    }

    /// Somebody writes a text now; see [`World::say`].
    ///
    /// # Errors
    /// When there is nobody of that name.
    pub fn say(&self, who: &str, text: &str) -> Result<String, NobodyThere> {
        let now = self.shared.now(&self.shared.lock());
        self.with_world(|world| world.say(who, text, now))
    }

    /// Goes through a scenario from now on; see [`World::play`].
    ///
    /// # Errors
    /// Which step names nobody.
    pub fn play(&self, scenario: &Scenario) -> Result<(), String> {
        let now = self.shared.now(&self.shared.lock());
        self.with_world(|world| world.play(scenario, now))
    }

    /// Makes the simulator look at its clock again, after a test has moved it.
    pub fn tick(&self) {
        let mut state = self.shared.lock();
        state.next_tick = None;
        self.shared.wake.notify_one();
    }

    /// Waits until `condition` holds, looking whenever the world has changed; false when `patience`
    /// (real time) ran out first.
    pub fn wait_until(
        &self,
        patience: Duration,
        mut condition: impl FnMut(&World) -> bool,
    ) -> bool {
        let state = self.shared.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, patience, |state| !condition(&state.world));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Stops, waits for the threads and keeps the world in its file if it has one. Answers the world
    /// as it was at the end.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn stop(mut self) -> io::Result<World> {
        self.halt()?;
        Ok(self.shared.lock().world.clone())
    }

    fn halt(&mut self) -> io::Result<()> {
        if self.threads.is_empty() {
            return Ok(());
        }
        self.front.close();
        self.shared.lock().stopping = true;
        self.shared.wake.notify_all();
        self.shared.work.notify_all();
        for _ in &self.threads {
            self.server.unblock();
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so; stopping goes on.
            thread.join().unwrap_or_default();
        }
        // Held answers are dropped; tiny_http closes them with a 500.
        let mut state = self.shared.lock();
        let unanswered = (std::mem::take(&mut state.late), std::mem::take(&mut state.followers));
        drop(state);
        drop(unanswered);
        match &self.shared.keep {
            Some(path) => keep::save(&self.shared.lock().world, path),
            None => Ok(()),
        }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        // `stop` reports a file that cannot be written; a drop has nobody to tell.
        self.halt().unwrap_or_default();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world's time.
    fn now(&self, state: &State) -> Timestamp {
        self.clock.now() + state.ahead
    }

    fn move_on(&self, state: &mut State, by: Duration) {
        state.ahead += by;
        let now = self.now(state);
        state.world.forget_unprompted(now);
        state.next_tick = None;
        self.wake.notify_one();
    }

    fn verify(&self, check: &Verification) -> Result<(), String> {
        let callback = Callback::parse(&check.url).map_err(|error| error.to_string())?;
        let challenge = self.clock.now().millis().to_string();
        Line::default().verify(&callback, &check.token, &challenge)
    }

    /// To be called after anything that may have changed the world.
    fn after_change(&self, state: &mut State) {
        if self.keep.is_some() && state.keep_at.is_none() {
            state.keep_at = Some(self.now(state) + KEEP_AFTER);
        }
        if !state.followers.is_empty() {
            state.next_tick = None;
            self.wake.notify_one();
        }
        let due = state.due();
        if due.is_some_and(|due| state.next_tick.is_none_or(|next| due < next)) {
            state.next_tick = due;
            self.wake.notify_one();
        }
        self.changed.notify_all();
    }

    /// The ticker: lets the world do what is due, then sleeps until the next time something is.
    fn tick(&self) {
        let mut state = self.lock();
        // The first look at the world starts what it does unasked.
        let now = self.now(&state);
        let posts = state.world.advance(now);
        state.posts.extend(posts);
        self.work.notify_all();
        while !state.stopping {
            let now = self.now(&state);
            if state.world.due().is_some_and(|due| due <= now) {
                let posts = state.world.advance(now);
                state.posts.extend(posts);
                self.work.notify_all();
                self.after_change(&mut state);
            }
            if let Some(entry) = state.late.first_entry().filter(|entry| entry.key().0 <= now) {
                let (request, response) = entry.remove();
                drop(state);
                answer(request, response);
                state = self.lock();
                continue;
            }
            if let Some((request, response)) = state.follower() {
                drop(state);
                answer(request, response);
                state = self.lock();
                continue;
            }
            if state.keep_at.is_some_and(|at| at <= now) {
                state.keep_at = None;
                let bytes = keep::encode(&state.world);
                drop(state);
                self.keep(bytes);
                state = self.lock();
                continue;
            }
            state.next_tick = state.due();
            state = match state.next_tick {
                Some(due) if due <= now => state,
                Some(due) => {
                    let waited = self.wake.wait_timeout(state, due.since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn keep(&self, bytes: io::Result<Vec<u8>>) {
        let Some(path) = &self.keep else { return };
        if let Err(error) = bytes.and_then(|bytes| keep::write(&bytes, path)) {
            tracing::warn!(path = %path.display(), %error, "the simulator's state was not written");
        }
    }

    /// A poster: posts what the ticker hands out.
    fn post(&self) {
        let mut line = Line::default();
        loop {
            let state = self.lock();
            let waited =
                self.work.wait_while(state, |state| state.posts.is_empty() && !state.stopping);
            let mut state = waited.unwrap_or_else(PoisonError::into_inner);
            if state.stopping {
                return;
            }
            let Some(post) = state.posts.pop_front() else { continue };
            drop(state);
            let to = post.to.as_deref().map(Callback::parse);
            let outcome = match to.map(|to| to.and_then(|to| line.post(&to, &post))) {
                Some(Ok(status)) => PostOutcome::Answered(status),
                Some(Err(error)) => PostOutcome::Failed(error.to_string()),
                None => PostOutcome::Failed("no webhook address is set".to_owned()),
            };
            let mut state = self.lock();
            let now = self.now(&state);
            state.world.webhook_answered(now, post.id, outcome);
            self.after_change(&mut state);
        }
    }

    /// A worker: answers requests until it is unblocked.
    fn serve(&self, server: &tiny_http::Server) {
        while let Ok(mut incoming) = server.recv() {
            if self.lock().stopping {
                return;
            }
            match read(&mut incoming) {
                Ok(request) if request.path == HELLO => {
                    answer(incoming, Response::bytes(200, "text/plain", Vec::new()));
                }
                Ok(request) => self.respond(incoming, request),
                Err(status) => answer(incoming, Response::bytes(status, "text/plain", Vec::new())),
            }
        }
    }

    fn respond(&self, incoming: tiny_http::Request, mut request: Request) {
        let check = self.lock().world.verification(&request);
        // The listener may be a thread of this program that waits for the world: ask it unlocked.
        request.verified = check.map(|check| self.verify(&check));
        let mut state = self.lock();
        let now = self.now(&state);
        let response = match (control::log(&request), control::advance(&request)) {
            (Some((from, follow)), _) => {
                if follow && state.world.log_since(from).is_empty() {
                    state.followers.push((from, incoming));
                    return;
                }
                control::log_page(&state.world, from)
            }
            (None, Some(Ok(by))) => {
                self.move_on(&mut state, by);
                Response::json(200, &serde_json::json!({ "success": true }))
            }
            (None, Some(Err(response))) => response,
            (None, None) if control::concerns(&request) => {
                control::handle(&mut state.world, now, &request)
            }
            (None, None) => state.world.handle(now, &request),
        };
        if let Delivery::After(span) = response.delivery {
            state.answered += 1;
            let key = (now + span, state.answered);
            state.late.insert(key, (incoming, response));
            self.after_change(&mut state);
            return;
        }
        self.after_change(&mut state);
        drop(state);
        answer(incoming, response);
    }
}

impl State {
    /// A follower for whom there is news.
    fn follower(&mut self) -> Option<(tiny_http::Request, Response)> {
        let waits = |(from, _): &(u64, _)| !self.world.log_since(*from).is_empty();
        let index = self.followers.iter().position(waits)?;
        let (from, request) = self.followers.swap_remove(index);
        Some((request, control::log_page(&self.world, from)))
    }

    fn due(&self) -> Option<Timestamp> {
        let late = self.late.keys().next().map(|(at, _)| *at);
        [self.world.due(), late, self.keep_at].into_iter().flatten().min()
    }
}

/// Takes in a request whole, or answers the status to refuse it with.
fn read(incoming: &mut tiny_http::Request) -> Result<Request, u16> {
    let method = match incoming.method() {
        tiny_http::Method::Get => Method::Get,
        tiny_http::Method::Post => Method::Post,
        tiny_http::Method::Delete => Method::Delete,
        _ => Method::Other,
    };
    let mut request = Request::new(method, incoming.url(), Vec::new());
    let header = |header: &tiny_http::Header| {
        (header.field.as_str().as_str().to_owned(), header.value.as_str().to_owned())
    };
    request.headers = incoming.headers().iter().map(header).collect();
    let read = incoming.as_reader().take(BODY_LIMIT + 1).read_to_end(&mut request.body);
    match read {
        Err(_) => Err(400),
        Ok(length) if length as u64 > BODY_LIMIT => Err(413),
        Ok(_) => Ok(request),
    }
}

/// Writes an answer. A client that has gone away is no trouble of the simulator's.
fn answer(incoming: tiny_http::Request, response: Response) {
    let whole = || raw(&response);
    let bytes = match response.delivery {
        Delivery::Now | Delivery::After(_) => None,
        Delivery::Lost => Some(LOST.to_vec()),
        Delivery::Cut => {
            let mut bytes = whole();
            bytes.truncate(bytes.len() - response.body.len().div_ceil(2));
            Some([bytes.as_slice(), LOST].concat())
        }
        Delivery::Twice => Some([whole(), whole()].concat()),
    };
    if let Some(bytes) = bytes {
        let mut writer = incoming.into_writer();
        writer.write_all(&bytes).and_then(|()| writer.flush()).unwrap_or_default();
        return;
    }
    let headers = response.headers.iter().filter_map(|(name, value)| {
        tiny_http::Header::from_bytes(name.as_bytes(), value.as_bytes()).ok()
    });
    let length = response.body.len();
    let outgoing = tiny_http::Response::new(
        tiny_http::StatusCode(response.status),
        headers.collect(),
        io::Cursor::new(response.body),
        Some(length),
        None,
    );
    incoming.respond(outgoing).unwrap_or_default();
}

/// An answer as its bytes, for those that `tiny_http` would not write.
fn raw(response: &Response) -> Vec<u8> {
    let headers = response.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let headers: String = headers.collect();
    let length = response.body.len();
    let head = format!(
        "HTTP/1.1 {} Scripted\r\n{headers}Content-Length: {length}\r\n\r\n",
        response.status
    );
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&response.body);
    bytes
}

#[cfg(test)]
mod tests;
