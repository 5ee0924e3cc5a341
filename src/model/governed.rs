//! Which targets a setting of a module is in force for, and what about a
//! target decides whether the setting matters: how many servers it can choose
//! from, whether it lets connections become WebSockets.
//!
//! The other way round, from a target to the value in force for it, is
//! [`Target::effective`].

use super::{Block, Directive, Effective, Host, Model, Protocol, Target, Values, split_address, split_target};

impl<'m> Directive<'m> {
    /// The targets of its module that obey it: those around which no other
    /// directive of its name is nearer. Only those that were seen; whether
    /// there may be others, [`Directive::may_govern_unseen_targets`] says.
    pub fn targets_governed(self) -> impl Iterator<Item = Target<'m>> {
        let family = self.taken_in();
        let is_governed = move |target: &Target<'m>| {
            let protocol = target.protocol;
            Some(protocol.family()) == family
                && self.name().strip_prefix(protocol.prefix()).is_some_and(|rest| rest.starts_with('_'))
                && target.block().effective(self.name()) == Effective::Set(self)
        };
        // Of several in one block, which nginx refuses, only the last is asked about.
        let is_last = self.parent().directive(self.name()) == Some(self);
        let targets = is_last.then(|| self.model().targets_within(self.parent()));
        targets.into_iter().flatten().filter(is_governed)
    }

    /// Whether targets that were not seen may obey it: something in its block was
    /// out of sight.
    pub fn may_govern_unseen_targets(self) -> bool {
        !self.model().is_seen_throughout(self.parent())
    }

    /// Whether its file comes in once: an edit then changes no other place of
    /// the configuration. Of a fragment that is not known.
    pub fn is_included_once(self) -> bool {
        self.model().included_once()[self.file().index()]
    }
}

impl<'m> Block<'m> {
    /// The targets for which a list of this name right in this block is in
    /// force, in order: blocks inside that have one of their own, or may have,
    /// are left out.
    pub fn targets_governed_by(self, list: &str) -> Vec<Target<'m>> {
        let is_governed = |target: &Target<'m>| {
            let mut between = target.block().outwards().take_while(|block| *block != self);
            !between.any(|block| block.directive(list).is_some() || block.is_unseen_for(list))
        };
        self.model().targets_within(self).filter(is_governed).collect()
    }
}

impl<'t> Model<'t> {
    /// Whether everything was seen that is in a block and in the blocks in it.
    pub fn is_seen_throughout(&self, block: Block<'_>) -> bool {
        let behind = block.head().map(|head| self.tree.node(head.id()).next);
        let inner = self.blocks[block.id().0 as usize..].iter().skip(1);
        let mut inner = inner.take_while(|inner| behind.is_none_or(|behind| inner.node < behind));
        !block.is_unseen() && inner.all(|inner| !inner.unseen)
    }

    fn included_once(&self) -> &[bool] {
        self.included_once.get_or_init(|| {
            let mut count = vec![0u32; self.files().len()];
            for inclusion in &self.tree.inclusions {
                count[inclusion.file.index()] += 1;
            }
            count.into_iter().map(|count| count == 1).collect()
        })
    }
}

impl<'m> Target<'m> {
    /// Whether nginx can choose from several servers for it; none when that is
    /// not known, as for a name, which may be one address or more.
    pub fn has_several_servers(self) -> Option<bool> {
        if self.is_template() || !self.directive.is_read() {
            return None;
        }
        if self.has_variables() {
            return self.upstreams().into_iter().any(|group| group.has_several_servers()).then_some(true);
        }
        if let Some(group) = self.upstream() {
            let is_one = group.is_single_address().then_some(false);
            return if group.has_several_servers() { Some(true) } else { is_one };
        }
        match self.own_endpoint()?.host {
            Host::Address(_) | Host::Unix(_) => Some(false),
            Host::Name(_) => None,
        }
    }

    /// Whether a name may be looked up for it while nginx runs: it has
    /// variables, and they may hold something else than groups, addresses and
    /// what is known from the start.
    pub fn may_ask_resolver(self) -> bool {
        if !self.has_variables() || self.is_template() {
            return false;
        }
        let values = self.directive.model().values_at(self.block(), self.text);
        let is_open = |text: &str| {
            let address = &text[split_target(self.protocol, text).address];
            matches!(split_address(address).0, Host::Name(name) if !Values::is_known(name))
        };
        values.incomplete || values.iter().any(is_open) || !self.names_looked_up().is_empty()
    }

    /// Whether it certainly passes on the header with which clients ask for a
    /// WebSocket.
    pub fn passes_upgrade(self) -> bool {
        self.upgrade_header().is_some()
    }

