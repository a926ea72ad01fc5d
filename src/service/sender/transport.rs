//! The sender's way to Meta: makes one request for a job and says what came of it. The sender's
//! decisions know nothing of it: tests of them play Meta's part by handing answers to [`Core`](super::core::Core).

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

use super::core::Answer;
use super::media;
use crate::api::client::Client;
use crate::domain::account::Standing;
use crate::domain::id::PhoneNumberId;
use crate::domain::outbox::{Job, JobKind};

/// An answer under way.
pub type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Meta being asked about a number.
pub type Asking = Pin<Box<dyn Future<Output = Option<Standing>> + Send>>;

/// Carries out jobs, each once.
pub trait Transport: Send + Sync {
    /// Makes the request. It begins with the first poll, which comes at once.
    fn perform(&self, job: &Job) -> Answering;

    /// What Meta says of a number; none when it does not answer.
    fn standing(&self, number: &PhoneNumberId) -> Asking;
}

/// Over HTTP, for one account.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    data_dir: PathBuf,
}

impl HttpTransport {
    /// Files are kept in `data_dir`.
    #[must_use]
    pub const fn new(client: Client, data_dir: PathBuf) -> Self {
        Self { client, data_dir }
    }
}

impl Transport for HttpTransport {
    fn perform(&self, job: &Job) -> Answering {
        let job = job.clone();
        let Self { client, data_dir } = self.clone();
        Box::pin(async move {
            match &job.kind {
                JobKind::Message(send) => {
                    let number = &job.phone_number;
                    Answer::Outcome(client.send_message(number, send, job.request).await)
                }
                JobKind::ReadReceipt { wamid } => {
                    Answer::Outcome(client.mark_read(&job.phone_number, wamid).await)
                }
                JobKind::MediaUpload(upload) => {
                    media::upload(&client, &data_dir, &job.phone_number, upload).await
                }
                JobKind::MediaDownload { message, media, .. } => {
                    media::fetch(&client, &data_dir, &job, *message, media).await
                }
            }
        })
    }

    fn standing(&self, number: &PhoneNumberId) -> Asking {
        let (client, number) = (self.client.clone(), number.clone());
        Box::pin(async move {
            match client.phone_number(&number).await {
                Ok(found) => Some(found.standing()),
                Err(error) => {
                    tracing::debug!(%error, "Meta does not say how the number is");
                    None
                }
            }
        })
    }
}
