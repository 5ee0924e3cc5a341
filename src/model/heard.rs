//! What was said to the servers behind nginx, and what came back: by the
//! target, and by the server of its group.

use crate::facts::{Conversation, Heard, Said, TlsHeard};

use super::target::split_address;
use super::{Effective, Endpoint, Host, Model, Place, Seen, Target, TlsPass};

/// A host and port that a target leads to, and what was said there.
#[derive(Clone, Debug)]
pub struct Talks<'m> {
    /// The target.
    pub target: Target<'m>,
    /// The host and port.
    pub endpoint: Endpoint<'m>,
    /// What was said at its addresses, never nothing.
    pub conversations: Vec<&'m Conversation>,
}

/// A target, and the hosts and ports it leads to where the same was found.
#[derive(Clone, Debug)]
pub struct Found<'m, W> {
    /// The target.
    pub target: Target<'m>,
    /// What was found.
    pub what: W,
    /// Where: never empty.
    pub endpoints: Vec<Endpoint<'m>>,
    /// The addresses that were spoken to.
    pub addresses: Vec<&'m str>,
    /// Whether it was found wherever the target leads to and somebody spoke.
    pub is_everywhere: bool,
}

/// What answers begin with, and what speaks so.
const BANNERS: [(&str, &str); 10] = [
    ("SSH-", "SSH"),
    ("-ERR", "Redis"),
    ("-NOAUTH", "Redis"),
    ("-DENIED", "Redis"),
    ("220 ", "SMTP or FTP"),
    ("220-", "SMTP or FTP"),
    ("* OK", "IMAP"),
    ("+OK", "POP3"),
    ("ERROR", "memcached"),
    ("RFB ", "VNC"),
];

impl Conversation {
    /// What speaks there, in a word; none when that is not known.
    pub fn spoken(&self) -> Option<&'static str> {
        match self.heard {
            Heard::Tls | Heard::TlsFailed => Some("TLS"),
            Heard::Http => Some("HTTP"),
            Heard::Http2 => Some("HTTP/2"),
            Heard::Fastcgi => Some("FastCGI"),
            Heard::Memcached => Some("memcached"),
            Heard::Other => self.banner(),
            Heard::Silence | Heard::Closed | Heard::Reset => None,
        }
    }

    /// What begins an answer like this one, where that is known.
    pub fn banner(&self) -> Option<&'static str> {
        let text = self.text.as_deref()?;
        BANNERS.iter().find(|(start, _)| text.starts_with(start)).map(|(_, what)| *what)
    }

    /// Whether HTTP without TLS is at home there: an answer to something that
    /// was no TLS, other than the refusal with which servers for TLS answer
    /// that.
    pub fn is_plain_http(&self) -> bool {
        let refuses = self.text.as_deref().is_none_or(|text| text.contains(" 400"));
        self.said != Said::Tls && matches!(self.heard, Heard::Http) && !refuses
    }

    /// Whether what came back was certainly said without TLS by something
    /// that does not speak TLS.
    pub fn is_plain(&self) -> bool {
        match self.heard {
            Heard::Http if self.said == Said::Tls => true,
            Heard::Http => self.is_plain_http(),
            Heard::Tls | Heard::TlsFailed => false,
            _ => self.spoken().is_some(),
        }
    }
}

impl<'m> Talks<'m> {
    /// The conversations that began with this.
    pub fn that_said(&self, said: Said) -> impl Iterator<Item = &'m Conversation> + '_ {
        self.conversations.iter().copied().filter(move |conversation| conversation.said == said)
    }

    /// Whether this came back to whatever was said.
    pub fn has_heard(&self, heard: Heard) -> bool {
        self.conversations.iter().any(|conversation| conversation.heard == heard)
    }

    /// The TLS handshakes that were made as nginx makes them for this target.
    /// Empty where that is not known.
    pub fn as_nginx(&self) -> Vec<&'m Conversation> {
        let own = self.target.conversations();
        let is_own = |conversation: &&Conversation| own.iter().any(|one| std::ptr::eq(*one, *conversation));
        self.that_said(Said::Tls).filter(is_own).collect()
    }
}

