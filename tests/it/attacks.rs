//! What can be done to the listener by whoever reaches its port without the app secret. After each attack,
//! and where it makes sense during it, a webhook of Meta's is answered in time, and the process gives back
//! what the attack cost.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use twoticks::store::event::{event, events};

use crate::target::{Target, VERIFY_TOKEN, post, read_all, sign, status};

/// A webhook of Meta's is answered within this, whatever goes on.
const PROMPT: Duration = Duration::from_secs(1);

/// With all seats taken by others.
const CROWDED: Duration = Duration::from_secs(5);

/// Runs one attack against a listener of its own.
fn survives(attack: impl FnOnce(&Target)) {
    let target = Target::start();
    let before = target.usage();
    attack(&target);
    target.unharmed(before, PROMPT);
}

/// Writes until the other side does not want any more; how many bytes it took.
fn pour(stream: &mut TcpStream, piece: &[u8], most: usize) -> usize {
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut taken = 0;
    while taken < most {
        match stream.write(piece) {
            Ok(count) => taken += count,
            Err(_closed_or_full) => break,
        }
    }
    taken
}

#[test]
fn a_promised_body_takes_no_memory() {
    survives(|target| {
        for length in ["9223372036854775807", "18446744073709551615", "3145729"] {
            for method in ["POST", "GET", "PUT"] {
                let request = format!(
                    "{method} /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\
                     X-Hub-Signature-256: sha256=0\r\n\r\n"
                );
                let answer = status(&target.raw(request.as_bytes()));
                assert!((400..500).contains(&answer), "{method} {length}: {answer}");
            }
        }
    });
}

/// Each piece of a body cost sixteen bytes of account besides its own.
#[test]
fn a_body_in_pieces_of_a_byte_takes_no_more_memory_than_a_whole_one() {
    let head = "POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
                X-Hub-Signature-256: sha256=0\r\n\r\n";
    let request = [head.as_bytes(), &b"1\r\nx\r\n".repeat(512 << 10), b"0\r\n\r\n"].concat();
    survives(|target| {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert!([401, 408].contains(&status(&target.raw(&request)))));
            }
        });
    });
}

#[test]
fn another_protocol_leaves_nothing_behind() {
    survives(|target| {
        for n in 0..200 {
            let words: &[u8] = match n % 3 {
                0 => b"GET / HTTP/2.0\r\n\r\n",
                1 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
                _ => b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            };
            target.connect().write_all(words).unwrap();
        }
    });
}

#[test]
fn an_endless_line_is_cut_off() {
    survives(|target| {
        let mut stream = target.connect();
        let taken = pour(&mut stream, &vec![b'a'; 64 << 10], 300 << 20);
        assert!(taken < 32 << 20, "{taken} bytes were taken in");
    });
}

#[test]
fn a_million_headers_are_cut_off() {
    survives(|target| {
        let mut stream = target.connect();
        stream.write_all(b"POST /webhook HTTP/1.1\r\n").unwrap();
        let taken = pour(&mut stream, b"X: y\r\n".repeat(1000).as_slice(), 6_000_000);
        assert!(taken < 6_000_000, "all were taken in");
    });
}

#[test]
fn unread_answers_hold_back_pipelined_requests() {
    survives(|target| {
        let unknown = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(1000);
        pour(&mut target.connect(), &unknown, 500 * unknown.len());
        // Whoever knows the verify token gets answers that keep the connection open.
        let word = VERIFY_TOKEN.replace(' ', "+");
        let known = format!(
            "GET /webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token={word} HTTP/1.1\r\n\
             Host: x\r\n\r\n"
        );
        let known = known.as_bytes().repeat(1000);
        let mut stream = target.connect();
        let taken = pour(&mut stream, &known, 500 * known.len());
        assert!(taken < 500 * known.len(), "nothing held it back");
        target.good(PROMPT);
    });
}

#[test]
fn running_out_of_files_passes() {
    let target = Target::with_files(128);
    let before = target.usage();
    let crowd: Vec<TcpStream> = (0..300).map(|_| target.connect()).collect();
    target.good(CROWDED);
    drop(crowd);
    target.unharmed(before, PROMPT);
}

#[test]
fn six_hundred_that_never_finish_a_head_keep_nobody_out() {
    survives(|target| {
        let crowd: Vec<TcpStream> = (0..600)
            .map(|_| {
                let mut stream = target.connect();
                stream.write_all(b"POST /webhook HTTP/1.1\r\nHost: x\r\nX-A: ").unwrap();
                stream
            })
            .collect();
        target.good(CROWDED);
        drop(crowd);
    });
}

