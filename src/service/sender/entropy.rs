//! Where the sender's random bits come from: request ids that nobody can guess, and jitter.

use crate::domain::id::RequestId;

/// Random bits. The real ones are [`SystemEntropy`]; tests have a seed.
pub trait Entropy: Send {
    /// Fills `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);

    /// 64 bits.
    fn bits(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_ne_bytes(bytes)
    }

    /// A fresh request id.
    fn request(&mut self) -> RequestId {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        RequestId(bytes)
    }
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// When the system has no randomness to give: ids that are not unique could send a message twice.
    fn fill(&mut self, bytes: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "without randomness nothing may be sent")]
        getrandom::fill(bytes).expect("the system gives random bits");
    }
}
