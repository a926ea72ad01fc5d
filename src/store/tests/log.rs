use super::*;
use crate::store::write::LOG_FRAMES;

fn log_size(world: &World) -> u64 {
    let log = world.path().with_file_name("twoticks.db-wal");
    std::fs::metadata(log).map_or(0, |file| file.len())
}

#[test]
fn a_log_that_grew_behind_a_long_read_is_cut_when_idle() {
    let room = u64::try_from(LOG_FRAMES).unwrap() * (4096 + 24) + 32;
    let mut world = World::new();
    world.read.conn.execute_batch("BEGIN; SELECT count(*) FROM message").unwrap();
    for n in 0_u8..12 {
        let body = vec![n; 1 << 20];
        let post = RawPost { body, sha256: [n; 32], received_at: t(0) };
        world.do_it(|tx| ingest(tx, &post, &[], t(0)));
    }
    let grown = log_size(&world);
    assert!(grown > room, "{grown} bytes are not many");
    assert!(world.write.maintain().unwrap(), "the reader is in the way");
    assert_eq!(log_size(&world), grown);
    world.read.conn.execute_batch("COMMIT").unwrap();
    let steps = (0..1_000).take_while(|_| world.write.maintain().unwrap()).count();
    assert!(steps < 1_000, "it comes to an end");
    let cut = log_size(&world);
    assert!(cut <= room, "{cut} bytes");
    world.sound();
}
