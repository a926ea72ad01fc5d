//! Meta, played on a port of this machine: the test says what is answered to each request.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::Value;
use twoticks::clock::SystemClock;
use twoticks::domain::time::Clock as _;

/// A request as it came.
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without version and query.
    pub(crate) path: Vec<String>,
    /// The access token.
    pub(crate) token: String,
    pub(crate) body: Value,
}

/// What is answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// The server's time, if it is not that of this machine.
    pub(crate) date: Option<&'static str>,
}

impl Answer {
    pub(crate) const fn new(status: u16, body: Value) -> Self {
        Self { status, body, date: None }
    }
}

/// Answers requests one after the other; without an answer the connection ends. Returns the port.
pub(crate) fn serve(answer: impl Fn(&Asked) -> Option<Answer> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = move |mut client: TcpStream| {
        let Some(asked) = read(&mut client) else { return };
        let Some(Answer { status, body, date }) = answer(&asked) else { return };
        let body = body.to_string();
        let date = date.map_or_else(now, str::to_owned);
        let answer = format!(
            "HTTP/1.1 {status} X\r\nDate: {date}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        client.write_all(answer.as_bytes()).ok();
    };
    thread::Builder::new()
        .name("meta".to_owned())
        .spawn(move || listener.incoming().flatten().for_each(serve))
        .unwrap();
    port
}

fn now() -> String {
    let now = jiff::Timestamp::from_millisecond(SystemClock::new().now().millis()).unwrap();
    now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn read(client: &mut TcpStream) -> Option<Asked> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let header = |wanted: &str| {
        head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    client.read_exact(&mut body).ok()?;
    let mut words = head.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let path = target.split('?').next().unwrap_or_default();
    let parts = path.split('/').filter(|part| !part.is_empty()).skip(1);
    let token = header("authorization").unwrap_or_default();
    Some(Asked {
        method,
        path: parts.map(str::to_owned).collect(),
        token: token.trim_start_matches("Bearer ").to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
    })
}
