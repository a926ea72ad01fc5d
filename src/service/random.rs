//! Words that nobody can guess.

use crate::domain::id::RequestId;

/// 32 hexadecimal digits, 128 bits of the system's randomness.
///
/// # Errors
/// When the system has none to give.
pub fn word() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(RequestId(bytes).to_string())
}
