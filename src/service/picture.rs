//! The picture of a business profile, read from a file of the person's.

use std::io::Read as _;
use std::path::Path;

use super::outgoing::open_file;
use crate::domain::profile::{PICTURE_MAX, picture_type};

/// A picture that Meta takes.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// `image/jpeg` or `image/png`.
    pub mime: &'static str,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("mime", &self.mime).finish_non_exhaustive()
    }
}

impl Picture {
    /// Reads it.
    ///
    /// # Errors
    /// Why it cannot be used, with the name of the file.
    pub fn read(file: &Path) -> Result<Self, String> {
        let named = |why: String| format!("{}: {why}", file.display());
        // One byte more than Meta takes says that it is too big.
        let opened = open_file(file).map_err(|error| named(error.to_string()))?;
        let mut bytes = Vec::new();
        opened
            .take(PICTURE_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| named(error.to_string()))?;
        let mime = picture_type(&bytes).map_err(named)?;
        Ok(Self { bytes, mime })
    }

    /// A name for the upload.
    #[must_use]
    pub fn name(&self) -> String {
        format!("picture.{}", self.mime.trim_start_matches("image/"))
    }
}
