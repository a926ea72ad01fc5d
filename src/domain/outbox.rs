//! What the sender works off: kinds of jobs, what an answer from Meta means, and when to try again.

use std::time::Duration;

use super::id::{
    AccountId, ContactId, ConversationId, MessageId, OutboxId, PhoneNumberId, RequestId, UploadId,
    UserId, WaId, Wamid,
};
use super::message::{Body, Media, Priority};
use super::time::Timestamp;

/// What is to be done towards Meta.
#[derive(Clone, Debug, PartialEq)]
pub enum JobKind {
    /// Send a message.
    Message(Send),
    /// Tell Meta that a message, and all before it, was read.
    ReadReceipt {
        /// The newest inbound message that was read.
        wamid: Wamid,
    },
    /// Fetch received media before its id expires.
    MediaDownload {
        /// The message it belongs to.
        message: MessageId,
        /// The file.
        media: Media,
        /// Its id at Meta is good until then.
        until: Timestamp,
    },
    /// Upload a file that messages wait for.
    MediaUpload(Upload),
}

/// A file of ours on its way to Meta.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Which.
    pub id: UploadId,
    /// Relative to the data directory.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// What it is declared to be.
    pub mime_type: String,
    /// What it is called.
    pub file_name: String,
}

/// A message as it has to go out.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    /// The message.
    pub message: MessageId,
    /// Its conversation: one lane, in which order is kept.
    pub conversation: ConversationId,
    /// The person it goes to.
    pub contact: ContactId,
    /// Where it goes.
    pub recipient: Recipient,
    /// What it says.
    pub body: Body,
    /// The message it answers.
    pub reply_to: Option<Wamid>,
}

/// How a message is addressed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// By number; goes out with a plus in front, or Meta would prepend its own country code.
    Phone(WaId),
    /// By business-scoped user id, when the number is hidden.
    User(UserId),
}

/// A job claimed by the sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// The outbox row.
    pub id: OutboxId,
    /// The account that sends it.
    pub account: AccountId,
    /// Its number at Meta.
    pub phone_number: PhoneNumberId,
    /// The id of this request, stored before its first byte leaves. Jobs that are safe to repeat have one
    /// too.
    pub request: RequestId,
    /// Tries used up before this one.
    pub tries_used: u32,
    /// Who goes first.
    pub priority: Priority,
    /// What to do.
    pub kind: JobKind,
}

/// An error that Meta answered with. Every field but the code may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// Meta's code; logic is built on it and the details, never on the title or the HTTP status.
    pub code: Option<i64>,
    /// Meta's subcode.
    pub subcode: Option<i64>,
    /// Meta's message.
    pub message: String,
    /// `error_data.details`, in whichever shape it came.
    pub details: Option<String>,
    /// The HTTP status.
    pub http_status: u16,
    /// Meta's id for support requests.
    pub trace: Option<String>,
    /// What was said about waiting beside it.
    pub advice: Advice,
}

/// What an answer says about waiting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// In whole seconds, which is what headers say.
    wait: Option<u32>,
    /// How much of the calls is used, in percent; 255 for more.
    pub used: Option<u8>,
}

impl Advice {
    /// What headers say, the percentage included.
    #[must_use]
    pub fn new(wait: Option<Duration>, used: Option<u64>) -> Self {
        Self {
            wait: wait.map(|wait| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)),
            used: used.map(|used| u8::try_from(used).unwrap_or(u8::MAX)),
        }
    }

    /// Not before this time is over: `Retry-After`, or Meta's estimate of when there are calls again.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.wait.map(|seconds| Duration::from_secs(u64::from(seconds)))
    }
}

/// What the answer 200 to a message says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// Meta's id of the message. An answer 200 without one is not an acceptance.
    pub wamid: Option<Wamid>,
    /// The number Meta settled on. It decides; the number typed is an alias.
    pub wa_id: Option<WaId>,
    /// The user id, when sent to one.
    pub user_id: Option<UserId>,
    /// Templates only: `accepted`, `held_for_quality_assessment`, `paused`.
    pub message_status: Option<String>,
}

impl Acceptance {
    /// What Meta says of a template that it accepted and does not send on at once, in plain words (Meta,
    /// template pacing).
    #[must_use]
    pub fn remark(&self) -> Option<String> {
        Some(match self.message_status.as_deref()? {
            "accepted" => return None,
            "held_for_quality_assessment" => {
                "held by Meta to assess the template's quality: it goes out later, or fails"
                    .to_owned()
            }
            "paused" => "not sent on: Meta paused the template".to_owned(),
            other => format!("Meta says: {other}"),
        })
    }
}

/// Which limit a throttle is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Throttle {
    /// The number's messages per second (130429).
    Number,
    /// This pair of number and recipient (131056).
    Pair,
    /// The app's or the WABA's calls (4, 80007), or the number is being upgraded (131057).
    Account,
}

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted by Meta.
    Accepted(Acceptance),
    /// Refused by a limit: waits, and uses up no try.
    Throttled(Throttle, ApiError),
    /// Refused for now; may pass later.
    RefusedForNow(ApiError),
    /// Refused for good.
    RefusedForGood(ApiError),
    /// The account itself cannot send: token, permission, payment, restriction.
    AccountTrouble(ApiError),
    /// The request surely never reached Meta: name look-up, connect or TLS failed.
    NeverReached(String),
    /// No one can say: time-out, reset, unreadable answer, codes 1 and 131000, 5xx without a known code.
    Unknown {
        /// What was seen, in plain words.
        detail: String,
        /// The error, if there was one to read.
        error: Option<ApiError>,
    },
}

