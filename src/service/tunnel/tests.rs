use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use super::output::Lines;
use super::tool::command_line;
use super::{Proving, TunnelConfig, with_path};
use crate::domain::tunnel::Kind;

fn config(kind: Kind) -> TunnelConfig {
    TunnelConfig {
        kind,
        public_url: None,
        destination: None,
        remote: "80".to_owned(),
        command: None,
        args: Vec::new(),
        guard: PathBuf::new(),
        withheld: Vec::new(),
        proving: Proving::default(),
        register: None,
    }
}

fn called(config: &TunnelConfig) -> Result<String, String> {
    let line = command_line(config, "127.0.0.1:8787".parse().unwrap())?;
    Ok(line.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

#[test]
fn each_tool_is_called_as_its_documentation_says() {
    let quick = called(&config(Kind::Cloudflared)).unwrap();
    assert_eq!(quick, "cloudflared tunnel --no-autoupdate --url http://127.0.0.1:8787");
    let mut ngrok = config(Kind::Ngrok);
    let log = "ngrok http 127.0.0.1:8787 --log stdout --log-format logfmt";
    assert_eq!(called(&ngrok).unwrap(), log);
    ngrok.public_url = Some("https://a.ngrok.app/".parse().unwrap());
    ngrok.args = vec!["--region=eu".to_owned()];
    assert_eq!(called(&ngrok).unwrap(), format!("{log} --url=https://a.ngrok.app/ --region=eu"));
    let mut ssh = config(Kind::Ssh);
    assert!(called(&ssh).unwrap_err().contains("tunnel.destination"));
    ssh.destination = Some("nokey@localhost.run".to_owned());
    let session = called(&ssh).unwrap();
    assert!(session.ends_with("-R 80:127.0.0.1:8787 -- nokey@localhost.run"), "{session}");
    ssh.public_url = Some("https://own.example".parse().unwrap());
    assert!(called(&ssh).unwrap().contains(" -N "), "a host of one's own needs no session");
    let mut command = config(Kind::Command);
    assert!(called(&command).is_err());
    command.command = Some("bore local {port}".to_owned());
    assert_eq!(called(&command).unwrap(), "sh -c bore local 8787");
}

#[test]
fn the_path_comes_after_whatever_the_address_has() {
    for (base, whole) in [
        ("https://a.example", "https://a.example/webhook"),
        ("https://a.example/", "https://a.example/webhook"),
        ("https://a.example/shop/", "https://a.example/shop/webhook"),
    ] {
        assert_eq!(with_path(&base.parse().unwrap(), "/webhook").as_str(), whole);
    }
}

#[test]
fn lines_are_read_however_they_come() {
    let (read, mut write) = std::io::pipe().unwrap();
    write.write_all(b"one\r\n\n  \ntwo\rthree\xff\n").unwrap();
    write.write_all(&[b'x'; 5000]).unwrap();
    write.write_all(b"\nlast").unwrap();
    drop(write);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let lines = runtime.block_on(async {
        let mut lines = Lines::new(OwnedFd::from(read)).unwrap();
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    });
    let lengths: Vec<usize> = lines.iter().map(String::len).collect();
    assert_eq!(lines[..3], ["one", "two", "three\u{fffd}"]);
    assert_eq!(lines.last().unwrap(), "last");
    assert_eq!(lengths.iter().sum::<usize>(), 3 + 3 + 8 + 5000 + 4, "{lengths:?}");
}
