//! A world in a file: JSON, readable by its owner alone, replaced as a whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::world::World;

/// Writes the world to `path`: first beside it, then renamed over it, so that a crash leaves the old
/// file or the new one.
///
/// # Errors
/// When the directory cannot be written to.
pub fn save(world: &World, path: &Path) -> io::Result<()> {
    write(&encode(world)?, path)
}

pub(super) fn encode(world: &World) -> io::Result<Vec<u8>> {
    serde_json::to_vec(world).map_err(io::Error::from)
}

pub(super) fn write(bytes: &[u8], path: &Path) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    // A file left by a crash may have other permissions.
    match fs::remove_file(beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create_private(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// Reads a world that [`save`] wrote; `None` when there is no such file.
///
/// # Errors
/// When it cannot be read or holds something else.
pub fn load(path: &Path) -> io::Result<Option<World>> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let mut world: World = serde_json::from_slice(&bytes).map_err(|error| {
        let text = format!("{} holds no world of this version: {error}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })?;
    world.rebuild();
    Ok(Some(world))
}