/// Writes one byte whenever the listener has been silent for a while, until it closes.
fn drip(mut stream: TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut answer = [0; 1024];
    for _ in 0..120 {
        match stream.read(&mut answer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if stream.write_all(b"x").is_err() {
                    return;
                }
            }
            Err(_cut) => return,
        }
    }
    panic!("it was let drip for ever");
}

#[test]
fn heads_and_bodies_that_drip_are_cut_off() {
    survives(|target| {
        thread::scope(|scope| {
            for n in 0..64 {
                let mut stream = target.connect();
                let body = post(&[b'x'; 1000], &sign(b""));
                let head = &b"POST /webhook HTTP/1.1\r\nX-A: "[..];
                stream.write_all(if n % 2 == 0 { head } else { &body[..400] }).unwrap();
                scope.spawn(move || drip(stream));
            }
            target.good(PROMPT);
        });
    });
}

#[test]
fn bodies_that_do_not_come_are_cut_off() {
    survives(|target| {
        let request = post(b"{\"never\":\"whole\"}", &sign(b"{}"));
        let expecting = "POST /webhook HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
             Content-Length: 9\r\nX-Hub-Signature-256: sha256=0\r\n\r\n";
        let begin = |bytes: &[u8]| {
            let mut stream = target.connect();
            stream.write_all(bytes).unwrap();
            stream
        };
        let slow: Vec<TcpStream> = (0..8).map(|_| begin(&request[..request.len() - 1])).collect();
        let expect: Vec<TcpStream> = (0..8).map(|_| begin(expecting.as_bytes())).collect();
        target.good(PROMPT);
        for mut stream in slow {
            assert_eq!(status(&read_all(&mut stream)), 408);
        }
        for mut stream in expect {
            let answer = read_all(&mut stream);
            assert!(String::from_utf8_lossy(&answer).contains("HTTP/1.1 408"));
        }
    });
}

/// Each form of an ambiguous length hides a second request, which must not be answered.
#[test]
fn no_request_hides_in_the_body_of_another() {
    let token = VERIFY_TOKEN.replace(' ', "+");
    let hidden = format!(
        "GET /webhook?hub.mode=subscribe&hub.challenge=smuggled&hub.verify_token={token} HTTP/1.1\r\n\
         Host: x\r\n\r\n"
    );
    let whole = 2 + hidden.len();
    let forms = [
        format!("Content-Length: 2\r\nContent-Length: {whole}"),
        format!("Content-Length: {whole}\r\nContent-Length: 2"),
        format!("Content-Length: 2, {whole}"),
        "Content-Length: 2x".to_owned(),
        "Content-Length: +2".to_owned(),
        "Content-Length: 0x2".to_owned(),
        "Content-Length: -2".to_owned(),
        "Content-Length : 2".to_owned(),
        format!("Content-Length: {whole}\r\nTransfer-Encoding: chunked"),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding:\x0bchunked".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
        format!("Content-Length: {whole}\n\rTransfer-Encoding: chunked"),
    ];
    survives(|target| {
        for form in forms {
            for body in ["{}", "2\r\n{}\r\n0\r\n\r\n", "0\r\n\r\n", "2;\n{}\r\n00\r\n\r\n"] {
                let signature = sign(if body.contains('{') { b"{}" } else { b"" });
                let request = format!(
                    "POST /webhook HTTP/1.1\r\nHost: x\r\n{form}\r\n\
                     X-Hub-Signature-256: {signature}\r\n\r\n{body}{hidden}"
                );
                let mut stream = target.connect();
                stream.write_all(request.as_bytes()).ok();
                stream.shutdown(std::net::Shutdown::Write).ok();
                let answer = read_all(&mut stream);
                let answer = String::from_utf8_lossy(&answer);
                assert!(!answer.contains("smuggled"), "{form:?} {body:?}: {answer}");
            }
        }
    });
}

#[test]
fn connections_reset_at_once_cost_nothing() {
    survives(|target| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for _ in 0..3000 {
                let stream = tokio::net::TcpStream::connect(target.address).await.unwrap();
                stream.set_zero_linger().unwrap();
            }
        });
    });
}

