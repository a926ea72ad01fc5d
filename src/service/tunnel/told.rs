//! The addresses that a tool told. What a command prints is its own affair: the first address is taken for the
//! tunnel's, and each other one may be its new one, or that of something else. Only a proof tells.

use url::Url;

use crate::domain::tunnel::Kind;

/// Other addresses that are remembered; older ones make room.
const OTHERS: usize = 3;

/// What a tool told so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// What is taken for the tunnel's address.
    pub(super) address: Option<Url>,
    /// What a command printed besides, the newest last.
    pub(super) others: Vec<Url>,
}

impl Told {
    /// Notes an address that was read; says whether it is news.
    pub(super) fn hear(&mut self, kind: Kind, found: Url) -> bool {
        let Some(address) = self.address.as_ref().filter(|_| kind == Kind::Command) else {
            let new = self.address.as_ref() != Some(&found);
            self.address = Some(found);
            return new;
        };
        // Tools log the requests that come in, our own questions among them.
        let is_known = self.others.iter().chain([address]).any(|known| is_beneath(&found, known));
        // And where they lead to, which nobody outside can reach.
        let is_inside = is_local(&found) && !is_local(address);
        if is_known || is_inside {
            return false;
        }
        if self.others.len() == OTHERS {
            self.others.remove(0);
        }
        self.others.push(found);
        true
    }

    /// One of the others was proved to be the tunnel's address now.
    pub(super) fn adopt(&mut self, proved: &Url) {
        self.others.retain(|other| other != proved);
        self.address = Some(proved.clone());
    }
}

fn is_beneath(url: &Url, base: &Url) -> bool {
    let path = base.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(path);
    url.origin() == base.origin()
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_local(url: &Url) -> bool {
    url.scheme() == "http"
}

#[cfg(test)]
mod tests {
    use super::{Told, Url};
    use crate::domain::tunnel::Kind;

    #[test]
    fn what_a_command_prints_later_may_be_its_new_address() {
        let mut told = Told::default();
        let mut hear = |url: &str| told.hear(Kind::Command, url.parse().unwrap());
        for (url, news) in [
            ("https://one.example", true),
            ("https://one.example/", false),
            ("https://one.example/webhook?hub.mode=subscribe", false),
            ("http://127.0.0.1:8787", false),
            ("https://one.example.org", true),
            ("https://one.example.org/webhook", false),
            ("https://two.example/t/1", true),
            ("https://two.example/t/12", true),
            ("https://three.example", true),
        ] {
            assert_eq!(hear(url), news, "{url}");
        }
        assert_eq!(told.address.as_ref().unwrap().as_str(), "https://one.example/");
        let others =
            || ["https://two.example/t/1", "https://two.example/t/12", "https://three.example/"];
        assert_eq!(told.others.iter().map(Url::as_str).collect::<Vec<_>>(), others());

        told.adopt(&"https://three.example".parse().unwrap());
        assert_eq!(told.address.as_ref().unwrap().as_str(), "https://three.example/");
        assert!(told.hear(Kind::Command, "https://one.example".parse().unwrap()), "and back again");
    }

    #[test]
    fn other_tools_print_nothing_but_their_address() {
        let mut told = Told::default();
        assert!(told.hear(Kind::Ssh, "https://one.example".parse().unwrap()));
        assert!(told.hear(Kind::Ssh, "https://two.example".parse().unwrap()));
        assert!(!told.hear(Kind::Ssh, "https://two.example".parse().unwrap()));
        assert_eq!(told.address.unwrap().as_str(), "https://two.example/");
    }
}