    /// The directive that makes it pass on the header with which clients ask
    /// for a WebSocket.
    pub fn upgrade_header(self) -> Option<Directive<'m>> {
        if self.protocol != Protocol::Proxy {
            return None;
        }
        let headers = self.block().effective_list("proxy_set_header");
        let mut upgrade = headers.named("upgrade");
        upgrade.find(|header| header.argument(1).is_some_and(|value| !value.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::{Context, Family};
    use crate::model::{Model, Profile};
    use crate::tree::{self, Memory, Places};
    use std::path::Path;

    fn with_model(text: &str, look: impl FnOnce(&Model<'_>)) {
        let path = Path::new("nginx.conf");
        let files: Memory = [(path, text.as_bytes())].into_iter().collect();
        let tree = tree::load(&files, path, &Places::of_entry(path, path)).expect("the file is there");
        look(&Model::new(&tree, Context::Main, Profile::default()));
    }

    #[test]
    fn a_setting_governs_the_targets_that_have_no_nearer_one() {
        let text = "http {
            proxy_read_timeout 1s;
            fastcgi_read_timeout 2s;
            server {
                location /a { proxy_pass http://127.0.0.1:1; }
                location /b { proxy_read_timeout 3s; proxy_pass http://127.0.0.1:2; if ($a) { proxy_pass http://127.0.0.1:3; } }
                location /c { fastcgi_pass 127.0.0.1:4; }
            }
            server { proxy_read_timeout 4s; location / { proxy_pass http://127.0.0.1:5; } }
        }
        stream { server { proxy_pass 127.0.0.1:6; } }";
        let expected = [
            ("1s", vec!["http://127.0.0.1:1"]),
            ("2s", vec!["127.0.0.1:4"]),
            ("3s", vec!["http://127.0.0.1:2", "http://127.0.0.1:3"]),
            ("4s", vec!["http://127.0.0.1:5"]),
        ];
        with_model(text, |model| {
            let settings = model.directives_named(&["proxy_read_timeout", "fastcgi_read_timeout"]);
            let governed: Vec<_> = settings
                .map(|setting| {
                    let targets: Vec<&str> = setting.targets_governed().map(|target| target.text).collect();
                    (setting.argument(0).unwrap_or_default(), targets)
                })
                .collect();
            assert_eq!(governed, expected);
            assert!(model.is_whole(Family::Http));
        });
    }

    #[test]
    fn what_a_target_can_choose_from_and_whether_it_lets_upgrades_through() {
        let text = "http {
            upstream two { server 127.0.0.1:1; server 127.0.0.1:2; }
            upstream one { server 127.0.0.1:1; }
            upstream name { server app.example:1; }
            upstream half { server 127.0.0.1:1; server 127.0.0.1:2 down; }
            proxy_set_header Upgrade $http_upgrade;
            map $host $group { default two; }
            map $host $target { default http://two; }
            server {
                location /a { proxy_pass http://two; }
                location /b { proxy_pass http://one; }
                location /c { proxy_pass http://name; }
                location /d { proxy_pass http://half; }
                location /e { proxy_pass http://unix:/run/a.sock; proxy_set_header Upgrade ''; }
                location /f { proxy_pass http://else.example; proxy_set_header Host $host; }
                location /g { proxy_pass http://$group; }
                location /h { proxy_pass http://$host; }
                location /i { fastcgi_pass 127.0.0.1:9; }
                location /j { proxy_pass $target; }
            }
        }";
        let expected = [
            (Some(true), true),
            (Some(false), true),
            (None, true),
            (None, true),
            (Some(false), false),
            (None, false),
            (Some(true), true),
            (None, true),
            (Some(false), false),
            (Some(true), true),
        ];
        with_model(text, |model| {
            let found: Vec<_> =
                model.targets().map(|target| (target.has_several_servers(), target.passes_upgrade())).collect();
            assert_eq!(found, expected);
        });
    }

    #[test]
    fn a_list_is_in_force_down_to_the_next_one() {
        let path = Path::new("nginx.conf");
        let text = "http { proxy_set_header A 1;
            server { location /a { proxy_pass http://a; if ($arg_x) { proxy_pass http://b; } } }
            server {
                proxy_set_header B 1;
                location /c { proxy_pass http://c; }
                location /d { proxy_set_header D 1; proxy_pass http://d; location /d/e { proxy_pass http://e; } }
            }
        }";
        let files: Memory = [(path, text)].into_iter().collect();
        let places = Places::of_entry(path, Path::new("/nginx.conf"));
        let tree = tree::load(&files, path, &places).expect("the file is there");
        let model = Model::new(&tree, Context::Main, Profile::default());
        let table = [("A", "ab"), ("B", "c"), ("D", "de")];
        for (header, expected) in table {
            let mut lists = model.directives_named(&["proxy_set_header"]);
            let list = lists.find(|list| list.has_flag(header)).expect("it is there");
            let targets = list.parent().targets_governed_by("proxy_set_header");
            let found: String = targets.iter().filter_map(|target| target.text.strip_prefix("http://")).collect();
            assert_eq!(found, expected, "{header}");
        }
        let http = model.directives_named(&["http"]).next().and_then(|http| http.block()).expect("it is there");
        assert_eq!(model.targets_within(http).count(), 5);
    }
}