#[test]
fn only_what_is_signed_is_stored() {
    let target = Target::start();
    let body = b"{\"forged\":true}";
    let good = sign(body);
    let hex = good.strip_prefix("sha256=").unwrap();
    let flipped = |at: usize| {
        let mut digits = hex.as_bytes().to_vec();
        digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
        format!("sha256={}", String::from_utf8(digits).unwrap())
    };
    let forms = [
        good.to_uppercase(),
        good.replace("sha256=", "SHA256="),
        good.replace("sha256=", "sha1="),
        hex.to_owned(),
        format!("{good}0"),
        good.chars().take(70).collect(),
        format!("sha256={}", "0".repeat(64)),
        format!("{good}, {good}"),
        format!("{good}\r\nX-Hub-Signature-256: {good}"),
        String::new(),
        sign(b"{\"forged\": true}"),
    ];
    let forged = forms.into_iter().chain((0..64).map(flipped));
    for signature in forged {
        assert_eq!(status(&target.raw(&post(body, &signature))), 401, "{signature}");
    }
    for at in 0..body.len() {
        let mut other = body.to_vec();
        other[at] ^= 1;
        assert_eq!(status(&target.raw(&post(&other, &good))), 401);
    }
    let bare =
        "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(status(&target.raw(bare.as_bytes())), 401);
    assert_eq!(stored(&target), target.posted());
}

/// How many events are stored. All of them are ours.
fn stored(target: &Target) -> usize {
    let read = target.read();
    let (mut count, mut before) = (0, None);
    loop {
        let page = events(&read, before, 500).unwrap();
        let Some(last) = page.last() else { return count };
        before = Some(last.id);
        count += page.len();
        for row in page {
            let body = event(&read, row.id).unwrap().1;
            let ours = BASES.contains(&body.as_slice()) || body.starts_with(b"{\"good\":");
            assert!(ours, "{}", String::from_utf8_lossy(&body));
        }
    }
}

/// How many mutated requests are sent. The long form is run by hand: `MUTATIONS=10000000 cargo test --test
/// it mutated`.
fn mutations() -> usize {
    std::env::var("MUTATIONS")
        .map_or(100_000, |count| count.parse().expect("MUTATIONS is a number"))
}

/// The bodies of requests before they are mutated.
const BASES: [&[u8]; 2] = [b"{\"object\":\"whatsapp_business_account\",\"entry\":[]}", b"{}"];

/// Marsaglia's xorshift: the same requests for the same seed.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() % end.max(1)
    }
}

fn bases() -> Vec<Vec<u8>> {
    let mut bases: Vec<Vec<u8>> = BASES.iter().map(|body| post(body, &sign(body))).collect();
    let chunked = format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
         X-Hub-Signature-256: {}\r\n\r\n1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n",
        sign(b"{}")
    );
    bases.push(chunked.into_bytes());
    bases.push(
        b"GET /webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x HTTP/1.1\r\n\
          Host: x\r\n\r\n"
            .to_vec(),
    );
    bases
}

/// What parsers stumble over.
const PIECES: [&[u8]; 12] = [
    b"\r\n",
    b"\n",
    b"\0",
    b" ",
    b"\r\n\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Expect: 100-continue\r\n",
    b"Connection: upgrade\r\nUpgrade: h2c\r\n",
    b"ffffffffffffffff\r\n",
    b"\xff\xfe\x80",
    b"%00%2e%2e",
];

fn mutate(base: &[u8], bits: &mut Bits) -> Vec<u8> {
    let mut request = base.to_vec();
    for _ in 0..=bits.below(4) {
        let at = bits.below(request.len());
        match bits.below(6) {
            0 if !request.is_empty() => request[at] = u8::try_from(bits.below(256)).unwrap(),
            1 if !request.is_empty() => request[at] ^= 1 << bits.below(8),
            2 => request.truncate(at),
            3 => {
                let end = (at + bits.below(40)).min(request.len());
                request.drain(at..end);
            }
            4 => {
                let end = (at + bits.below(80)).min(request.len());
                let again = request[at..end].to_vec();
                request.splice(at..at, again);
            }
            _ => {
                let piece = PIECES[bits.below(PIECES.len())];
                request.splice(at..at, piece.iter().copied());
            }
        }
    }
    request
}

#[test]
fn mutated_requests_do_no_harm() {
    const SEED: u64 = 0x5eed_0a44_ac4e_d001;
    const THREADS: usize = 4;
    let count = mutations();
    println!("seed {SEED:#x}, {count} requests");
    survives(|target| {
        thread::scope(|scope| {
            for thread in 0..THREADS {
                scope.spawn(move || {
                    let bases = bases();
                    let mut bits = Bits(SEED.wrapping_add(u64::try_from(thread).unwrap()));
                    for number in 0..count / THREADS {
                        let request = mutate(&bases[number % bases.len()], &mut bits);
                        let mut stream = target.connect();
                        stream.write_all(&request).ok();
                        stream.shutdown(std::net::Shutdown::Write).ok();
                        read_all(&mut stream);
                        if number % 1000 == 0 {
                            target.good(PROMPT);
                        }
                    }
                });
            }
        });
        assert!(stored(target) >= target.posted());
    });
}
