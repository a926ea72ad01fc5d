use std::time::Duration;

use super::{Kind, address, backoff, complaint};

/// What cloudflared 2025.5 writes to stderr for a tunnel without an account.
const CLOUDFLARED: &str = "\
2025-05-28T14:03:52Z INF Thank you for trying Cloudflare Tunnel. Doing so, without a Cloudflare account, is a quick way to experiment and try it out. However, be aware that these account-less Tunnels have no uptime guarantee, are subject to the Cloudflare Online Services Terms of Use (https://www.cloudflare.com/website-terms/), and Cloudflare reserves the right to investigate your use of Tunnels for violations of such terms. If you intend to use Tunnels in production you should use a pre-created named tunnel by following: https://developers.cloudflare.com/cloudflare-one/connections/connect-apps
2025-05-28T14:03:52Z INF Requesting new quick Tunnel on trycloudflare.com...
2025-05-28T14:03:56Z INF +--------------------------------------------------------------------------------------------+
2025-05-28T14:03:56Z INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |
2025-05-28T14:03:56Z INF |  https://xp-experiences-remix-procedures.trycloudflare.com                                 |
2025-05-28T14:03:56Z INF +--------------------------------------------------------------------------------------------+";

/// What ngrok 3 writes with `--log stdout --log-format logfmt`.
const NGROK: &str = "\
t=2026-08-10T07:20:40+0000 lvl=info msg=\"FIPS 140 mode\" enabled=false
t=2026-08-10T07:20:40+0000 lvl=info msg=\"starting web service\" obj=web addr=127.0.0.1:4040 allow_hosts=[]
t=2026-08-10T07:20:40+0000 lvl=info msg=\"client session established\" obj=tunnels.session
t=2026-08-10T07:20:40+0000 lvl=info msg=\"tunnel session started\" obj=tunnels.session
t=2026-08-10T07:20:40+0000 lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=http://localhost:8501 url=https://zookeeper-pronto-ship.ngrok-free.dev";

/// What localhost.run writes; its pages are not the tunnel.
const LOCALHOST_RUN: &str = "\
Welcome to localhost.run!
To set up and manage custom domains go to https://admin.localhost.run/
authenticated as anonymous user
8beaa541ba3dc2.lhr.life tunneled with tls termination, https://8beaa541ba3dc2.lhr.life
create an account and add your key for a longer lasting domain name. see https://localhost.run/docs/forever-free/ for more information.
Open your tunnel address on your mobile with this QR:";

fn addresses(kind: Kind, output: &str) -> Vec<String> {
    output.lines().filter_map(|line| address(kind, line)).collect()
}

#[test]
fn the_address_is_found_in_what_each_tool_really_prints() {
    let cases = [
        (
            Kind::Cloudflared,
            CLOUDFLARED,
            "https://xp-experiences-remix-procedures.trycloudflare.com",
        ),
        (Kind::Ngrok, NGROK, "https://zookeeper-pronto-ship.ngrok-free.dev"),
        (Kind::Ssh, LOCALHOST_RUN, "https://8beaa541ba3dc2.lhr.life"),
        (
            Kind::Ssh,
            "Forwarding HTTP traffic from https://gero.serveo.net\nPress g to start a GUI session and ctrl-c to quit.",
            "https://gero.serveo.net",
        ),
        (
            Kind::Ssh,
            "\u{1b}[32mForwarding HTTP traffic from \u{1b}[4mhttps://a-b.serveousercontent.com\u{1b}[0m",
            "https://a-b.serveousercontent.com",
        ),
        (
            Kind::Ssh,
            "HTTP: http://jenkins.ssi.sh\r\nHTTPS: https://jenkins.ssi.sh\r",
            "https://jenkins.ssi.sh",
        ),
        (
            Kind::Ssh,
            "http://rnabc.a.free.pinggy.link\nhttps://rnabc.a.free.pinggy.link",
            "https://rnabc.a.free.pinggy.link",
        ),
        (
            Kind::Command,
            "your url is: https://funny-cat-123.loca.lt",
            "https://funny-cat-123.loca.lt",
        ),
        (Kind::Command, "listening on http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
    ];
    for (kind, output, wanted) in cases {
        assert_eq!(addresses(kind, output), [wanted], "{kind:?}");
    }
}

#[test]
fn addresses_of_other_things_are_not_the_tunnel() {
    let others = [
        (
            Kind::Cloudflared,
            "ERR Error requesting new quick Tunnel error=\"Post \\\"https://api.trycloudflare.com/tunnel\\\": dial tcp\"",
        ),
        (Kind::Cloudflared, "failed: https://api.trycloudflare.com"),
        (
            Kind::Ngrok,
            "t=x lvl=info msg=\"started tunnel\" obj=tunnels name=command_line addr=//localhost:4444 url=tcp://0.tcp.jp.ngrok.io:10936",
        ),
        (Kind::Ngrok, "t=x lvl=info msg=start url=https://dashboard.ngrok.com"),
        (Kind::Ssh, "Follow us: https://twitter.com/localhost_run"),
        (Kind::None, "https://example.com"),
        (Kind::Command, "https://"),
    ];
    for (kind, line) in others {
        assert_eq!(address(kind, line), None, "{line}");
    }
}

#[test]
fn errors_of_the_tools_name_what_helps() {
    let cases = [
        (
            Kind::Ngrok,
            "ERROR:  authentication failed: Usage of ngrok requires a verified account and authtoken.\nERROR:\nERROR:  ERR_NGROK_4018",
            "add-authtoken",
        ),
        (
            Kind::Ngrok,
            "t=2026-08-20T20:36:20+0000 lvl=eror msg=\"failed to reconnect session\" obj=tunnels.session err=\"authentication failed: The authtoken you specified does not look like a proper ngrok authtoken. ERR_NGROK_105\"",
            "authtoken is wrong",
        ),
        (
            Kind::Ngrok,
            "lvl=eror msg=\"failed to reconnect session\" obj=csess err=\"authentication failed: Your account is limited to 1 simultaneous ngrok agent sessions.\"",
            "end it",
        ),
        (
            Kind::Cloudflared,
            "ERR Error requesting new quick Tunnel error=\"failed to request quick Tunnel: 429 Too Many Requests\"",
            "wait some minutes",
        ),
        (Kind::Ssh, "Host key verification failed.", "by hand"),
        (Kind::Ssh, "me@example.com: Permission denied (publickey).", "tunnel.args"),
        (Kind::Ssh, "Error: remote port forwarding failed for listen port 80\n", "tunnel.remote"),
        (
            Kind::Ssh,
            "ssh: Could not resolve hostname nowhere: Name or service not known",
            "tunnel.destination",
        ),
    ];
    for (kind, output, remedy) in cases {
        let said = complaint(kind, output.lines());
        assert!(said.contains(remedy), "{said}");
    }
    assert_eq!(
        complaint(Kind::Command, ["starting", "fatal: no luck", "bye"].into_iter()),
        "fatal: no luck"
    );
    assert_eq!(complaint(Kind::Command, ["one", "two", " "].into_iter()), "two");
    assert_eq!(complaint(Kind::Command, [].into_iter()), "it said nothing");
    let long = "x".repeat(1000);
    assert!(complaint(Kind::Command, [long.as_str()].into_iter()).len() < 200);
}

#[test]
fn waits_double_up_to_a_minute() {
    let waits: Vec<u64> = (0..9).map(|failures| backoff(failures).as_secs()).collect();
    assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(backoff(u32::MAX), Duration::from_secs(60));
}
