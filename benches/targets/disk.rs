//! The disk's floor: append 4 KiB, then fdatasync.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::harness::timed;

/// A file that grows by one synced page a call.
pub(crate) struct Append {
    file: File,
    page: Vec<u8>,
}

impl Append {
    /// In `dir`, so that it lies on the same disk as the store that is compared with it.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join("floor"))
            .expect("floor file");
        Self { file, page: vec![0x5a; 4096] }
    }

    /// Appends and syncs once.
    pub(crate) fn once(&mut self) {
        self.file.write_all(&self.page).expect("append");
        self.file.sync_data().expect("fdatasync");
    }

    /// Synced appends per second over `count` of them.
    pub(crate) fn rate(&mut self, count: u32) -> f64 {
        let ((), took) = timed(|| (0..count).for_each(|_| self.once()));
        f64::from(count) / took.as_secs_f64()
    }
}
