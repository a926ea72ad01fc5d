//! Forgeries by the thousand: none is stored, each is counted.

use super::{Server, limits, post, sign, status};

const FORGERIES: usize = 10_000;

/// Signed as Meta does it, with what is not ASCII escaped.
fn body(n: usize) -> String {
    format!(r#"{{"n":{n},"text":"\u00e4\/"}}"#)
}

fn unsigned(body: &str, headers: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /webhook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\
         {headers}\r\n{body}"
    )
    .into_bytes()
}

/// A request that nearly is one of Meta's.
fn forged(n: usize) -> Vec<u8> {
    let body = body(n);
    let good = sign(body.as_bytes());
    let digits = good.trim_start_matches("sha256=");
    let header = |name: &str, value: &str| format!("{name}: {value}\r\n");
    let signed = |signature: &str| post(body.as_bytes(), signature);
    match n % 10 {
        0 => {
            let mut bytes = body.clone().into_bytes();
            let at = n / 10 % bytes.len();
            bytes[at] ^= 1 << (n % 8);
            post(&bytes, &good)
        }
        1 => {
            let mut digits: Vec<u8> = digits.bytes().collect();
            let at = n / 10 % digits.len();
            digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
            signed(&format!("sha256={}", String::from_utf8(digits).unwrap()))
        }
        // A digest without a letter has no upper case: then a digit is missing as well.
        2 => signed(&format!("sha256={}", digits.to_uppercase().trim_end_matches('0'))),
        3 => signed(good.strip_suffix(|_: char| true).unwrap()),
        4 => signed(&format!("{good}0")),
        5 => signed(&good.replace("sha256=", ["sha1=", "SHA256=", ""][n / 10 % 3])),
        6 => unsigned(&body, ""),
        7 => {
            let twice = header("X-Hub-Signature-256", &good).repeat(2);
            unsigned(&body, &twice)
        }
        // As a server gives it that reads the JSON and writes it anew.
        8 => post(body.replace(r"\u00e4", "ä").replace(r"\/", "/").as_bytes(), &good),
        _ => unsigned(&body, &header("X-Hub-Signature", &good)),
    }
}

#[test]
fn of_ten_thousand_forgeries_none_is_stored_and_each_is_counted() {
    let server = Server::start(limits());
    std::thread::scope(|scope| {
        for half in 0..2 {
            let server = &server;
            scope.spawn(move || {
                for n in (half..FORGERIES).step_by(2) {
                    assert_eq!(status(&server.raw(&forged(n))), 401, "forgery {n}");
                }
            });
        }
    });
    assert!(server.kept.bodies.lock().unwrap().is_empty());
    assert_eq!(usize::try_from(server.refused().signature).unwrap(), FORGERIES);
    // What they were made from is good.
    for n in 0..10 {
        let body = body(n);
        assert_eq!(status(&server.post(body.as_bytes(), &sign(body.as_bytes()))), 200);
    }
    assert_eq!(server.kept.bodies.lock().unwrap().len(), 10);
}