impl<'m, W> Found<'m, W> {
    /// The target, or the server of the group when others of it are fine.
    pub fn place(&self) -> Place {
        match self.endpoints.first() {
            Some(endpoint) if !self.is_everywhere => endpoint.directive.place_of_argument(0),
            _ => self.target.directive.place_of_argument(0),
        }
    }

    /// Whether these messages of the log are about it.
    pub fn is_told_by(&self, seen: &Seen<'_>) -> bool {
        let is_target = seen.target.is_some_and(|target| target.directive.id() == self.target.directive.id());
        let is_server = seen.group_server.is_none_or(|server| {
            self.endpoints.iter().any(|endpoint| endpoint.directive.id() == server.directive.id())
        });
        is_target && is_server
    }

    /// The addresses as part of a sentence.
    pub fn in_words(&self) -> String {
        self.addresses.join(" and ")
    }
}

impl<'t> Model<'t> {
    /// What was said where a target leads to, by host and port; those are left
    /// out that nobody spoke to.
    pub fn talks<'m>(&'m self, target: Target<'m>) -> Vec<Talks<'m>> {
        let Some(facts) = self.facts().filter(|facts| !facts.conversations.is_empty()) else { return Vec::new() };
        let endpoints = target.possible_endpoints().into_iter();
        let talks = endpoints.filter_map(|endpoint| {
            let addresses = self.addresses_of(endpoint).unwrap_or_default();
            let all = facts.conversations.iter();
            let conversations: Vec<&Conversation> =
                all.filter(|conversation| addresses.contains(&conversation.address)).collect();
            (!conversations.is_empty()).then_some(Talks { target, endpoint, conversations })
        });
        talks.collect()
    }

    /// The same for what messages of the log are about.
    pub fn talks_of_seen<'m>(&'m self, seen: &Seen<'m>) -> Vec<Talks<'m>> {
        let mut talks = seen.target.map(|target| self.talks(target)).unwrap_or_default();
        if let Some(server) = seen.group_server {
            talks.retain(|talks| talks.endpoint.directive.id() == server.directive.id());
        }
        talks
    }

    /// What a judgement finds in what was said, by target; equal findings at
    /// several servers of a group as one.
    pub fn found_in_talks<'m, W: PartialEq>(
        &'m self,
        judge: impl Fn(&Talks<'m>) -> Option<(W, &'m Conversation)>,
    ) -> Vec<Found<'m, W>> {
        if self.facts().is_none_or(|facts| facts.conversations.is_empty()) {
            return Vec::new();
        }
        let mut found: Vec<Found<'m, W>> = Vec::new();
        for target in self.targets() {
            let talks = self.talks(target);
            let start = found.len();
            for talk in &talks {
                let Some((what, conversation)) = judge(talk) else { continue };
                let address = conversation.address.as_str();
                match found[start..].iter_mut().find(|known| known.what == what) {
                    Some(known) => {
                        known.endpoints.push(talk.endpoint);
                        known.addresses.extend((!known.addresses.contains(&address)).then_some(address));
                    }
                    None => found.push(Found {
                        target,
                        what,
                        endpoints: vec![talk.endpoint],
                        addresses: vec![address],
                        is_everywhere: false,
                    }),
                }
            }
            for own in &mut found[start..] {
                own.is_everywhere = own.endpoints.len() == talks.len();
            }
        }
        found
    }
}

impl Endpoint<'_> {
    /// Whether something there spoke: what it speaks need not be guessed then.
    pub fn has_spoken(self) -> bool {
        let model = self.directive.model();
        let Some(facts) = model.facts().filter(|facts| !facts.conversations.is_empty()) else { return false };
        let addresses = model.addresses_of(self).unwrap_or_default();
        let here = facts.conversations.iter().filter(|conversation| addresses.contains(&conversation.address));
        here.into_iter().any(|conversation| conversation.spoken().is_some())
    }
}

