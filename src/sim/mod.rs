//! The Cloud API simulator: Meta's side of the conversation, on this machine.
//!
//! [`World`] is the simulated Meta, pure and seeded. [`Sim`] shows a world over loopback HTTP and posts
//! its webhooks, [`Scenario`] is what it is put through. [`demo`] is a shop with a past and people who answer. [`save`] and [`load`] keep a
//! world in a file.
//!
//! The simulator checks requests and words answers from Meta's documentation alone; it shares no type
//! with the client, so that a mistake of one is not hidden by the same mistake of the other.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use twoticks::sim::{Sim, SimConfig, World, WorldConfig};
//! # fn main() -> std::io::Result<()> {
//! let world = World::new(7, WorldConfig::default());
//! let sim = Sim::start(SimConfig::default(), world, Arc::new(twoticks::clock::SystemClock::new()))?;
//! sim.set_webhook("http://127.0.0.1:8787/webhook")?;
//! sim.say("+15551230001", "hi").map_err(std::io::Error::other)?;
//! # Ok(()) }
//! ```

mod callback;
mod config;
mod control;
pub mod demo;
mod front;
mod http;
mod keep;
mod phrases;
mod refusal;
mod rng;
mod script;
mod server;
mod setting;
mod signed;
mod stamp;
pub mod trigger;
mod turn;
mod world;

use std::time::Duration;

pub use self::config::{
    Delays, Language, Persona, Quality, Strangers, Template, TemplateStatus, Weather, WorldConfig,
};
pub use self::http::{Delivery, Method, Request, Response};
pub use self::keep::{load, save};
pub use self::script::Scenario;
pub use self::server::{Sim, SimConfig};
pub use self::signed::{escaped, signature};
pub use self::world::{
    Accepted, Counts, Fault, KEPT, NobodyThere, NumberChange, PostOutcome, Posted, Refused, Sample,
    TemplateChange, WebhookPost, Words, World,
};

/// How long after its first copy a duplicated webhook comes, least and most.
const DUPLICATE_WITHIN: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(2));

/// The world of `twoticks sim` when no scenario says otherwise: the shop, and two people who only speak
/// when told to, one of them without a number.
pub fn plain() -> WorldConfig {
    WorldConfig { people: setting::bystanders(), ..WorldConfig::default() }
}
