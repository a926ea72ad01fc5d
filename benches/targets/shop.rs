//! The services as the program runs them, in a directory of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use twoticks::clock::SystemClock;
use twoticks::domain::id::{AccountId, PhoneNumberId, WabaId};
use twoticks::domain::time::{Clock, Timestamp};
use twoticks::service::listener::ListenerConfig;
use twoticks::service::listener::http::Limits;
use twoticks::service::sender::core::Policy;
use twoticks::service::{AccountConfig, ApiConfig, ServiceConfig, Services};
use twoticks::store::account::{NewAccount, upsert_account};
use twoticks::store::prune::Keep;
use twoticks::store::{Rules, WriteConn};

pub(crate) const PHONE_NUMBER: &str = "106540352242922";
pub(crate) const WABA: &str = "102290129340398";
pub(crate) const SECRET: &str = "the-bench-signs-with-this";
pub(crate) const TOKEN: &str = "the-bench-sends-with-this";
pub(crate) const PATH: &str = "/webhook";

/// A store that is thrown away, on the disk that is measured.
pub(crate) struct Shop {
    dir: TempDir,
    pub(crate) store: WriteConn,
    pub(crate) account: AccountId,
}

impl Shop {
    pub(crate) fn open(on: &Path) -> Self {
        Self::at(tempfile::tempdir_in(on).expect("directory"))
    }

    /// The same over a copy of a closed store.
    pub(crate) fn over(on: &Path, store: &Path) -> Self {
        let dir = tempfile::tempdir_in(on).expect("directory");
        std::fs::copy(store, database(&dir)).expect("copy of the store");
        Self::at(dir)
    }

    fn at(dir: TempDir) -> Self {
        let now = now();
        let mut store = WriteConn::open(&database(&dir), now).expect("store");
        let new = NewAccount {
            name: "bench".into(),
            phone_number: PhoneNumberId::new(PHONE_NUMBER),
            waba: Some(WabaId::new(WABA)),
            display_number: Some("+55 11 5550-0199".into()),
        };
        let (account, _) = store.write(|tx| upsert_account(tx, &new, now)).expect("account");
        Self { dir, store, account }
    }

    pub(crate) fn database(&self) -> PathBuf {
        database(&self.dir)
    }

    /// What the services are told: a listener on any free port, and a sender of this rate.
    pub(crate) fn config(&self, base_url: String, rate: u32) -> ServiceConfig {
        ServiceConfig {
            data_dir: self.dir.path().to_owned(),
            database: self.database(),
            accounts: vec![AccountConfig {
                name: "bench".into(),
                phone_number_id: PhoneNumberId::new(PHONE_NUMBER),
                waba_id: Some(WabaId::new(WABA)),
                app_id: None,
                display_number: Some("+55 11 5550-0199".into()),
                token: Some(SecretString::from(TOKEN)),
                app_secrets: vec![SecretString::from(SECRET)],
                verify_tokens: vec![SecretString::from("verify")],
            }],
            api: ApiConfig {
                base_url,
                connect_timeout: Duration::from_secs(10),
                timeout: Duration::from_secs(30),
            },
            listener: ListenerConfig {
                enabled: true,
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                path: PATH.into(),
                limits: Limits::default(),
            },
            keep: Keep::default(),
            sender: Policy::with_rate(rate),
            rules: Rules::default(),
        }
    }
}

fn database(dir: &TempDir) -> PathBuf {
    dir.path().join("twoticks.db")
}

/// Starts the store's threads alone.
pub(crate) fn prepare(config: ServiceConfig) -> Services {
    let clock = Arc::new(SystemClock::new());
    Services::start(config, clock, Arc::new(|panic| panic!("{panic:?}"))).expect("threads")
}

/// Starts store, listener and sender.
pub(crate) fn start(config: ServiceConfig) -> Services {
    let mut services = prepare(config);
    services.start_net().expect("threads");
    services
}

/// Waits until the listener says where it listens.
pub(crate) fn address(services: &Services) -> SocketAddr {
    let news = services.bus().watch();
    loop {
        let health = services.health();
        if let Some(address) = health.listener_address {
            return address.parse().expect("address");
        }
        assert!(
            !news.wait(Some(Duration::from_secs(20))).is_empty(),
            "the listener does not start: {health:?}"
        );
    }
}

pub(crate) fn now() -> Timestamp {
    SystemClock::new().now()
}