impl<'m> TlsPass<'m> {
    /// The name that the server has to have: of `proxy_ssl_name`, or the host
    /// of the target. None where a variable makes it.
    pub fn expected_name(&self) -> Option<&'m str> {
        match self.effective("name") {
            Effective::Set(directive) => {
                let name = directive.argument(0)?;
                // What may have a port has it taken off.
                (!name.contains('$') && !directive.is_template(0)).then(|| without_port(name))
            }
            Effective::Default if !self.target.has_variables() => {
                Some(without_port(&self.target.text[self.target.parts().address]))
            }
            Effective::Default | Effective::Unseen => None,
        }
    }

    /// The name that nginx gives in the handshake; none inside when it gives
    /// none, none outside when that is not known.
    pub fn sent_name(&self) -> Option<Option<&'m str>> {
        if !self.is_on("server_name")? {
            return Some(None);
        }
        let name = self.expected_name()?;
        let is_name = matches!(split_address(name).0, Host::Name(_)) && !name.contains(':');
        Some(Some(name).filter(|_| is_name))
    }

    /// Whether somebody has made the handshake that nginx makes, and was shown
    /// a certificate.
    pub fn has_shown_certificate(&self) -> bool {
        let talks = self.target.directive.model().talks(self.target);
        let mut own = talks.iter().flat_map(|talks| talks.as_nginx());
        own.any(|talk| talk.tls.as_ref().is_some_and(|tls| !tls.chain.is_empty()))
    }

    /// What a handshake tells about trust, when it was judged with the file
    /// of certificates that is in force for it.
    pub fn trust_in<'c>(&self, tls: &'c TlsHeard) -> Option<Result<(), &'c str>> {
        let file = self.effective("trusted_certificate").directive()?.argument(0)?;
        is_path(tls.trusted.as_deref()?, file).then(|| tls.distrust.as_deref().map_or(Ok(()), Err))
    }
}

fn without_port(name: &str) -> &str {
    match split_address(name) {
        (Host::Name(host), _) => host,
        (Host::Address(host), _) if !host.starts_with('[') => host,
        _ => name,
    }
}