/// What a person decides about a message that waits, failed or is uncertain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Hold it until it is released.
    Hold,
    /// Send a held one, if nothing stands in its way: now, or at its time if that is still to come.
    Release,
    /// Send a held one as soon as nothing stands in its way, and not before its time.
    WhenPossible,
    /// Withdraw it; for a failed or uncertain one, leave it at that.
    Cancel,
    /// Send a failed or uncertain one again, with a new request.
    SendAgain,
    /// Give a scheduled one another time.
    Reschedule(Timestamp),
}

/// What came of a decision about many messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Those it was carried out for.
    pub done: Vec<MessageId>,
    /// Those it was not, each with the reason in plain words.
    pub refused: Vec<(MessageId, String)>,
}

/// When and how often a job is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The ceiling of the first wait.
    pub base: Duration,
    /// The ceiling of any wait.
    pub cap: Duration,
    /// Tries in all.
    pub attempts: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { base: Duration::from_secs(2), cap: Duration::from_secs(5 * 60), attempts: 5 }
    }
}

impl RetryPolicy {
    /// How long to wait after `tries_used` failed tries: full jitter, anywhere from nothing to
    /// `base * 2^(tries_used - 1)`, at most `cap`. `random` is any 64 random bits.
    #[must_use]
    pub fn wait(&self, tries_used: u32, random: u64) -> Duration {
        let factor = 2_u32.saturating_pow(tries_used.saturating_sub(1).min(31));
        let ceiling = self.base.saturating_mul(factor).min(self.cap);
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(random % (millis + 1))
    }
}

/// How long Meta keeps a file's id good after the message it came with.
pub const MEDIA_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long the id of an uploaded file is taken for good: Meta's 30 days, less one to send it in.
pub const UPLOAD_LIFE: Duration = Duration::from_secs(29 * 24 * 3600);

/// How often a file is asked for: as long as its id is good, and ever more slowly.
pub const MEDIA_RETRY: RetryPolicy = RetryPolicy {
    base: Duration::from_secs(5),
    cap: Duration::from_secs(10 * 60),
    attempts: u32::MAX,
};

/// Longer than any wait between two tries that a message or a file has of its own, whoever asks for it: the cap of
/// retries, and a pair that Meta refused five times. What Meta asks of a whole number or account may be longer, and is
/// not stored: the person can end it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// How long an uncertain message holds those behind it, counted while the listener is up and could have
/// heard the proof.
pub const UNCERTAIN_HOLD: Duration = Duration::from_secs(30);

/// What to write down after a request of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Accepted.
    Accepted(Acceptance),
    /// Try again, not before this time.
    Retry {
        /// When.
        not_before: Timestamp,
        /// Whether this try counts. A throttle uses none.
        uses_try: bool,
        /// Why.
        error: ApiError,
    },
    /// It will not pass.
    Failed(ApiError),
    /// Only evidence or the person can tell.
    Uncertain(ApiError),
}

/// Decides what follows from `outcome` for a message with `tries_used` tries before this one. Account
/// trouble keeps the message queued: the account is paused as a whole, and no try is lost.
/// `throttle_wait` is what the limiter says to wait after a throttle.
#[must_use]
pub fn verdict(
    outcome: Outcome,
    tries_used: u32,
    policy: &RetryPolicy,
    throttle_wait: Duration,
    now: Timestamp,
    random: u64,
) -> Verdict {
    match outcome {
        Outcome::Accepted(acceptance) => Verdict::Accepted(acceptance),
        Outcome::Throttled(_, error) => {
            let wait = throttle_wait.min(LONGEST_WAIT);
            Verdict::Retry { not_before: now + wait, uses_try: false, error }
        }
        Outcome::RefusedForNow(error) => retry(error, tries_used, policy, now, random),
        Outcome::NeverReached(detail) => {
            let error = ApiError { message: detail, ..ApiError::default() };
            retry(error, tries_used, policy, now, random)
        }
        Outcome::RefusedForGood(error) => Verdict::Failed(error),
        Outcome::AccountTrouble(error) => {
            Verdict::Retry { not_before: now, uses_try: false, error }
        }
        Outcome::Unknown { detail, error } => Verdict::Uncertain(
            error.unwrap_or_else(|| ApiError { message: detail, ..ApiError::default() }),
        ),
    }
}

fn retry(
    error: ApiError,
    tries_used: u32,
    policy: &RetryPolicy,
    now: Timestamp,
    random: u64,
) -> Verdict {
    let used = tries_used + 1;
    if used >= policy.attempts {
        return Verdict::Failed(error);
    }
    let asked = error.advice.wait().unwrap_or_default().min(LONGEST_WAIT);
    let wait = policy.wait(used, random).max(asked);
    Verdict::Retry { not_before: now + wait, uses_try: true, error }
}

#[cfg(test)]
mod tests;
