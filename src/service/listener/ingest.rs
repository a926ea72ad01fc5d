//! From a verified body to a durable event: parsed, stored and applied in one transaction.
//!
//! What cannot be parsed or applied is stored raw all the same and answered 200: a body that Meta has to
//! deliver again for seven days would never get better. Only trouble of the store itself is a 503.

use std::sync::Arc;

use super::http::{NotStored, Seen, Sink};
use super::ledger::Ledger;
use crate::api::signature;
use crate::domain::event::{Item, ItemKind};
use crate::domain::hook::{Arrival, Head};
use crate::domain::id::PhoneNumberId;
use crate::domain::time::Clock;
use crate::service::bus::Bus;
use crate::service::hooks;
use crate::service::writer::{Priority, WriteError, Writer};
use crate::store::ingest::{Came, Ingested, RawPost, ingest_came};

/// The way of a webhook into the store.
pub(super) struct Ingest {
    writer: Writer,
    bus: Bus,
    clock: Arc<dyn Clock>,
    /// Whose each secret is.
    secrets: Vec<String>,
    ledger: Arc<Ledger>,
}

impl Ingest {
    pub(super) fn new(
        (writer, bus): (Writer, Bus),
        clock: Arc<dyn Clock>,
        secrets: Vec<String>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self { writer, bus, clock, secrets, ledger }
    }
}

impl Sink for Ingest {
    fn store(
        &self,
        body: Vec<u8>,
        seen: Seen,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<(), NotStored>> + Send>> {
        let (writer, bus) = (self.writer.clone(), self.bus.clone());
        let (ledger, clock) = (Arc::clone(&self.ledger), Arc::clone(&self.clock));
        let begun = seen.begun;
        let secret = self.secrets.get(seen.secret).cloned().unwrap_or_default();
        let came = Came {
            head: Some(Head { secret, headers: seen.headers }),
            signature: signature::parse(&seen.signature),
        };
        let received_at = self.clock.now();
        Box::pin(async move {
            let length = body.len();
            let items = hooks::items(&body);
            let arrivals: Vec<_> = arrivals(&items).collect();
            let post = RawPost { sha256: signature::sha256(&body), body, received_at };
            match store(&writer, post, came, items).await {
                Ok(ingested) => {
                    ledger.stored(ingested.event, clock.monotonic().since(begun));
                    tracing::info!(
                        length,
                        event = ingested.event.0,
                        fresh = ingested.fresh,
                        messages = ingested.messages.len(),
                        unknown = ingested.unknown,
                        "webhook stored"
                    );
                    if ingested.fresh {
                        bus.note_arrivals(arrivals);
                    }
                    bus.update_health(|health| {
                        health.last_event = Some(received_at);
                        if ingested.unknown_number.is_some() {
                            health.unknown_number = ingested.unknown_number;
                        }
                    });
                    Ok(())
                }
                Err(error) => {
                    tracing::warn!(length, %error, "webhook not stored");
                    Err(NotStored)
                }
            }
        })
    }

    fn passed(&self, arrival: Arrival) {
        self.ledger.passed(arrival);
    }
}

async fn store(
    writer: &Writer,
    post: RawPost,
    came: Came,
    items: Vec<Item>,
) -> Result<Ingested, WriteError> {
    let error = match write(writer, post.clone(), came.clone(), items).await {
        Err(error) if !error.is_trouble() => error,
        done => return done,
    };
    tracing::error!(%error, "a webhook could not be applied and is kept raw");
    let unknown = hooks::unknown(&post.body, format!("could not be applied: {error}"));
    write(writer, post, came, vec![unknown]).await
}

/// The number of each message that somebody wrote just now.
fn arrivals(items: &[Item]) -> impl Iterator<Item = PhoneNumberId> {
    let written = items
        .iter()
        .filter(|item| matches!(item.kind, ItemKind::Message(_)) && item.field == "messages");
    written.filter_map(|item| item.phone_number.clone())
}

async fn write(
    writer: &Writer,
    post: RawPost,
    came: Came,
    items: Vec<Item>,
) -> Result<Ingested, WriteError> {
    let now = post.received_at;
    writer.run(Priority::Webhook, move |tx| ingest_came(tx, &post, &came, &items, now)).await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Ingest, NotStored, Seen, Sink};
    use crate::clock::SystemClock;
    use crate::domain::time::Monotonic;
    use crate::service::bus::Bus;
    use crate::service::reader::ReaderThread;
    use crate::service::writer::WriterThread;
    use crate::store::Rules;
    use crate::store::event::events;

    #[test]
    fn what_cannot_be_parsed_is_kept_once_and_nothing_is_promised_when_closed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("db");
        let (bus, clock) = (Bus::new(), Arc::new(SystemClock::new()));
        let on_panic: crate::service::thread::OnPanic = Arc::new(|panicked| panic!("{panicked:?}"));
        let writer = WriterThread::start(
            path.clone(),
            Rules::default(),
            bus.clone(),
            Arc::<SystemClock>::clone(&clock),
            Arc::clone(&on_panic),
        )
        .unwrap();
        let ingest = Ingest::new(
            (writer.handle(), bus.clone()),
            Arc::<SystemClock>::clone(&clock),
            vec!["shop".to_owned()],
            Arc::default(),
        );
        let seen = || Seen {
            secret: 0,
            signature: format!("sha256={}", "ab".repeat(32)).into_bytes(),
            headers: "host: localhost".to_owned(),
            begun: Monotonic::default(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let deep = vec![b'['; 100_000];
        for body in [&b"not json"[..], b"not json", b"{}", b"\xff\xfe", &deep] {
            assert_eq!(runtime.block_on(ingest.store(body.to_vec(), seen())), Ok(()));
        }
        assert!(bus.health().last_event.is_some());
        let reader = ReaderThread::start(path, clock, Box::new(|_| {}), on_panic).unwrap();
        let stored = reader.handle().ask_and_wait("test", |conn| events(conn, None, 10)).unwrap();
        let fresh = stored.iter().filter(|event| !event.duplicate).count();
        assert_eq!(fresh, 4, "{stored:?}");
        writer.close();
        assert_eq!(runtime.block_on(ingest.store(b"{}".to_vec(), seen())), Err(NotStored));
    }
}