/// Whether an absolute path is what a file is called in the configuration,
/// where relative ones begin at a directory that is not known here.
pub fn is_path(absolute: &str, written: &str) -> bool {
    let written = written.strip_prefix("./").unwrap_or(written);
    absolute == written
        || (!written.starts_with('/')
            && absolute.strip_suffix(written).is_some_and(|directory| directory.ends_with('/')))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::catalog::Context;
    use crate::facts::{Facts, Resolution};
    use crate::model::Profile;
    use crate::tree::{self, Memory, Places};

    /// Runs a question on the target of a configuration with these facts.
    fn ask<T>(pass: &str, facts: Facts, question: impl Fn(&Model<'_>, Target<'_>) -> T) -> T {
        let path = Path::new("nginx.conf");
        let text = format!(
            "http {{ upstream app {{ server 10.0.0.1:443; server 10.0.0.2:443; }} server {{ location / {{ {pass} }} }} }}"
        );
        let files: Memory = [(path, text)].into_iter().collect();
        let tree =
            tree::load(&files, path, &Places::of_entry(path, Path::new("/nginx.conf"))).expect("the file is there");
        let model = Model::new(&tree, Context::Main, Profile { facts: Some(Arc::new(facts)), ..Profile::default() });
        let target = model.targets().next().expect("a target");
        question(&model, target)
    }

    fn said(address: &str, said: Said, heard: Heard) -> Conversation {
        Conversation { address: address.to_owned(), said, heard, ..Conversation::default() }
    }

    #[test]
    fn equal_findings_of_a_group_are_one() {
        type Row<'r> = (&'r str, &'r [&'r str], Option<(usize, bool)>);
        let table: [Row<'_>; 5] = [
            ("proxy_pass http://app;", &["10.0.0.1:443", "10.0.0.2:443"], Some((2, true))),
            ("proxy_pass http://app;", &["10.0.0.1:443"], Some((1, true))),
            ("proxy_pass http://name.example;", &["10.0.0.1:80"], Some((1, true))),
            ("proxy_pass http://name.example;", &["10.0.0.1:443"], None),
            ("proxy_pass http://unix:/run/a.sock:/x;", &["unix:/run/a.sock"], Some((1, true))),
        ];
        for (pass, addresses, expected) in table {
            let conversations = addresses.iter().map(|address| said(address, Said::Tls, Heard::Tls)).collect();
            let mut facts = Facts { conversations, ..Facts::default() };
            let resolved = Resolution { addresses: vec!["10.0.0.1".to_owned()], error: None };
            facts.names.insert("name.example".to_owned(), resolved);
            let found = ask(pass, facts, |model, _| {
                let judge = |talks: &Talks<'_>| talks.has_heard(Heard::Tls);
                let found = model.found_in_talks(|talks| judge(talks).then(|| ((), talks.conversations[0])));
                found.first().map(|found| (found.endpoints.len(), found.is_everywhere))
            });
            assert_eq!(found, expected, "{pass} {addresses:?}");
        }
    }

    #[test]
    fn a_server_that_differs_is_not_everywhere() {
        let conversations =
            vec![said("10.0.0.1:443", Said::Tls, Heard::Tls), said("10.0.0.2:443", Said::Tls, Heard::Http)];
        let facts = Facts { conversations, ..Facts::default() };
        let found = ask("proxy_pass http://app;", facts, |model, _| {
            let judge = |talks: &Talks<'_>| talks.has_heard(Heard::Tls);
            let found = model.found_in_talks(|talks| judge(talks).then(|| ((), talks.conversations[0])));
            found.iter().map(|found| (found.in_words(), found.is_everywhere)).collect::<Vec<_>>()
        });
        assert_eq!(found, [("10.0.0.1:443".to_owned(), false)]);
    }

    #[test]
    fn the_name_given_is_that_of_the_configuration() {
        type Row<'r> = (&'r str, Option<&'r str>, Option<Option<&'r str>>);
        let table: [Row<'_>; 8] = [
            ("proxy_pass https://app;", Some("app"), Some(None)),
            (
                "proxy_pass https://a.example:8443/x; proxy_ssl_server_name on;",
                Some("a.example"),
                Some(Some("a.example")),
            ),
            (
                "proxy_pass https://app; proxy_ssl_server_name on; proxy_ssl_name b.example:1;",
                Some("b.example"),
                Some(Some("b.example")),
            ),
            ("proxy_pass https://10.0.0.1:8443; proxy_ssl_server_name on;", Some("10.0.0.1"), Some(None)),
            ("proxy_pass https://[::1]:8443; proxy_ssl_server_name on;", Some("[::1]:8443"), Some(None)),
            ("proxy_pass https://app; proxy_ssl_server_name on; proxy_ssl_name $host;", None, None),
            ("proxy_pass https://app; proxy_ssl_name $host;", None, Some(None)),
            ("proxy_pass https://app$uri; proxy_ssl_server_name on;", None, None),
        ];
        for (pass, expected, sent) in table {
            let names = ask(pass, Facts::default(), |_, target| {
                let tls = target.tls().expect("it is reached over TLS");
                (tls.expected_name().map(str::to_owned), tls.sent_name().map(|name| name.map(str::to_owned)))
            });
            let sent = sent.map(|name| name.map(str::to_owned));
            assert_eq!(names, (expected.map(str::to_owned), sent), "{pass}");
        }
    }

    #[test]
    fn paths_are_compared_as_far_as_they_are_written() {
        let table = [
            ("/etc/nginx/a.pem", "/etc/nginx/a.pem", true),
            ("/etc/nginx/a.pem", "a.pem", true),
            ("/etc/nginx/a.pem", "./a.pem", true),
            ("/etc/nginx/ssl/a.pem", "ssl/a.pem", true),
            ("/etc/nginx/ba.pem", "a.pem", false),
            ("/etc/nginx/a.pem", "/a.pem", false),
        ];
        for (absolute, written, expected) in table {
            assert_eq!(is_path(absolute, written), expected, "{absolute} {written}");
        }
    }

    #[test]
    fn an_answer_tells_what_speaks() {
        let table = [
            (Heard::Http, "HTTP/1.1 200 OK", Some("HTTP"), true),
            (Heard::Http, "HTTP/1.1 400 Bad Request", Some("HTTP"), false),
            (Heard::Other, "SSH-2.0-OpenSSH_9.2", Some("SSH"), false),
            (Heard::Other, "<html>", None, false),
            (Heard::Closed, "", None, false),
            (Heard::TlsFailed, "", Some("TLS"), false),
        ];
        for (heard, text, spoken, plain) in table {
            let text = Some(text.to_owned());
            let conversation = Conversation { said: Said::Request, heard, text, ..Conversation::default() };
            assert_eq!((conversation.spoken(), conversation.is_plain_http()), (spoken, plain), "{conversation:?}");
        }
    }
}
