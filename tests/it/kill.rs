//! A process that sends and listens is killed at random moments, again and again. Nothing may be lost, and
//! nothing accepted twice.

use crate::shop::{IN_FLIGHT, Shop};

/// How many times the process is killed, and how many messages it has to send meanwhile. The long form is
/// run by hand: `KILLS=10000 cargo test --test it kill`.
fn kills() -> usize {
    std::env::var("KILLS").map_or(200, |count| count.parse().expect("KILLS is a number"))
}

#[test]
fn killed_at_any_moment_nothing_is_lost_and_nothing_accepted_twice() {
    let kills = kills();
    let mut shop = Shop::open();
    shop.write(kills * 10);
    // Moments follow from a seed; what the machine makes of them differs all the same.
    let mut bits = 0x2545_f491_4f6c_dd1d_u64;
    for kill in 0..kills {
        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        let goal = shop.accepted() + bits % 13;
        if shop.queued() < 50 {
            shop.write(100);
        }
        shop.sim.say(&format!("+1666{kill:06}7"), &format!("customer {kill}")).expect("said");
        let mut process = shop.start();
        let reached = shop.reach(goal);
        process.end();
        shop.follow();
        let sending = shop.sending();
        assert!(sending <= IN_FLIGHT, "kill {kill} leaves {sending} messages uncertain");
        assert!(reached, "before kill {kill} the process did not get to {goal} accepted messages");
    }
    // From here on it lives: it finishes its queue, and hears what was posted while it was dead.
    let mut process = shop.start();
    shop.settle();
    process.end();
    shop.verify(kills);
    println!("{kills} kills");
}
